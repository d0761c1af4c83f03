import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { WorkingCopy } from "../../../src/git/working-copy.ts";
import { processNamespace } from "../../../src/process/living.ts";
import { makeScene, type Scene } from "../../support/worktrees.ts";

let scene: Scene;
let work: string;
let copy: WorkingCopy;
let head: string;
let target: string;

beforeEach(async () => {
  scene = await makeScene();
  work = await scene.clone("work");
  await scene.git(work, "checkout", "-q", "-b", "x");
  copy = await scene.open(work);
  for (const name of ["c", "d", "e"]) head = await scene.commit(work, { [`${name}.txt`]: name });
  await scene.elsewhere("main", { "theirs.txt": "t\n" });
  target = (await copy.fetch("forge", "main")).after ?? "";
});
afterEach(() => scene.remove());

test("two that rebase one work tree take turns", async () => {
  const other = await scene.open(work);
  const answers = await Promise.all([copy.rebase(target), other.rebase(target)]);
  const tip = await copy.localTip("x");
  expect(answers.map((answer) => answer.state).toSorted()).toEqual(["rebased", "up_to_date"]);
  expect(answers).toEqual([
    expect.objectContaining({ head: tip }),
    expect.objectContaining({ head: tip }),
  ]);
  expect(await copy.isAncestor(target, tip ?? "")).toBe(true);
  expect(await copy.state()).toMatchObject({ branch: "x", trackedCount: 0, operation: undefined });
});

test("a tip that came of rebases alone is told from one with more in it", async () => {
  await copy.rebase(target);
  const first = (await copy.localTip("x")) ?? "";
  await scene.elsewhere("main", { "more.txt": "t\n" });
  await copy.rebase((await copy.fetch("forge", "main")).after ?? "");
  const second = (await copy.localTip("x")) ?? "";
  expect(await copy.rebasedHere("x", head, second)).toBe(true);
  expect(await copy.rebasedHere("x", first, second)).toBe(true);
  expect(await copy.rebasedHere("x", second, first)).toBe(false);
  const more = await scene.commit(work, { "f.txt": "f" });
  expect(await copy.rebasedHere("x", head, more)).toBe(false);
});

/** A rebase of this kit that stands between two commits, as if who carried it out had been killed. */
async function cutOff(): Promise<void> {
  const by = { pid: 2 ** 22 + 1, startTime: "1", bootId: "none", namespace: processNamespace() };
  const mark = { branch: "refs/heads/x", onto: target, head, id: "the-rebase", by };
  await writeFile(join(work, ".git", "land-rebase"), JSON.stringify(mark));
  const editor = `sequence.editor=sed -i -e '2i break'`;
  await scene.git(work, "-c", editor, "rebase", "-q", "-i", "--merge", target);
}

test("a rebase that was cut off is told from one that waits, and can be taken back", async () => {
  await cutOff();
  const operation = { kind: "rebase", ours: true, phase: "cut_off" };
  expect(await copy.state()).toMatchObject({ branch: "x", head, operation, conflicts: [] });
  expect(await copy.branch()).toBe("x");
  expect(await copy.abortRebase()).toEqual({ state: "aborted", head });
  expect((await copy.rebase(target)).state).toBe("rebased");
});

test("a rebase that its git still carries out, though who began it is gone, is waited for", async () => {
  await cutOff();
  const env = { PATH: process.env.PATH, LAND_REBASE: "the-rebase" };
  const orphan = spawn("sleep", ["60"], { env, stdio: "ignore" });
  await once(orphan, "spawn");
  try {
    expect((await copy.state()).operation?.phase).toBe("under_way");
    const aborting = copy.abortRebase();
    await expect(copy.rebase(target, AbortSignal.timeout(200))).rejects.toMatchObject({
      code: "cancelled",
    });
    orphan.kill();
    expect(await aborting).toEqual({ state: "aborted", head });
  } finally {
    orphan.kill();
  }
});

test("a conflict waits for its resolution, whoever met it", async () => {
  await scene.elsewhere("main", { "c.txt": "theirs\n" });
  target = (await copy.fetch("forge", "main")).after ?? "";
  expect((await copy.rebase(target)).state).toBe("conflict");
  expect((await copy.state()).operation?.phase).toBe("stopped");
  expect(await copy.branch()).toBe("x");
  await writeFile(join(work, "c.txt"), "both\n");
  await scene.git(work, "add", "c.txt");
  expect((await copy.state()).operation?.phase).toBe("stopped");
  expect((await copy.continueRebase()).state).toBe("rebased");
});
