import { afterEach, beforeEach, expect, test } from "vitest";
import { pushBranch } from "../../../src/landing/push-branch.ts";
import { waitForCi } from "../../../src/landing/wait-ci.ts";
import { cut, ForgeDouble, HandClock } from "../../support/forge-double.ts";
import { makeScene, type Scene } from "../../support/worktrees.ts";

let scene: Scene;
let forge: ForgeDouble;
let clock: HandClock;
let head: string;
let work: string;

beforeEach(async () => {
  scene = await makeScene();
  forge = new ForgeDouble(scene);
  clock = new HandClock();
  work = await scene.clone("work");
  await scene.git(work, "checkout", "-q", "-b", "x");
  head = await scene.commit(work, { "mine.txt": "mine\n" });
});
afterEach(() => scene.remove());

const push = async () =>
  pushBranch(
    { copy: await scene.open(work), forge, remote: "forge" },
    new AbortController().signal,
  );

const wait = (wanted?: string) =>
  waitForCi(
    {
      forge,
      changes: clock.subscribe,
      clock,
      signal: new AbortController().signal,
      progress: () => {},
    },
    { branch: { name: "x" }, head: wanted, maxSeconds: 30 },
  );

test("green, failed with its lanes, and waiting when the time is up", async () => {
  forge.ci = () => "running";
  await push();
  expect(await wait()).toMatchObject({ state: "waiting", head });
  expect(clock.now()).toBe(30_000);
  clock.happenings.push(cutOnce, () => forge.judge(head, "success"));
  expect(await wait()).toMatchObject({ state: "green", head, failed: [] });
  forge.judge(head, "failed");
  expect(await wait()).toMatchObject({ state: "failed", failed: [{ lane: "unit" }] });
});

test("a lane that is cancelled and requeued while it is waited for is waited for again", async () => {
  forge.ci = () => "running";
  await push();
  clock.happenings.push(
    () => forge.judge(head, "failed", "cancelled"),
    () => {},
    () => forge.judge(head, "queued"),
    () => forge.judge(head, "success"),
  );
  expect(await wait()).toMatchObject({ state: "green", failed: [] });
});

test("a lane that stays cancelled is told after a moment; one that was so before, at once", async () => {
  forge.ci = () => "running";
  await push();
  clock.happenings.push(() => forge.judge(head, "failed", "cancelled"));
  const cancelled = { state: "failed", failed: [{ failureKind: "cancelled" }] };
  expect(await wait()).toMatchObject(cancelled);
  const took = clock.now();
  expect(took).toBeLessThan(6000);
  expect(await wait()).toMatchObject(cancelled);
  expect(clock.now()).toBe(took);
});

test("a lane that failed by itself is told at once", async () => {
  forge.ci = () => "running";
  await push();
  clock.happenings.push(() => forge.judge(head, "failed"));
  expect(await wait()).toMatchObject({ state: "failed" });
  expect(clock.now()).toBe(1);
});

function cutOnce(): void {
  forge.before("branch", cut);
}

test("another head's result is none of this head's", async () => {
  await push();
  expect(await wait("f".repeat(40))).toMatchObject({ state: "none" });
});

test("a head that is not there yet is waited for; an unknown branch without one is told", async () => {
  await expect(wait()).rejects.toMatchObject({ code: "not_found" });
  clock.happenings.push(async () => {
    await push();
  });
  expect(await wait(head)).toMatchObject({ state: "green", head });
});

test("a push is told as what it was, and keeps off the target and foreign work", async () => {
  expect(await push()).toMatchObject({ state: "pushed", before: undefined, behindTarget: false });
  expect(await push()).toMatchObject({ state: "up_to_date", before: head });
  await scene.elsewhere("x", { "theirs.txt": "x\n" });
  await scene.elsewhere("main", { "other.txt": "x\n" });
  await expect(push()).rejects.toMatchObject({ code: "remote_moved" });
  await scene.git(work, "checkout", "-q", "main");
  await expect(push()).rejects.toMatchObject({ code: "on_target" });
});
