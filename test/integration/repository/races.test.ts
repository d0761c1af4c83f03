import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CanonicalBench } from "../../support/canonical.ts";

/** Lanes are compared after a merge has read the refs and before it changes them. */
function between(bench: CanonicalBench, happens: () => Promise<unknown>): void {
  bench.ci.lanesChangedBy = async () => {
    await happens();
    return [];
  };
}

let bench: CanonicalBench;
beforeEach(async () => {
  bench = await CanonicalBench.make();
});
afterEach(() => bench.dispose());

const merge = (branchId: number) =>
  bench.repository.merge({ branchId, head: undefined, force: undefined, by: "npub1agent" });

describe("in the middle of a merge", () => {
  it("a push to the branch wins, and what it brought is kept", async () => {
    const before = await bench.tip("main");
    const branch = await bench.greenBranch("feature");
    const newer = await bench.commit({ "more.txt": "more" });
    between(bench, () => bench.push("feature"));
    await expect(merge(branch.id)).rejects.toMatchObject({
      status: 409,
      code: "head_moved",
      facts: { head_sha: newer },
    });
    expect(await bench.tip("main")).toBe(before);
    expect(await bench.tip("feature")).toBe(newer);
    await bench.repository.ingest();
    expect(bench.record("feature")).toMatchObject({ id: branch.id, state: "open", head: newer });
    expect(bench.store.read.intendedMoves()).toEqual([]);
  });

  it("a deletion of the branch wins", async () => {
    const branch = await bench.greenBranch("feature");
    between(bench, () => bench.push("feature", ""));
    await expect(merge(branch.id)).rejects.toMatchObject({ code: "branch_gone" });
  });

  it("a target moved by hand is not overwritten", async () => {
    const other = await bench.branch("other");
    const branch = await bench.greenBranch("feature");
    between(bench, () => bench.bare.run({ args: ["update-ref", "refs/heads/main", other.head] }));
    await expect(merge(branch.id)).rejects.toMatchObject({ code: "target_moved_outside" });
    expect(await bench.tip("main")).toBe(other.head);
    expect(await bench.tip("feature")).toBe(branch.head);
    expect(bench.record("feature").state).toBe("open");
  });

  it("a pass that was asked for waits, and never sees it half done", async () => {
    const branch = await bench.greenBranch("feature");
    let pass: Promise<void> | undefined;
    between(bench, async () => {
      pass = bench.repository.ingest();
    });
    await merge(branch.id);
    await pass;
    expect(bench.record("feature").state).toBe("merged");
    expect(bench.eventKinds()).not.toContain("branch_closed");
  });

  it("a branch pushed in the middle of a close stays open", async () => {
    const branch = await bench.branch("feature");
    const newer = await bench.commit({ "more.txt": "more" });
    const close = bench.repository.close({
      ...{ branchId: branch.id, head: newer, reason: undefined, by: "npub1agent" },
    });
    await expect(close).rejects.toMatchObject({ code: "head_moved" });
    expect(bench.record("feature").state).toBe("open");
  });
});

describe("close", () => {
  it("deletes the ref, keeps the head under a private one, and cancels the lanes", async () => {
    const branch = await bench.branch("feature");
    await bench.repository.close({
      ...{ branchId: branch.id, head: branch.head, reason: "not wanted", by: "npub1agent" },
    });
    expect(await bench.tip("feature")).toBeUndefined();
    expect(await bench.ref(`refs/land/heads/${branch.id}/${branch.head}`)).toBe(branch.head);
    expect(bench.record("feature")).toMatchObject({
      state: "closed",
      endedBy: "npub1agent",
      endReason: "not wanted",
      mergeCommit: null,
    });
    const [run] = bench.store.read.runsOfBranch(branch.id, 1);
    expect(run?.status).toBe("failed");
    expect(bench.store.read.lanesOfRun(run?.id ?? 0)[0]?.failureKind).toBe("cancelled");
    expect(bench.eventKinds().slice(-3)).toEqual([
      "lane_finished",
      "run_finished",
      "branch_closed",
    ]);
  });

  it("refuses a branch that is not open, gone or moved", async () => {
    const close = (branchId: number, head?: string) =>
      bench.repository.close({ branchId, head, reason: undefined, by: "npub1agent" });
    const branch = await bench.branch("feature");
    await expect(close(77)).rejects.toMatchObject({ status: 404 });
    await expect(close(branch.id, "1".repeat(40))).rejects.toMatchObject({ code: "head_moved" });
    await bench.push("feature", "");
    await expect(close(branch.id)).rejects.toMatchObject({ code: "branch_gone" });
    await bench.repository.ingest();
    await expect(close(branch.id)).rejects.toMatchObject({ code: "branch_not_open" });
  });

  it("works while landing stands still", async () => {
    const branch = await bench.branch("feature");
    await bench.bare.run({ args: ["update-ref", "refs/heads/main", branch.head] });
    await bench.repository.ingest();
    expect(bench.repository.frozen()).not.toBeNull();
    await bench.repository.close({
      ...{ branchId: branch.id, head: undefined, reason: undefined, by: "npub1agent" },
    });
    expect(bench.record("feature").state).toBe("closed");
  });
});
