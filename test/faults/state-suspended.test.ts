import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { manifestOf, processFile } from "../support/cli.ts";
import {
  aFaultScene,
  aftermathOf,
  type FaultScene,
  isLandedOnce,
  processesOf,
  rows,
  startLand,
} from "../support/faults.ts";

/** Longer than a lane may take here, and than the forge would miss by being busy. */
const stoppedMs = 9500;
const laneSeconds = 3;

/** Tells that it ran, and ends when its gate opens. */
const files = {
  "ci/forge-lanes.toml": manifestOf({
    unit: [
      "sh",
      "-c",
      'for gate in gates/*; do g="$(cat "$gate")"; test -e "$g.done" && continue; echo ran >>"$g.ran"; while ! test -e "$g"; do sleep 0.05; done; touch "$g.done"; done',
    ],
  }),
  "readme.txt": "one\n",
};

let scene: FaultScene;
let branches = 0;
beforeAll(async () => {
  scene = await aFaultScene(files, { unsandboxedLanes: ["unit"], laneTimeoutSeconds: laneSeconds });
});
afterAll(() => scene?.[Symbol.asyncDispose]());

/** As if an hour had passed while nobody could look: everything that was noted is an hour older. */
function anHourPasses(): void {
  const db = new DatabaseSync(join(scene.stateDir, "forge.db"), { timeout: 5000 });
  const back = (column: string) =>
    `${column} = strftime('%Y-%m-%dT%H:%M:%fZ', ${column}, '-1 hour')`;
  const columns = ["created_at", "started_at", "heartbeat_at", "lease_expires_at"].map(back);
  db.exec(`UPDATE lanes SET ${columns.join(", ")} WHERE status = 'running'`);
  db.close();
}

async function landSuspended(
  whom: (forge: number) => readonly number[],
  meanwhile: (gate: string) => Promise<void>,
) {
  branches += 1;
  const branch = `asleep/${branches}`;
  const gate = join(scene.dir, `gate-${branches}`);
  const worktree = await scene.worktree(branch, { [`gates/${branches}`]: gate });
  const landing = startLand(scene, worktree);
  await landing.said(/running unit/);
  await expect.poll(() => readFile(`${gate}.ran`, "utf8").catch(() => ""), soon).toBe("ran\n");
  const { pid } = await processFile(scene.stateDir);
  const stopped = whom(pid);
  for (const each of stopped) process.kill(each, "SIGSTOP");
  anHourPasses();
  await meanwhile(gate);
  await pause(stoppedMs);
  for (const each of stopped.toReversed()) process.kill(each, "SIGCONT");
  return { branch, gate, landing, pid };
}

const soon = { timeout: 10_000, interval: 50 };
const lanePids = () =>
  processesOf(scene.dir)
    .filter(({ lane }) => lane)
    .map(({ pid }) => pid);
const newest = () =>
  rows<{ status: string; retry_count: number; failure_kind: string | null }>(
    scene.stateDir,
    "SELECT status, retry_count, failure_kind FROM lanes ORDER BY id DESC LIMIT 1",
  )[0];

it("takes the result of a lane that ended while the forge was stopped, and runs it no second time", async () => {
  const { branch, gate, landing } = await landSuspended(
    (forge) => [forge],
    async (its) => writeFile(its, ""),
  );
  expect(await landing.ended).toMatchObject({ state: "landed" });
  expect(newest()).toMatchObject({ status: "success", retry_count: 0 });
  expect(await readFile(`${gate}.ran`, "utf8")).toBe("ran\n");
  expect(await aftermathOf(scene, branch)).toSatisfy(isLandedOnce);
});

it("lets a lane go on that slept along with the forge, though its lease and its time are over", async () => {
  const { branch, gate, landing, pid } = await landSuspended(
    (forge) => [forge, ...lanePids()],
    async () => {},
  );
  await writeFile(gate, "");
  expect(await landing.ended).toMatchObject({ state: "landed" });
  expect(newest()).toMatchObject({ status: "success", retry_count: 0 });
  expect(await readFile(`${gate}.ran`, "utf8")).toBe("ran\n");
  expect(await aftermathOf(scene, branch)).toSatisfy(isLandedOnce);
  expect((await processFile(scene.stateDir)).pid).toBe(pid);
});

it("still ends a lane that takes longer than it may after everybody woke", async () => {
  const { landing } = await landSuspended(
    (forge) => [forge, ...lanePids()],
    async () => {},
  );
  expect(await landing.ended).toMatchObject({ code: 5 });
  expect(newest()).toMatchObject({ status: "failed", failure_kind: "timeout", retry_count: 0 });
  expect(lanePids()).toEqual([]);
});

it("tells of a forge that is stopped, and starts no second one beside it", async () => {
  const { pid } = await processFile(scene.stateDir);
  process.kill(pid, "SIGSTOP");
  const worktree = await scene.worktree("asleep/told", { told: "told\n" });
  const told = await scene.land(worktree, "status", "--json");
  process.kill(pid, "SIGCONT");
  expect(told.code).toBe(9);
  expect(told.out).toContain(`process ${pid} runs but does not answer`);
  expect(await scene.land(worktree, "status", "--json")).toMatchObject({ code: 0 });
  expect((await processFile(scene.stateDir)).pid).toBe(pid);
});
