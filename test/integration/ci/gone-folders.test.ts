import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { storageTrouble } from "../../../src/server/storage.ts";
import { CiBench, eventually, laneOf, shellLane } from "../../support/ci.ts";

let bench: CiBench;
let head: string;

beforeEach(async () => {
  bench = await CiBench.make();
  head = await bench.commit({ "file.txt": "content\n" });
  bench.start({ timing: { heartbeatMs: 20 } });
});
afterEach(() => bench.dispose());

it("makes anew what of its folders serves lanes alone, whoever removed it meanwhile", async () => {
  await bench.runLane(head, shellLane("true"));
  const { logsDir, workspacesDir, cacheDir } = bench.config;
  for (const dir of [logsDir, workspacesDir, cacheDir]) await rm(dir, { recursive: true });
  const lane = await bench.runLane(head, shellLane("cat file.txt"));
  expect(lane).toMatchObject({ status: "success", log: "content\n" });
});

it("starts no lane where its state was moved away, makes nothing there, and goes on later", async () => {
  const { stateDir } = bench.config;
  await rename(stateDir, `${stateDir}-away`);
  const run = bench.queue(head, [laneOf({ lane: "waits" })]);
  const reason = () => bench.laneOfRun(run.id).reason;
  await expect.poll(reason, eventually).toBe("waiting_for_capacity");
  expect(storageTrouble(bench.config)).toBe(`${stateDir} is gone`);
  expect(bench.laneOfRun(run.id)).toMatchObject({ status: "queued", claimToken: 0 });
  expect(existsSync(stateDir)).toBe(false);
  await rename(`${stateDir}-away`, stateDir);
  await bench.until(() => bench.store.read.run(run.id)?.finishedAt);
  expect(bench.laneOfRun(run.id)).toMatchObject({ status: "success", retryCount: 0 });
});
