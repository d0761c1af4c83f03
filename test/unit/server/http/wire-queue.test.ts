import { describe, expect, it } from "vitest";
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

const facts: QueueFacts = {
  running: [lane(1, { status: "running", startedAt: "started-1", concurrencyGroup: "device" })],
  queued: [
    lane(2, { reason: "waiting_for_capacity", branchId: 2 }),
    lane(3, { reason: "blocked_by_concurrency_group", concurrencyGroup: "device" }),
    lane(4, { branchId: null }),
  ],
  runningCount: 1,
  queuedCount: 3,
  limit: 1,
  frozen: null,
  branchName: ({ branchId }) => (branchId === null ? null : `branch-${branchId}`),
};

describe("the queue's view", () => {
  it("says for each lane its place and what it waits for", () => {
    const { lanes } = queueOnWire(facts, { branchId: undefined, limit: 10 });
    expect(lanes.map((l) => [l.lane_run_id, l.place, l.waits_for, l.since])).toEqual([
      [1, null, null, "started-1"],
      [2, 1, "a free slot; 1 of 1 are in use", "created-2"],
      [3, 2, "group device, held by lane lane-1 of branch-1", "created-3"],
      [4, 3, null, "created-4"],
    ]);
  });

  it("keeps the places where it is cut to a branch or a limit", () => {
    const one = queueOnWire(facts, { branchId: 2, limit: 10 });
    expect(one.lanes.map((l) => l.place)).toEqual([1]);
    expect(one.waiting).toBe(3);
    expect(queueOnWire(facts, { branchId: undefined, limit: 2 }).lanes).toHaveLength(2);
  });
});
