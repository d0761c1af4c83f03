import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, beforeEach, expect, it } from "vitest";
import { CiBench, laneOf } from "../../support/ci.ts";

let bench: CiBench;
const started: string[] = [];
const note = (message: unknown) => {
  const { process } = message as { process: { once(event: "spawn", then: () => void): void } };
  process.once("spawn", () => started.push((process as { spawnfile?: string }).spawnfile ?? ""));
};

beforeEach(async () => {
  bench = await CiBench.make();
  subscribe("child_process", note);
});
afterEach(async () => {
  unsubscribe("child_process", note);
  await bench.dispose();
});

it("a lane costs its checkout, its process and its cleaning, and no further process", async () => {
  const head = await bench.commit({ "a.txt": "a\n" });
  bench.settings = { ...bench.settings, ciConcurrency: 1 };
  bench.start();
  // The first one makes the workspace and looks for submodules; a second one is made beside it.
  for (const lane of ["first", "second"]) await bench.runLane(head, laneOf({ lane }));
  await bench.ci.stop({ drain: true });
  const lanes = Array.from({ length: 10 }, (_, at) => laneOf({ lane: `lane-${at}` }));
  bench.start();
  started.length = 0;
  const run = bench.queue(head, lanes);
  await bench.until(() => bench.store.read.run(run.id)?.finishedAt);
  await bench.ci.stop({ drain: true });
  expect(bench.store.read.run(run.id)?.status).toBe("success");
  expect(started.length).toBeGreaterThanOrEqual(3 * lanes.length);
  // A workspace that was not used yet, or was not clean, costs a few more, once.
  expect(started.length).toBeLessThanOrEqual(3 * lanes.length + 6);
});
