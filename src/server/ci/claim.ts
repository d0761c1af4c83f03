import type { LaneRecord } from "../store/records.ts";
import type { Writes } from "../store/store.ts";

export interface ClaimRules {
  /** Lanes that may run at once. */
  readonly limit: number;
  readonly lease: { readonly now: string; readonly expiresAt: string };
  /** Lanes whose process is still being ended here, though the store has ended them already. */
  readonly ending: readonly Pick<LaneRecord, "id" | "concurrencyGroup">[];
}

/** How many queued lanes are told why they wait; further ones keep what they were told. */
const told = 200;
/** How far into the queue a lane is looked for while there is room. */
const furthest = 20_000;

/**
 * Claims what capacity and concurrency groups allow, in queue order, and tells queued lanes why
 * they wait. Capacity is what the store counts. To be called inside one transaction.
 */
export function claimLanes(tx: Writes, rules: ClaimRules): LaneRecord[] {
  const running = tx.runningLanes();
  const held = new Set(
    [...running, ...rules.ending].flatMap((lane) => lane.concurrencyGroup ?? []),
  );
  const unavailable = new Set(rules.ending.map((lane) => lane.id));
  let room = rules.limit - tx.countRunningLanes();
  const claimed: LaneRecord[] = [];
  queueOf(
    tx,
    () => room > 0,
    (lane, place) => {
      if (unavailable.has(lane.id)) return;
      const blocked = lane.concurrencyGroup !== null && held.has(lane.concurrencyGroup);
      if (!blocked && room > 0) {
        const claim = tx.claimLane(lane.id, rules.lease);
        if (claim === undefined) return;
        claimed.push(claim);
        room--;
      } else if (place < told) {
        const reason = blocked ? "blocked_by_concurrency_group" : "waiting_for_capacity";
        if (lane.reason !== reason) tx.setLaneReason(lane.id, reason);
      }
      // Whoever comes first in the queue comes first in its group.
      if (!blocked && lane.concurrencyGroup !== null) held.add(lane.concurrencyGroup);
    },
  );
  for (const runId of new Set(claimed.map((lane) => lane.runId))) tx.refoldRun(runId);
  return claimed;
}

/** Goes through the queue's beginning, and further only while there is room left to fill. */
function queueOf(
  tx: Writes,
  hasRoom: () => boolean,
  visit: (lane: LaneRecord, place: number) => void,
): void {
  const beginning = tx.queuedLanes(told);
  beginning.forEach(visit);
  if (beginning.length < told || !hasRoom()) return;
  const seen = new Set(beginning.map((lane) => lane.id));
  let place = told;
  for (const lane of tx.queuedLanes(furthest)) {
    if (!hasRoom()) return;
    if (!seen.has(lane.id)) visit(lane, place++);
  }
}
