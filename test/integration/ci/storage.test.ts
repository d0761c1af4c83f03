import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { infrastructureFailure, type LaneOutcome } from "../../../src/server/ci/lane-result.ts";
import { Scheduler } from "../../../src/server/ci/scheduler.ts";
import { usualTiming } from "../../../src/server/ci/timing.ts";
import { openStore } from "../../../src/server/store/open-store.ts";
import type { LaneRecord } from "../../../src/server/store/records.ts";
import type { Store } from "../../../src/server/store/store.ts";
import { eventually, laneOf, runOf } from "../../support/ci.ts";
import { usualSettings } from "../../support/ci-config.ts";

const success: LaneOutcome = { status: "success", failureKind: null, note: null };
const failed: LaneOutcome = { status: "failed", failureKind: "test_failure", note: "exit code 1" };
const sha = "1".repeat(40);

let dir: string;
let store: Store;
let scheduler: Scheduler;
/** How a lane's process ends; each gets one, in order of its start. */
let ends: ((outcome: LaneOutcome) => void)[];
let warned: string[];
/** The disk of the forge's state. */
let storeFails: boolean;
let trouble: string | undefined;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "flk-storage-"));
  const real = openStore(join(dir, "forge.db"), { now: () => new Date() });
  [storeFails, trouble, ends, warned] = [false, undefined, [], []];
  const failing: Store["write"] = (body) => {
    if (storeFails) throw Object.assign(new Error("database or disk is full"), { errcode: 13 });
    return real.write(body);
  };
  store = { ...real, write: failing, writeUnsynced: failing };
  scheduler = new Scheduler({
    store,
    clock: { now: () => new Date() },
    settings: () => ({ ...usualSettings, ciConcurrency: 1 }),
    executor: {
      run: () => new Promise((resolve) => ends.push(resolve)),
      settled: async () => {},
    },
    timing: { ...usualTiming, heartbeatMs: 10 },
    log: { info: () => {}, warn: (_facts, message) => void warned.push(message) },
    ready: Promise.resolve(),
    storage: () => trouble,
  });
});
afterEach(async () => {
  storeFails = false;
  const stopped = scheduler.stop({ drain: false });
  for (const end of ends) end(success);
  await stopped;
  store.close();
  await rm(dir, { recursive: true, force: true });
});

function queue(...names: readonly string[]): () => readonly LaneRecord[] {
  const lanes = names.map((lane) => laneOf({ lane }));
  const run = store.write((tx) => tx.createRun({ ...runOf(sha), lanes }));
  scheduler.wake();
  return () => store.read.lanesOfRun(run.id);
}
const started = (count: number) => expect.poll(() => ends.length, eventually).toBe(count);

describe("a store that cannot be written", () => {
  it("keeps a result until it can, with its slot, and runs the lane no second time", async () => {
    const lanes = queue("one", "two");
    await started(1);
    storeFails = true;
    ends[0]?.(success);
    await expect.poll(() => warned.length, eventually).toBeGreaterThan(1);
    scheduler.wake();
    await expect.poll(() => scheduler.health.error?.words, eventually).toMatch(/its disk is full/);
    expect(ends).toHaveLength(1);
    expect(lanes()[0]).toMatchObject({ status: "running", retryCount: 0 });
    storeFails = false;
    await started(2);
    expect(lanes().map(({ status, retryCount }) => [status, retryCount])).toEqual([
      ["success", 0],
      ["running", 0],
    ]);
    expect(scheduler.health.error).toBeUndefined();
  });

  it("is told once for as long as it lasts, and ends no pass for good", async () => {
    const lanes = queue("one");
    await started(1);
    storeFails = true;
    const looks = new Set<number>();
    const look = () => {
      scheduler.wake();
      return looks.add(scheduler.health.lastErrorAt?.getTime() ?? 0).size;
    };
    await expect.poll(look, eventually).toBeGreaterThan(5);
    expect(warned.sort()).toEqual(["a scheduler pass failed", "leases could not be renewed"]);
    storeFails = false;
    ends[0]?.(success);
    await expect.poll(() => lanes()[0]?.status, eventually).toBe("success");
  });

  it("keeps no forge from stopping; the lane is the next one's to recover", async () => {
    const lanes = queue("one");
    await started(1);
    storeFails = true;
    ends[0]?.(success);
    await expect.poll(() => warned.length, eventually).toBeGreaterThan(0);
    await scheduler.stop({ drain: true });
    expect(lanes()[0]).toMatchObject({ status: "running" });
  });
});

describe("a disk without room", () => {
  it("starts nothing, and says that capacity is what is waited for", async () => {
    trouble = "the disk is full";
    const lanes = queue("one");
    await expect.poll(() => lanes()[0]?.reason, eventually).toBe("waiting_for_capacity");
    expect(ends).toHaveLength(0);
    trouble = undefined;
    await started(1);
  });

  it("puts back what failed meanwhile, and blames it only after some tries", async () => {
    const lanes = queue("one");
    for (let attempt = 0; attempt <= 3; attempt += 1) {
      trouble = undefined;
      await started(attempt + 1);
      trouble = "the disk is full";
      ends[attempt]?.(attempt % 2 === 0 ? failed : infrastructureFailure("no workspace"));
      await expect.poll(() => lanes()[0]?.status, eventually).not.toBe("running");
    }
    expect(lanes()[0]).toMatchObject({
      status: "failed",
      failureKind: "infrastructure",
      note: "the disk is full",
      retryCount: 3,
    });
  });

  it("takes no success and no time-out for its own", async () => {
    const lanes = queue("good", "slow");
    await started(1);
    trouble = "the disk is full";
    ends[0]?.(success);
    await expect.poll(() => lanes()[0]?.status, eventually).toBe("success");
    trouble = undefined;
    await started(2);
    trouble = "the disk is full";
    ends[1]?.({ status: "failed", failureKind: "timeout", note: "timed out after 1 s" });
    await expect.poll(() => lanes()[1]?.failureKind, eventually).toBe("timeout");
  });
});
