import { blockedTargets } from "../ci/health.ts";
import { pauseOf } from "../ci/pause.ts";
import { laneLimit } from "../ci/scheduler.ts";
import { storageTrouble } from "../storage.ts";
import { isBefore } from "../store/lane-order.ts";
import type { LaneRecord, PoolHead } from "../store/records.ts";
import type { Parts } from "./parts.ts";
import { type WaitFacts, waitOf } from "./wire-queue.ts";

/** What a waiting lane waits for, or whom, and until when. */
export type LaneWait = ReturnType<typeof waitOf>;

/**
 * What those of the lanes that wait are waiting for, by id: as the queue tells it, without reading
 * the queue. Nothing is read where none waits.
 */
export function waitsOf(parts: Parts, lanes: readonly LaneRecord[]): ReadonlyMap<number, LaneWait> {
  const waits = new Map<number, LaneWait>();
  const waiting = lanes.filter((lane) => lane.status === "queued");
  if (waiting.length === 0) return waits;
  const facts = factsOf(parts);
  const holders = new Map<string, LaneRecord | undefined>();
  for (const lane of waiting) {
    const holder = holderOf(parts, facts, holders, lane);
    waits.set(lane.id, waitOf(facts, lane, holder?.id === lane.id ? undefined : holder));
  }
  return waits;
}

function holderOf(
  parts: Parts,
  { running }: WaitFacts,
  known: Map<string, LaneRecord | undefined>,
  { concurrencyGroup: group, reason }: LaneRecord,
): LaneRecord | undefined {
  if (group === null || reason !== "blocked_by_concurrency_group") return undefined;
  if (known.has(group)) return known.get(group);
  const holder = running.find((lane) => lane.concurrencyGroup === group);
  known.set(group, holder ?? firstOfGroup(parts, group));
  return known.get(group);
}

function factsOf({ store: { read }, config, clock }: Parts): WaitFacts {
  return {
    running: read.runningLanes(),
    limit: laneLimit(config.settings()),
    storage: storageTrouble(config),
    blockedTargets: blockedTargets(read, clock.now()),
    paused: pauseOf(read),
    branchName: (id) => (id === null ? null : (read.branch(id)?.name ?? null)),
  };
}

/** The waiting lane that will have a group next, found by its pools' first lanes. */
function firstOfGroup({ store: { read } }: Parts, group: string): LaneRecord | undefined {
  let first: PoolHead | undefined;
  for (const pool of read.poolNames()) {
    const head = read.poolHead(pool, []);
    if (head?.concurrencyGroup !== group) continue;
    if (first === undefined || isBefore(head, first)) first = head;
  }
  return first && read.lane(first.id);
}
