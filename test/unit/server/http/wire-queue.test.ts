import { describe, expect, it } from "vitest";
import { queueAnswer } from "../../../../src/contract/ci.ts";
import { estimateWaits } from "../../../../src/server/ci/estimate.ts";
import { type QueueFacts, queueOnWire } from "../../../../src/server/http/wire-queue.ts";
import type { LaneRecord } from "../../../../src/server/store/records.ts";

const lane = (id: number, more: Partial<LaneRecord> = {}) =>
  ({
    id,
    branchId: 1,
    lane: `lane-${id}`,
    status: "queued",
    reason: "queued",
    concurrencyGroup: null,
    createdAt: `created-${id}`,
    startedAt: null,
    ...more,
  }) as LaneRecord;

const running = [
  lane(1, { status: "running", startedAt: "started-1", concurrencyGroup: "device" }),
];
const waiting = [
  lane(2, { reason: "waiting_for_capacity", branchId: 2 }),
  lane(3, { reason: "blocked_by_concurrency_group", concurrencyGroup: "device" }),
  lane(4, { branchId: null }),
];
const facts: QueueFacts = {
  running,
  waiting,
  limit: 1,
  frozen: null,
  estimates: estimateWaits({
    limit: 1,
    running: running.map((one) => ({ ...one, ranMs: 10_000 })),
    waiting,
    usualMs: (name) => (name === "lane-4" ? undefined : 30_000),
  }),
  branchName: (branchId) => (branchId === null ? null : `branch-${branchId}`),
};

describe("the queue's view", () => {
  const whole = queueOnWire(facts, { limit: 10 });

  it("says for each lane its place, what it waits for and who has that", () => {
    expect(
      whole.lanes.map((l) => [l.lane_run_id, l.place, l.waits_for, l.held_by_lane_run_id, l.since]),
    ).toEqual([
      [1, null, null, null, "started-1"],
      [2, 1, "a free slot; 1 of 1 are in use", null, "created-2"],
      [3, 2, "group device, held by lane lane-1 of branch-1", 1, "created-3"],
      [4, 3, "a free slot; 1 of 1 are in use", null, "created-4"],
    ]);
    expect(queueAnswer.parse(whole)).toEqual(whole);
  });

  it("says of a lane without a branch that it is a nightly's", () => {
    const [holder] = running.map((one) => ({ ...one, branchId: null }));
    if (holder === undefined) throw new Error("nothing runs");
    const view = queueOnWire({ ...facts, running: [holder] }, { limit: 10 });
    expect(view.lanes[2]?.waits_for).toBe("group device, held by lane lane-1 of a nightly");
  });

  it("says capacity shortage as such where no pass has told it yet, and counts the reasons", () => {
    expect(whole.lanes[3]?.reason).toBe("waiting_for_capacity");
    expect(whole.waiting_by_reason).toEqual({
      waiting_for_capacity: 2,
      blocked_by_concurrency_group: 1,
    });
    const free = queueOnWire({ ...facts, limit: 9 }, { limit: 10 });
    expect(free.lanes[3]?.reason).toBe("queued");
  });

  it("says at once that the scheduler is paused, and that it is not any more", () => {
    const paused = { by: "npub1x", since: "then" };
    const reasons = (more: Partial<QueueFacts>) =>
      queueOnWire({ ...facts, ...more }, { limit: 10 })
        .lanes.slice(1)
        .map((l) => l.reason);
    expect(reasons({ paused })).toEqual(Array(3).fill("scheduler_paused"));
    const told = [lane(2, { reason: "scheduler_paused" })];
    expect(reasons({ waiting: told })).toEqual(["waiting_for_capacity"]);
    expect(reasons({ waiting: told, limit: 9 })).toEqual(["queued"]);
  });

  it("estimates from history, and says where there is none", () => {
    const shown = whole.lanes.map((l) => [l.starts_in_seconds, l.ends_in_seconds, l.estimate]);
    expect(shown).toEqual([
      [null, 20, "ends in about 20s"],
      [20, 50, "starts in about 20s, ends in about 50s"],
      [50, 80, "starts in about 50s, ends in about 1m"],
      [80, null, "starts in about 1m, no history"],
    ]);
  });

  it("keeps the places where it is cut to a branch or a limit", () => {
    const one = queueOnWire(facts, { branchId: 2, limit: 10 });
    expect(one.lanes.map((l) => l.place)).toEqual([1]);
    expect([one.waiting, one.matching]).toEqual([3, 1]);
    const two = queueOnWire(facts, { limit: 2 });
    expect([two.lanes.length, two.matching]).toEqual([2, 4]);
  });

  it("always has the own branch's lanes, be there room for one only", () => {
    const ids = (limit: number, bytes?: number) =>
      queueOnWire(facts, { ownBranchId: 2, limit, bytes }).lanes.map((l) => l.lane_run_id);
    expect(ids(1)).toEqual([2]);
    expect(ids(2)).toEqual([1, 2]);
    expect(ids(10, 500)).toEqual([2]);
  });
});
