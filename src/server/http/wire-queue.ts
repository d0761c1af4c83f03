import type { QueueAnswer } from "../../contract/ci.ts";
import type { LaneRecord } from "../store/records.ts";

/** What the queue's view is made from. `queued` is in claim order. */
export interface QueueFacts {
  readonly running: readonly LaneRecord[];
  readonly queued: readonly LaneRecord[];
  readonly runningCount: number;
  readonly queuedCount: number;
  readonly limit: number;
  readonly frozen: string | null;
  readonly branchName: (lane: LaneRecord) => string | null;
}

/** Running lanes, then waiting ones with their place, at most `limit` of them. Pure. */
export function queueOnWire(
  facts: QueueFacts,
  wanted: { branchId: number | undefined; limit: number },
): QueueAnswer {
  const line = (lane: LaneRecord, place: number | null, waitsFor: string | null) => ({
    branch_id: lane.branchId,
    branch_name: facts.branchName(lane),
    lane_run_id: lane.id,
    lane_id: lane.lane,
    status: lane.status,
    reason: lane.reason,
    place,
    waits_for: waitsFor,
    since: lane.startedAt ?? lane.createdAt,
  });
  const lanes = [
    ...facts.running.map((lane) => line(lane, null, null)),
    ...facts.queued.map((lane, index) => line(lane, index + 1, waitsFor(facts, lane, index))),
  ];
  return {
    running: facts.runningCount,
    waiting: facts.queuedCount,
    limit: facts.limit,
    frozen: facts.frozen,
    lanes: lanes
      .filter((lane) => wanted.branchId === undefined || lane.branch_id === wanted.branchId)
      .slice(0, wanted.limit),
  };
}

function waitsFor(facts: QueueFacts, lane: LaneRecord, index: number): string | null {
  if (lane.reason === "blocked_by_concurrency_group") {
    const sameGroup = (other: LaneRecord) => other.concurrencyGroup === lane.concurrencyGroup;
    const holder = facts.running.find(sameGroup) ?? facts.queued.slice(0, index).find(sameGroup);
    const group = `group ${lane.concurrencyGroup}`;
    if (holder === undefined) return group;
    return `${group}, held by lane ${holder.lane} of ${facts.branchName(holder) ?? "no branch"}`;
  }
  if (lane.reason === "waiting_for_capacity") {
    return `a free slot; ${facts.runningCount} of ${facts.limit} are in use`;
  }
  return null;
}
