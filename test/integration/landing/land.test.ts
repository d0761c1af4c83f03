import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { LandError } from "../../../src/domain/errors.ts";
import { type LandingScene, makeLandingScene } from "../../support/landing.ts";

let at: LandingScene;

beforeEach(async () => {
  at = await makeLandingScene();
});
afterEach(() => at.scene.remove());

test("rebases, pushes, waits, lands and verifies; asked again, it has landed already", async () => {
  await at.scene.elsewhere("main", { "other.txt": "other\n" });
  at.forge.ci = () => "running";
  at.clock.happenings.push(async () => at.forge.judge((await at.there("x")) ?? "", "success"));
  const end = await at.ask();
  expect(end).toMatchObject({ state: "landed", already: false, branch: "x", number: "1" });
  expect(end.state === "landed" && end.mergeCommit).toBe(await at.target());
  expect(await at.copy.localTip("x")).toBe(end.head);
  expect(await at.there("x")).toBeUndefined();
  await at.expectEachMergeTested();
  expect(await at.ask()).toMatchObject({ state: "landed", already: true, head: end.head });
  expect(at.forge.landed).toHaveLength(1);
});

test("a dry run tells the plan and changes nothing", async () => {
  await at.scene.elsewhere("main", { "other.txt": "other\n" });
  const end = await at.ask({ dryRun: true });
  expect(end).toMatchObject({ state: "planned", head: at.head });
  expect(end.state === "planned" && end.plan.map((line) => line.split(" ")[0])).toEqual([
    "rebase",
    "push",
    "wait",
    "wait",
    "ask",
    "verify",
    "landed",
  ]);
  expect([await at.copy.localTip("x"), await at.there("x")]).toEqual([at.head, undefined]);
});

test("a conflict is an end until it is resolved", async () => {
  await at.scene.elsewhere("main", { "mine.txt": "theirs\n" });
  const first = await at.ask();
  expect(first).toMatchObject({ state: "conflict", files: [{ path: "mine.txt" }], branch: "x" });
  expect(await at.ask()).toMatchObject({ state: "conflict", files: [{ path: "mine.txt" }] });
  await writeFile(join(at.work, "mine.txt"), "both\n");
  await at.scene.git(at.work, "add", "mine.txt");
  expect(await at.ask()).toMatchObject({
    state: "conflict",
    files: [],
    next: expect.stringContaining("`rebase_branch` with `continue` goes on"),
  });
  expect((await at.copy.continueRebase()).state).toBe("rebased");
  expect(await at.ask()).toMatchObject({ state: "landed" });
});

test("failed CI ends with the lane and the part of its log that matters; a fix lands", async () => {
  at.forge.ci = (sha) => (sha === at.head ? "failed" : "success");
  expect(await at.ask()).toMatchObject({
    state: "ci_failed",
    lanes: [{ lane: "unit", failureKind: "test_failure", log: "one\ntwo\nError: it broke" }],
  });
  expect(await at.ask()).toMatchObject({ state: "ci_failed" });
  await at.scene.commit(at.work, { "mine.txt": "fixed\n" });
  expect(await at.ask()).toMatchObject({ state: "landed" });
});

test("time that is up ends in waiting, and asking again goes on", async () => {
  at.forge.ci = () => "running";
  expect(await at.ask({ maxSeconds: 30 })).toMatchObject({
    state: "waiting",
    on: "CI on the head",
  });
  expect(at.clock.now()).toBe(30_000);
  expect(await at.ask({ maxSeconds: 0 })).toMatchObject({ state: "waiting" });
  at.forge.judge(at.head, "success");
  expect(await at.ask({ maxSeconds: 0 })).toMatchObject({ state: "landed" });
});

test("merge=false stops when it is green", async () => {
  expect(await at.ask({ merge: false })).toMatchObject({ state: "green", head: at.head });
  expect(at.forge.requests).toEqual([]);
});

test("merge=false names the lanes for which a green head needs the owner", async () => {
  const { forge } = at;
  const branch = forge.branch.bind(forge);
  vi.spyOn(forge, "branch").mockImplementation(async (...asked) => {
    const record = await branch(...asked);
    return record === undefined ? undefined : { ...record, changedLanes: ["unit"] };
  });
  const end = await at.ask({ merge: false });
  expect(end).toMatchObject({
    state: "green",
    next: expect.stringMatching(/CI lanes \(unit\).*land merge 1 --force/),
  });
});

test("a lane that is cancelled and requeued meanwhile ends no landing; one that stays so does", async () => {
  at.forge.ci = () => "running";
  at.clock.happenings.push(
    () => at.forge.judge(at.head, "failed", "cancelled"),
    () => at.forge.judge(at.head, "queued"),
    () => at.forge.judge(at.head, "running"),
    () => at.forge.judge(at.head, "failed", "cancelled"),
  );
  expect(await at.ask()).toMatchObject({
    state: "ci_failed",
    lanes: [{ failureKind: "cancelled" }],
  });
  expect(at.clock.happenings).toEqual([]);
  expect(at.clock.now()).toBeLessThan(10_000);
});

test("work in a linked worktree lands", async () => {
  await at.scene.git(at.work, "worktree", "add", "-q", "-b", "y", "../linked", "refs/heads/main");
  const dir = join(at.scene.dir, "linked");
  await at.scene.commit(dir, { "y.txt": "y\n" });
  await at.scene.elsewhere("main", { "other.txt": "other\n" });
  expect(await at.ask({}, await at.scene.open(dir))).toMatchObject({
    state: "landed",
    branch: "y",
  });
  expect(await at.copy.localTip("x")).toBe(at.head);
});

describe("a branch that is not checked out", () => {
  test("is landed as it was pushed", async () => {
    await at.ask({ merge: false });
    await at.scene.git(at.work, "checkout", "-q", "main");
    await writeFile(join(at.work, "a.txt"), "unsaved\n");
    expect(await at.ask({ branch: "x" })).toMatchObject({ state: "landed", head: at.head });
    expect(await at.ask({ branch: "x" })).toMatchObject({ state: "landed", already: true });
  });

  test("is not rebased", async () => {
    await at.ask({ merge: false });
    await at.scene.git(at.work, "checkout", "-q", "main");
    await at.scene.elsewhere("main", { "other.txt": "x\n" });
    expect(await at.ask({ branch: "x" })).toMatchObject({ state: "refused", code: "target_moved" });
  });
});

describe("with a queue", () => {
  beforeEach(() => {
    at.forge.rule = "queue";
    at.forge.ci = () => "running";
  });

  test("hands over at once, behind the target, and waits for the answer", async () => {
    await at.scene.elsewhere("main", { "other.txt": "x\n" });
    at.clock.happenings.push(
      () => {},
      () => at.forge.landNow("x"),
    );
    expect(await at.ask()).toMatchObject({ state: "landed", already: false, head: at.head });
    expect(at.forge.requests).toHaveLength(1);
  });

  test("says truthfully that the queue has it", async () => {
    expect(await at.ask({ maxSeconds: 5 })).toMatchObject({
      state: "waiting",
      on: expect.stringContaining("queue"),
    });
  });

  test("rebases where the queue tells of a text conflict", async () => {
    await at.scene.elsewhere("main", { "other.txt": "x\n" });
    at.forge.before("requestLanding", () => {
      throw new LandError("merge_conflict", "It conflicts.");
    });
    at.clock.happenings.push(
      () => {},
      () => at.forge.landNow("x"),
    );
    const end = await at.ask();
    expect(end).toMatchObject({ state: "landed" });
    expect(end.head).not.toBe(at.head);
  });
});

test("cancelling tells what was done before", async () => {
  at.forge.ci = () => "running";
  at.clock.happenings.push(() => at.stop.abort());
  await expect(at.ask()).rejects.toMatchObject({
    code: "cancelled",
    state: expect.stringContaining("pushed"),
  });
});
