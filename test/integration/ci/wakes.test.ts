import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Scheduler } from "../../../src/server/ci/scheduler.ts";
import { usualTiming } from "../../../src/server/ci/timing.ts";
import { openStore } from "../../../src/server/store/open-store.ts";
import type { Store } from "../../../src/server/store/store.ts";
import { laneOf, runOf } from "../../support/ci.ts";
import { usualSettings } from "../../support/ci-config.ts";

const clock = { now: () => new Date() };
const head = "1".repeat(40);

let dir: string;
let store: Store;
beforeEach(async () => {
  // Without its pulse a scheduler has nothing but wakes to go by.
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  dir = await mkdtemp(join(tmpdir(), "flk-wakes-"));
  store = openStore(join(dir, "forge.db"), clock);
});
afterEach(async () => {
  store.close();
  vi.useRealTimers();
  await rm(dir, { recursive: true, force: true });
});

/** Queues a run of one lane; that it is there wakes the scheduler. */
const queue = (lane: string) =>
  store.write((tx) => tx.createRun({ ...runOf(head), lanes: [laneOf({ lane })] }));

it("keeps a wake that comes while a pass starts its lanes", async () => {
  const begun: string[] = [];
  let release = () => {};
  const wait = new Promise<void>((resolve) => {
    release = resolve;
  });
  const scheduler = new Scheduler({
    store,
    clock,
    settings: () => ({ ...usualSettings, ciConcurrency: 3 }),
    executor: {
      async run(lane) {
        begun.push(lane.lane);
        // Still inside the pass, whose claims are made.
        if (lane.lane === "first") queue("second");
        await wait;
        return { status: "success", failureKind: null, note: null };
      },
      settled: async () => {},
    },
    timing: usualTiming,
    log: { info: () => {}, warn: () => {} },
    ready: Promise.resolve(),
  });
  queue("first");
  await expect.poll(() => begun, { interval: 5, timeout: 5000 }).toEqual(["first", "second"]);
  release();
  await scheduler.stop({ drain: true });
  expect(store.read.countQueuedLanes() + store.read.countRunningLanes()).toBe(0);
});
