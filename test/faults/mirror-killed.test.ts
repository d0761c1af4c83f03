import { existsSync, watch } from "node:fs";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { processFile } from "../support/cli.ts";
import { aFaultScene, type FaultScene, processesOf, rows } from "../support/faults.ts";
import { pushingFor } from "../support/mirror.ts";

/** The forge is killed while it pushes to its mirror: what it left is ended, told and made good. */
let scene: FaultScene;
let bare: string;
let rewritten = 0;

beforeAll(async () => {
  scene = await aFaultScene({ "readme.txt": "one\n" }, { ci: "none" });
  bare = join(scene.dir, "mirror.git");
  await mkdir(bare);
  await scene.git(bare, "init", "-q", "--bare", "--initial-branch=main");
  await land("mirror", "set", bare, "--interval", "3600");
  await syncToEnd();
});
afterAll(() => scene?.[Symbol.asyncDispose]());

const land = (...args: string[]) => scene.land(scene.repo, ...args, "--json");
const pushing = () => pushingFor(join(scene.stateDir, "forge.db"));
const refsOf = (dir: string) =>
  scene.git(dir, "for-each-ref", "--format=%(refname) %(objectname)", "refs/heads/");

/** A branch that has another head each time, so that each push has something to rewrite. */
async function rewriteBranch(): Promise<void> {
  rewritten += 1;
  const message = `Version ${rewritten}`;
  const tree = await scene.git(scene.repo, "rev-parse", "main^{tree}");
  const head = await scene.git(scene.repo, "commit-tree", "-p", "main", "-m", message, tree);
  await scene.git(scene.repo, "push", "-q", "--force", "forge", `${head}:refs/heads/rewritten`);
}

/** Asks until a push ended well: the forge itself may be pushing at that moment. */
async function syncToEnd(): Promise<Record<string, unknown>> {
  for (let time = 1; ; time += 1) {
    const ran = await land("mirror", "sync");
    const answer = ran.json();
    if (ran.code === 0 && answer.problem === undefined) return answer;
    if (time === 4) throw new Error(`the mirror is not synced: ${ran.out}${ran.err}`);
  }
}

function attempts(): readonly { end: string; trigger: string }[] {
  return rows(
    scene.stateDir,
    "SELECT coalesce(failure_kind, status) AS 'end', trigger_source AS 'trigger' FROM mirror_runs ORDER BY id DESC",
  );
}

async function expectAllGood(): Promise<void> {
  await syncToEnd();
  expect(await refsOf(bare)).toBe(await refsOf(scene.canonical));
  expect(rows(scene.stateDir, "SELECT * FROM mirror_lock")).toEqual([]);
  expect(await pushing()).toEqual([]);
  const { pid } = await processFile(scene.stateDir);
  expect(processesOf(scene.dir).filter((one) => one.pid !== pid)).toEqual([]);
}

it.each([
  "git ls-remote begun",
  "git push before",
  "git push begun",
  "git push begun, killed too",
  "git push ended",
  "git ls-remote begun #2",
])("is killed at: %s", async (point) => {
  await rewriteBranch();
  await syncToEnd();
  // Twice, so that what the first may have pushed has to be rewritten after a push nobody saw end.
  for (const _ of [1, 2]) {
    await rewriteBranch();
    const trace = await scene.order([/#\d$/.test(point) ? point : `${point} #1`]);
    await land("mirror", "sync");
    expect((await trace()).at(-1)).toBe("killed");
    await scene.order([]);
  }
  await rewriteBranch();
  await expectAllGood();
  expect(attempts().filter(({ end }) => end === "lost").length).toBeGreaterThanOrEqual(2);
  expect(attempts().filter(({ end }) => end === "rejected")).toEqual([]);
});

it.each([
  "git fetch before",
  "git fetch begun",
  "git fetch begun, killed too",
  "git fetch ended",
  "git update-ref before",
  "git update-ref begun",
  "git update-ref begun, killed too",
  "git update-ref ended",
])("is killed while it imports, at: %s", async (point) => {
  await land("mirror", "set", bare, "--import");
  await syncToEnd();
  const tree = await scene.git(bare, "rev-parse", "main^{tree}");
  const there = await scene.git(bare, "commit-tree", "-p", "main", "-m", `At ${point}`, tree);
  await scene.git(bare, "update-ref", "refs/heads/main", there);
  const trace = await scene.order([`${point} #1`]);
  await land("mirror", "sync");
  expect((await trace()).at(-1)).toBe("killed");
  await scene.order([]);
  // As a git that was killed at another moment leaves it.
  await mkdir(join(scene.canonical, "refs/land/mirror"), { recursive: true });
  await writeFile(join(scene.canonical, "refs/land/mirror/target.lock"), "");
  await expectAllGood();
  expect(await scene.git(scene.canonical, "rev-parse", "refs/heads/main")).toBe(there);
  expect(rows(scene.stateDir, "SELECT * FROM journal WHERE state = 'intended'")).toEqual([]);
  const told = (await land("target")).json();
  expect(told).toMatchObject({ state: "untouched", note: expect.stringMatching(/imported/) });
});

it("is killed while the mirror takes in what landed, and tells the mirror after its restart", async () => {
  const hook = join(bare, "hooks", "pre-receive");
  const entered = join(scene.dir, "entered");
  await mkdir(join(bare, "hooks"), { recursive: true });
  await writeFile(hook, `#!/bin/sh\n: >${entered}\nexec sleep 600\n`);
  await chmod(hook, 0o755);
  const worktree = await scene.worktree("feature", { "feature.txt": "1\n" });
  const there = fileAppears(scene.dir, entered);
  expect((await scene.landToEnd(worktree)).at(-1)).toMatchObject({ state: "landed" });
  const before = JSON.parse((await scene.land(worktree, "status", "feature", "--json")).out);
  expect(before).toMatchObject({ state: "merged", mirror: { state: "not_seen" } });
  await there;
  expect(await scene.killForge()).toBe(true);
  expect((await pushing()).length).toBeGreaterThan(0);
  await rm(hook);

  // The next forge ends what the last one left before it does anything to the mirror.
  const restarted = await land("mirror", "status");
  expect(restarted.json()).toMatchObject({ problem: { kind: "lost" } });
  expect(attempts()[0]).toEqual({ end: "lost", trigger: "post-mutation" });
  await expectAllGood();
  const after = JSON.parse((await scene.land(worktree, "status", "feature", "--json")).out);
  expect(after).toMatchObject({ state: "merged", mirror: { state: "seen" } });
});

/** Resolves once a file of this folder is there. */
function fileAppears(dir: string, file: string): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(dir, look);
    function look() {
      if (!existsSync(file)) return;
      watcher.close();
      resolve();
    }
    look();
  });
}
