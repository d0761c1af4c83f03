import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type LandingScene, makeLandingScene } from "../../support/landing.ts";

let at: LandingScene;

beforeEach(async () => {
  at = await makeLandingScene();
});
afterEach(() => at.scene.remove());

/** Leaves a rebase of this kit standing between two commits, as a killed git would. */
async function cutOff(): Promise<void> {
  const { scene, work } = at;
  const head = await scene.commit(work, { "more.txt": "more\n" });
  await scene.elsewhere("main", { "theirs.txt": "t\n" });
  const target = (await at.copy.fetch("forge", "main")).after;
  const mark = { branch: "refs/heads/x", onto: target, head, id: "the-rebase", by: null };
  await writeFile(join(work, ".git", "land-rebase"), JSON.stringify(mark));
  const editor = "sequence.editor=sed -i -e '2i break'";
  await scene.git(work, "-c", editor, "rebase", "-q", "-i", "--merge", String(target));
}

test("a rebase that was cut off between two commits is taken back, and the branch lands", async () => {
  await cutOff();
  const end = await at.ask();
  expect(end).toMatchObject({ state: "landed" });
  expect(end.trail[0]).toBe("took back a rebase that was cut off");
  await at.expectEachMergeTested();
});

test("a plan takes nothing back", async () => {
  await cutOff();
  expect(await at.ask({ dryRun: true })).toMatchObject({
    state: "refused",
    code: "operation_in_progress",
  });
  expect((await at.copy.state()).operation?.phase).toBe("cut_off");
});

test("changes in a rebase that was cut off are not thrown away", async () => {
  await cutOff();
  await writeFile(join(at.work, "mine.txt"), "edited\n");
  expect(await at.ask()).toMatchObject({
    state: "refused",
    code: "operation_in_progress",
    next: expect.stringContaining("abort"),
  });
});

test("two landings of one branch in one work tree rebase it once, and both go on with that", async () => {
  await at.scene.elsewhere("main", { "theirs.txt": "t\n" });
  const green = { merge: false };
  const ends = await Promise.all([at.ask(green), at.ask(green, await at.scene.open(at.work))]);
  expect(ends).toEqual([
    expect.objectContaining({ state: "green" }),
    expect.objectContaining({ state: "green" }),
  ]);
  expect(ends[0]?.head).toBe(ends[1]?.head);
  expect(await at.ask()).toMatchObject({ state: "landed", head: ends[0]?.head });
  await at.expectEachMergeTested();
});

test("a commit that is made during the landing's rebase is not landed unasked", async () => {
  await at.scene.elsewhere("main", { "theirs.txt": "t\n" });
  const racing = {
    ...at.copy,
    async rebase(onto: string, signal?: AbortSignal) {
      await at.scene.commit(at.work, { "unasked.txt": "x\n" });
      return at.copy.rebase(onto, signal);
    },
  };
  expect(await at.ask({}, racing)).toMatchObject({ state: "refused", code: "head_moved" });
  expect(await at.there("x")).toBeUndefined();
});
