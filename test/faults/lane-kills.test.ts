import { setTimeout as pause } from "node:timers/promises";
import { expect, it } from "vitest";
import { type Isolation, probeIsolation } from "../../src/server/ci/sandbox.ts";
import { aims, hiddenSeconds, KillScene, killLimit, randomOf } from "../support/lane-kills.ts";
import {
  laneProcesses,
  lifelinesOf,
  mountsBelow,
  pidsOfCommand,
  processesIn,
  workspaceLeftovers,
} from "../support/lane-processes.ts";

const isolations: Isolation[] =
  probeIsolation({ PATH: process.env.PATH }) === "bwrap" ? ["bwrap", "none"] : ["none"];
/** `FLK_KILL_SEED` repeats a history, as far as the moments allow. */
const seed = Number(process.env.FLK_KILL_SEED ?? Date.now() % 1_000_000);
const kills = Number(process.env.FLK_KILLS ?? 40);
const soon = { interval: 20, timeout: 60_000 };

it.each(isolations)(
  `ends every lane truly and leaves nothing, whatever is killed when (%s, seed ${seed})`,
  async (isolation) => {
    const random = randomOf(seed);
    const scene = await KillScene.make(isolation, random);
    try {
      await killAndKill(scene, random);
      expect(scene.faults, `seed ${seed}`).toEqual([]);
      await restOf(scene);
    } finally {
      console.log(`Killed with seed ${seed}: ${JSON.stringify(scene.kills)}; ${endsOf(scene)}`);
      await scene.dispose();
    }
  },
);

async function killAndKill(scene: KillScene, random: () => number): Promise<void> {
  scene.start();
  for (let done = 0, tries = 0; done < kills && tries < 20 * kills; tries += 1) {
    scene.feed();
    scene.supersede();
    const aim = random() < 0.25 ? "forge" : (scene.pick(aims) ?? "forge");
    if (await scene.kill(aim)) done += 1;
    scene.look();
    if (scene.forge !== undefined) continue;
    // Now the next forge has to see to what is left, now there is none for a while.
    if (random() < 0.5) await pause(random() * 100);
    scene.start();
    // Most are at work when they are killed, some are still mending what the one before left.
    if (random() < 0.8) await expect.poll(() => scene.lanesAtWork(), soon).toBeGreaterThan(0);
  }
}

/** All that is left once everything has come to its end. */
async function restOf(scene: KillScene): Promise<void> {
  const { bench, instance } = scene;
  const { read } = bench.store;
  const unfinished = () =>
    scene.runs.flatMap((run) => (read.run(run)?.finishedAt === null ? [run] : []));
  await expect.poll(unfinished, { ...soon, message: `seed ${seed}` }).toEqual([]);
  expect(scene.untrue(), `seed ${seed}`).toEqual([]);
  expect(read.countRunningLanes()).toBe(0);
  for (const branch of read.branches({ limit: 10 })) {
    expect(read.unfinishedRuns(branch.id)).toEqual([]);
  }
  await expect.poll(() => laneProcesses(instance), soon).toEqual([]);
  await expect.poll(() => workspaceLeftovers(bench.config.workspacesDir), soon).toEqual([]);
  expect(pidsOfCommand("sleep", hiddenSeconds)).toEqual([]);
  expect(processesIn(bench.config.workspacesDir)).toEqual([]);
  expect(mountsBelow(bench.dir)).toEqual([]);
  expect(lifelinesOf(instance).length).toBeLessThanOrEqual(1);
  await scene.kill("forge");
  await expect.poll(() => lifelinesOf(instance), soon).toEqual([]);
  expect(scene.kills.forge).toBeGreaterThan(kills / 6);
  expect(killLimit).toBeLessThan(scene.runs.length);
}

function endsOf(scene: KillScene): string {
  const lanes = scene.runs.flatMap((run) => scene.bench.store.read.lanesOfRun(run));
  const ends = Object.groupBy(lanes, (lane) => lane.failureKind ?? lane.status);
  const counts = Object.entries(ends).map(([end, all]) => `${all?.length} ${end}`);
  return `${lanes.length} lanes in ${scene.runs.length} runs: ${counts.join(", ")}`;
}
