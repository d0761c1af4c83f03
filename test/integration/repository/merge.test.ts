import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CanonicalBench, lane as laneOf } from "../../support/canonical.ts";

let bench: CanonicalBench;
beforeEach(async () => {
  bench = await CanonicalBench.make();
});
afterEach(() => bench.dispose());

const merge = (branchId: number, more: { head?: string; force?: { reason: string } } = {}) =>
  bench.repository.merge({ branchId, head: more.head, force: more.force, by: "npub1agent" });

describe("a green branch on top of the target", () => {
  it("lands as a merge commit with the tree that was tested", async () => {
    const before = await bench.tip("main");
    const branch = await bench.greenBranch("feature");
    const seen = bench.store.read.newestEventSeq();

    const { mergeCommit } = await merge(branch.id, { head: branch.head });

    expect(await bench.tip("main")).toBe(mergeCommit);
    expect(await bench.tip("feature")).toBeUndefined();
    expect(await bench.ref(`refs/land/heads/${branch.id}/${branch.head}`)).toBe(branch.head);
    const shown = ["show", "-s", "--format=%P|%T|%an <%ae>|%cn <%ce>|%ct|%B", mergeCommit];
    const tree = await bench.bare.text(["rev-parse", `${branch.head}^{tree}`]);
    const forge = "Forge Landing Kit <forge@localhost>";
    const seconds = bench.clock.now().getTime() / 1000;
    expect(await bench.bare.text(shown)).toBe(
      `${before} ${branch.head}|${tree}|${forge}|${forge}|${seconds}|Merge branch 'feature' into main`,
    );
    expect(bench.record("feature")).toMatchObject({
      state: "merged",
      mergeCommit,
      endedBy: "npub1agent",
    });
    expect(bench.store.read.lastTargetMove()).toMatchObject({
      kind: "merge",
      state: "done",
      targetBefore: before,
      targetAfter: mergeCommit,
      forced: false,
    });
    expect(bench.eventKinds(seen)).toEqual(["branch_merged", "target_moved"]);
  });

  it("stays merged through later passes, and a second merge is refused with the commit", async () => {
    const branch = await bench.greenBranch("feature");
    const { mergeCommit } = await merge(branch.id);
    await bench.repository.ingest();
    expect(bench.record("feature").state).toBe("merged");
    expect(bench.repository.frozen()).toBeNull();
    await expect(merge(branch.id)).rejects.toMatchObject({
      status: 409,
      code: "branch_not_open",
      message: expect.stringContaining(mergeCommit),
      facts: { head_sha: branch.head },
    });
  });

  it("costs a handful of git processes", async () => {
    const trace = join(bench.dir, "trace");
    Object.assign(bench.config.env, { GIT_TRACE2_EVENT: trace });
    await bench.restart();
    const branch = await bench.greenBranch("feature");
    await writeFile(trace, "");
    await merge(branch.id);
    expect((await readFile(trace, "utf8")).split('"event":"start"').length - 1).toBe(4);
  });

  it("is taken by exactly one of many callers", async () => {
    const branch = await bench.greenBranch("feature");
    const answers = await Promise.allSettled(
      Array.from({ length: 5 }, () => merge(branch.id, { head: branch.head })),
    );
    expect(answers.filter((answer) => answer.status === "fulfilled")).toHaveLength(1);
    expect(await bench.bare.text(["rev-list", "--count", "--merges", "main"])).toBe("1");
  });

  it("cancels what is still running for it", async () => {
    const branch = await bench.greenBranch("feature");
    const [run] = bench.store.read.runsOfBranch(branch.id, 1);
    const rerun = bench.store.write((tx) =>
      tx.createRun({
        branchId: branch.id,
        subject: "head",
        head: branch.head,
        partial: true,
        rerunOf: run?.id ?? null,
        reason: null,
        note: null,
        status: "success",
        lanes: [laneOf("test")],
      }),
    );
    const wakes = bench.ci.wakes;
    await merge(branch.id);
    expect(bench.store.read.lanesOfRun(rerun.id)[0]).toMatchObject({
      status: "failed",
      failureKind: "cancelled",
    });
    expect(bench.ci.wakes).toBeGreaterThan(wakes);
  });
});

describe("what is refused, with nothing changed", () => {
  it.each(["-x", "42", "tagged", "q'\";$(touch$IFS'x')&`ü`", "a/b", "HEAD"])(
    "nothing because of a name: %s lands",
    async (name) => {
      await bench.bare.run({ args: ["update-ref", "refs/tags/tagged", "refs/heads/main"] });
      const branch = await bench.greenBranch(name, { "file.txt": name });
      const { mergeCommit } = await merge(branch.id, { head: branch.head });
      expect(await bench.tip("main")).toBe(mergeCommit);
      expect(await bench.bare.text(["show", "-s", "--format=%s", mergeCommit])).toBe(
        `Merge branch '${name}' into main`,
      );
    },
  );

  it("an unknown branch", async () => {
    await expect(merge(99)).rejects.toMatchObject({ status: 404, message: "branch not found" });
  });

  it("a branch whose ref is gone", async () => {
    const branch = await bench.greenBranch("feature");
    await bench.push("feature", "");
    await expect(merge(branch.id)).rejects.toMatchObject({ status: 409, code: "branch_gone" });
  });

  it("a head other than the ref's, named or recorded", async () => {
    const branch = await bench.greenBranch("feature");
    const newer = await bench.commit({ "more.txt": "more" });
    await bench.push("feature");
    for (const head of [branch.head, undefined]) {
      await expect(merge(branch.id, head === undefined ? {} : { head })).rejects.toMatchObject({
        code: "head_moved",
        facts: { head_sha: newer },
      });
    }
  });

  it("a pushed head that was named before it was taken in, until its own run is green", async () => {
    const branch = await bench.greenBranch("feature");
    const newer = await bench.commit({ "more.txt": "more" });
    await bench.push("feature");
    await expect(merge(branch.id, { head: newer })).rejects.toMatchObject({
      code: "ci_not_green",
      facts: { head_sha: newer },
    });
    expect(bench.record("feature").head).toBe(newer);
    bench.endLanes(branch, "success");
    await expect(merge(branch.id, { head: newer })).resolves.toBeDefined();
  });

  it("a head whose run has not finished, failed, or was only rerun in part", async () => {
    const before = await bench.tip("main");
    const branch = await bench.branch("feature");
    await expect(merge(branch.id)).rejects.toMatchObject({ code: "ci_not_green" });
    bench.endLanes(branch, "failed");
    await expect(merge(branch.id)).rejects.toMatchObject({ code: "ci_not_green" });
    bench.store.write((tx) =>
      tx.createRun({
        ...{ branchId: branch.id, subject: "head", head: branch.head, partial: true },
        ...{ rerunOf: null, reason: null, note: null, status: "success", lanes: [] },
      }),
    );
    await expect(merge(branch.id)).rejects.toMatchObject({
      code: "ci_not_green",
      facts: { head_sha: branch.head },
    });
    expect(await bench.tip("main")).toBe(before);
    expect(await bench.tip("feature")).toBe(branch.head);
  });

  it("lanes changed, unless the owner's settings allow it", async () => {
    const branch = await bench.greenBranch("feature");
    bench.ci.changed = ["test", "lint"];
    await expect(merge(branch.id)).rejects.toMatchObject({
      code: "ci_changed",
      facts: { lanes: ["test", "lint"] },
    });
    bench.settings = { ...bench.settings, allowCiChange: true };
    await expect(merge(branch.id)).resolves.toBeDefined();
  });

  it("a head that does not contain the target's tip, and says where that is", async () => {
    const one = await bench.greenBranch("one");
    const two = await bench.greenBranch("two");
    const { mergeCommit } = await merge(one.id);
    await expect(merge(two.id, { head: two.head })).rejects.toMatchObject({
      code: "target_moved",
      facts: { target_sha: mergeCommit, head_sha: two.head },
    });
    expect(await bench.tip("main")).toBe(mergeCommit);
    expect(bench.store.read.intendedMoves()).toEqual([]);
  });

  it("a head behind a target that got lanes meanwhile: behind is what it is told", async () => {
    const one = await bench.greenBranch("one");
    const two = await bench.greenBranch("two");
    await merge(one.id);
    bench.ci.changed = ["new"];
    await expect(merge(two.id)).rejects.toMatchObject({ code: "target_moved" });
  });

  it("a conflict, naming its files whatever they are called", async () => {
    const files = (words: string) => ({ "größe (1).txt": words, "tab\tnew\nline": words });
    const one = await bench.greenBranch("one", files("one\n"));
    const two = await bench.greenBranch("two", files("two\n"));
    await merge(one.id);
    for (const force of [undefined, { reason: "try it" }]) {
      await expect(merge(two.id, force === undefined ? {} : { force })).rejects.toMatchObject({
        code: "merge_conflict",
        facts: { files: ["größe (1).txt", "tab\tnew\nline"] },
        message: expect.not.stringContaining("\n"),
      });
    }
  });

  it("a branch without common history", async () => {
    await bench.work.run({ args: ["checkout", "--quiet", "--orphan", "lonely"] });
    await bench.commit({ "lonely.txt": "lonely" });
    await bench.push("lonely");
    await bench.repository.ingest();
    const branch = bench.record("lonely");
    for (const force of [undefined, { reason: "please" }]) {
      await expect(merge(branch.id, force === undefined ? {} : { force })).rejects.toMatchObject({
        code: "unrelated_histories",
      });
    }
  });
});

describe("force", () => {
  it("lands a red head, and is journalled with who and why", async () => {
    const branch = await bench.branch("feature");
    bench.endLanes(branch, "failed");
    bench.ci.changed = ["test"];
    const { mergeCommit } = await merge(branch.id, { force: { reason: "CI is down" } });
    expect(bench.store.read.lastTargetMove()).toMatchObject({
      forced: true,
      reason: "CI is down",
      by: "npub1agent",
      targetAfter: mergeCommit,
    });
  });

  it("lands a head beside the target where the merge is clean", async () => {
    const one = await bench.greenBranch("one");
    const two = await bench.greenBranch("two");
    await merge(one.id);
    const { mergeCommit } = await merge(two.id, { force: { reason: "now" } });
    const files = await bench.bare.text(["ls-tree", "--name-only", mergeCommit]);
    expect(files.split("\n")).toEqual(["base.txt", "one.txt", "two.txt"]);
  });

  it("does not pass a frozen target or a head that moved", async () => {
    const branch = await bench.greenBranch("feature");
    await bench.bare.run({ args: ["update-ref", "refs/heads/main", branch.head] });
    const force = { reason: "now" };
    await expect(merge(branch.id, { force })).rejects.toMatchObject({
      code: "target_moved_outside",
    });
    await expect(merge(branch.id, { force, head: "0".repeat(40) })).rejects.toMatchObject({
      code: "head_moved",
    });
  });
});
