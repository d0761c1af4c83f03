import { utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BranchRecord, JournalRecord } from "../../../src/server/store/records.ts";
import { CanonicalBench } from "../../support/canonical.ts";

let bench: CanonicalBench;
let before: string;
beforeEach(async () => {
  bench = await CanonicalBench.make();
  before = (await bench.tip("main")) ?? "";
});
afterEach(() => bench.dispose());

/** What a forge leaves that died right after it had journalled a move. */
async function intendMerge(branch: BranchRecord): Promise<string> {
  const commit = await bench.bare.run({
    args: ["commit-tree", `${branch.head}^{tree}`, "-p", before, "-p", branch.head],
    input: "Merge branch 'feature' into main\n",
  });
  const mergeCommit = commit.stdout.trim();
  await setRef(pinOf(branch), branch.head);
  journal(branch, { kind: "merge", targetBefore: before, targetAfter: mergeCommit });
  return mergeCommit;
}

function journal(branch: BranchRecord, entry: Partial<JournalRecord>): void {
  bench.store.write((tx) =>
    tx.addJournal({
      kind: "close",
      branchId: branch.id,
      head: branch.head,
      targetBefore: null,
      targetAfter: null,
      state: "intended",
      by: "npub1agent",
      reason: null,
      forced: false,
      ...entry,
    }),
  );
}

const pinOf = (branch: BranchRecord) => `refs/land/heads/${branch.id}/${branch.head}`;
const setRef = (ref: string, sha: string) => bench.bare.run({ args: ["update-ref", ref, sha] });
const deleteRef = (ref: string) => bench.bare.run({ args: ["update-ref", "-d", ref] });

const merge = (branchId: number) =>
  bench.repository.merge({ branchId, head: undefined, force: undefined, by: "npub1agent" });

describe("a forge that died in the middle of a merge", () => {
  it("before the refs moved: the branch is still open and lands once when asked again", async () => {
    const branch = await bench.greenBranch("feature");
    await intendMerge(branch);
    await bench.restart();
    expect(bench.store.read.intendedMoves()).toEqual([]);
    expect(bench.record("feature").state).toBe("open");
    expect(await bench.tip("main")).toBe(before);
    const { mergeCommit } = await merge(branch.id);
    expect(await bench.tip("main")).toBe(mergeCommit);
    expect(await bench.bare.text(["rev-list", "--count", "--merges", "main"])).toBe("1");
    expect(await bench.ref(pinOf(branch))).toBe(branch.head);
  });

  it("after the refs moved: the branch is merged, and asking again says so", async () => {
    const branch = await bench.greenBranch("feature");
    const mergeCommit = await intendMerge(branch);
    await setRef("refs/heads/main", mergeCommit);
    await deleteRef("refs/heads/feature");
    for (const _ of [1, 2]) {
      await bench.restart();
      await bench.repository.ingest();
      expect(bench.record("feature")).toMatchObject({
        state: "merged",
        mergeCommit,
        endedBy: "npub1agent",
      });
      expect(bench.repository.frozen()).toBeNull();
    }
    await expect(merge(branch.id)).rejects.toMatchObject({ code: "branch_not_open" });
    expect(bench.eventKinds().filter((kind) => kind === "branch_merged")).toHaveLength(1);
    expect(bench.store.read.audit({ action: "merge", limit: 9 })).toMatchObject([
      { npub: "npub1agent", branchName: "feature", head: branch.head, result: "ok" },
    ]);
  });

  it("between the refs: the branch's own is deleted as well", async () => {
    const branch = await bench.greenBranch("feature");
    const mergeCommit = await intendMerge(branch);
    await setRef("refs/heads/main", mergeCommit);
    await bench.restart();
    expect(await bench.tip("feature")).toBeUndefined();
    await bench.repository.ingest();
    expect(bench.store.read.branches({ limit: 9 })).toHaveLength(1);
    expect(bench.record("feature")).toMatchObject({ id: branch.id, state: "merged", mergeCommit });
  });

  it("and a push of the same name came before it was back: that is a branch of its own", async () => {
    const branch = await bench.greenBranch("feature");
    const mergeCommit = await intendMerge(branch);
    await setRef("refs/heads/main", mergeCommit);
    const newer = await bench.commit({ "more.txt": "more" });
    await bench.push("feature");
    await bench.restart();
    await bench.repository.ingest();
    expect(bench.store.read.branch(branch.id)).toMatchObject({ state: "merged", mergeCommit });
    expect(bench.record("feature")).toMatchObject({ state: "open", head: newer });
    expect(bench.record("feature").id).not.toBe(branch.id);
  });

  it("and somebody moved the target on by hand: merged, and landing stands still", async () => {
    const branch = await bench.greenBranch("feature");
    const mergeCommit = await intendMerge(branch);
    await setRef("refs/heads/main", mergeCommit);
    await deleteRef("refs/heads/feature");
    await bench.startFrom();
    const outside = await bench.commit({ "outside.txt": "outside" });
    await bench.pushRef("refs/tags/outside");
    await setRef("refs/heads/main", outside);
    await bench.restart();
    expect(bench.record("feature")).toMatchObject({ state: "merged", mergeCommit });
    expect(bench.repository.frozen()).toContain(outside);
  });

  it("leaving a git behind that commits late: what was abandoned can no longer happen", async () => {
    const branch = await bench.greenBranch("feature");
    const mergeCommit = await intendMerge(branch);
    await bench.restart();
    const late = bench.bare.run({
      args: ["update-ref", "--stdin"],
      input: [
        "start",
        `verify ${pinOf(branch)} ${branch.head}`,
        `update refs/heads/main ${mergeCommit} ${before}`,
        `delete refs/heads/feature ${branch.head}`,
        "prepare",
        "commit",
        "",
      ].join("\n"),
    });
    await expect(late).rejects.toMatchObject({ code: "git_failed" });
    expect(await bench.tip("main")).toBe(before);
  });

  it("with a merge commit that is not even there: abandoned, and nothing else waits", async () => {
    const branch = await bench.greenBranch("feature");
    const missing = "1".repeat(40);
    journal(branch, { kind: "merge", targetBefore: before, targetAfter: missing });
    await bench.restart();
    expect(bench.store.read.intendedMoves()).toEqual([]);
    await expect(merge(branch.id)).resolves.toBeDefined();
  });

  it("and git cannot settle it yet: the branch is not taken for deleted, and later is merged", async () => {
    const branch = await bench.greenBranch("feature");
    const mergeCommit = await intendMerge(branch);
    await setRef("refs/heads/main", mergeCommit);
    await deleteRef("refs/heads/feature");
    const lock = join(bench.config.repositoryDir, `${pinOf(branch)}.lock`);
    await bench.bare.run({ args: ["config", "core.filesRefLockTimeout", "0"] });
    await writeFile(lock, "");
    const now = bench.clock.now();
    await utimes(lock, now, now);
    await bench.repository.ingest();
    expect(bench.record("feature").state).toBe("open");
    await expect(merge(branch.id)).rejects.toThrow("not settled yet");
    expect(bench.eventKinds()).not.toContain("landing_frozen");
    bench.clock.tick(60_000);
    await bench.repository.ingest();
    await bench.repository.ingest();
    expect(bench.record("feature")).toMatchObject({ state: "merged", mergeCommit });
    expect(bench.repository.frozen()).toBeNull();
  });

  it("is settled by the next pass too, without a restart", async () => {
    const branch = await bench.greenBranch("feature");
    const mergeCommit = await intendMerge(branch);
    await setRef("refs/heads/main", mergeCommit);
    await deleteRef("refs/heads/feature");
    await bench.repository.ingest();
    expect(bench.record("feature")).toMatchObject({ state: "merged", mergeCommit });
    expect(bench.eventKinds()).not.toContain("landing_frozen");
  });
});

describe("a forge that died in the middle of a close", () => {
  it("after the ref was deleted: closed by who asked for it", async () => {
    const branch = await bench.branch("feature");
    journal(branch, { reason: "not wanted" });
    await deleteRef("refs/heads/feature");
    await bench.restart();
    expect(bench.record("feature")).toMatchObject({
      state: "closed",
      endedBy: "npub1agent",
      endReason: "not wanted",
    });
  });

  it("before that: still open", async () => {
    const branch = await bench.branch("feature");
    journal(branch, {});
    await bench.restart();
    await bench.repository.ingest();
    expect(bench.record("feature").state).toBe("open");
    expect(await bench.tip("feature")).toBe(branch.head);
    expect(bench.store.read.intendedMoves()).toEqual([]);
  });
});

describe("lock files of a git that was killed", () => {
  const lock = (name: string) => join(bench.config.repositoryDir, name);

  async function leave(name: string, ageMs: number): Promise<void> {
    await writeFile(lock(name), "");
    const at = new Date(bench.clock.now().getTime() - ageMs);
    await utimes(lock(name), at, at);
  }

  it("are removed at the start, so that landing works again", async () => {
    const branch = await bench.greenBranch("feature");
    await leave("refs/heads/main.lock", 60_000);
    await leave("refs/heads/feature.lock", 60_000);
    await leave("packed-refs.lock", 60_000);
    await bench.restart();
    await expect(merge(branch.id)).resolves.toBeDefined();
  });

  it("are left alone while they may be in use; later they no longer keep a merge from landing", async () => {
    const branch = await bench.greenBranch("feature");
    await bench.bare.run({ args: ["config", "core.filesRefLockTimeout", "0"] });
    await leave("refs/heads/main.lock", 1000);
    await expect(merge(branch.id)).rejects.toMatchObject({ code: "git_failed" });
    expect(bench.record("feature").state).toBe("open");
    expect(await bench.tip("feature")).toBe(branch.head);
    bench.clock.tick(60_000);
    await expect(merge(branch.id)).rejects.toMatchObject({ code: "git_failed" });
    await expect(merge(branch.id)).resolves.toBeDefined();
  });
});
