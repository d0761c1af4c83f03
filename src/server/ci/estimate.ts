import type { ExecutionReason } from "../../domain/status.ts";

/**
 * How long a waiting lane may still wait, from what lanes of its name took before:
 *
 * - A lane takes the median of its newest successes, of at most `historySize`. One that never
 *   succeeded has no history.
 * - A running lane is done when its median is over; one that takes longer already, at once; one that
 *   takes far longer may hang, and is not counted on.
 * - Waiting lanes are given out in claim order: each to a slot that is free when its concurrency
 *   group is, else to the one that is free first.
 * - A slot or group that a lane without history has is not counted on any more. A lane that finds
 *   neither is without an estimate too, and so are lanes that wait for something which has no known
 *   end, such as an unhealthy target; those hold no slot meanwhile.
 *
 * So it is what is likely if nobody else comes, and no promise.
 */

/** Successes that a lane's usual time is told from. */
export const historySize = 20;

/** The middle one; the mean of the middle two; undefined without any. */
export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  return upper === undefined || lower === undefined ? undefined : (upper + lower) / 2;
}

export interface EstimateFacts {
  /** Lanes that may run at once. */
  readonly limit: number;
  readonly running: readonly {
    /** Where it is given, the lane is told when it will end. */
    readonly id?: number;
    readonly lane: string;
    readonly concurrencyGroup: string | null;
    /** How long it has been running, in milliseconds. */
    readonly ranMs: number;
  }[];
  /** In claim order. */
  readonly waiting: readonly {
    readonly id: number;
    readonly lane: string;
    readonly concurrencyGroup: string | null;
    readonly reason: ExecutionReason;
  }[];
  /** What a lane of that name usually takes, in milliseconds. */
  readonly usualMs: (lane: string) => number | undefined;
}

/** Milliseconds from now; null where they are not known. */
export interface Estimate {
  readonly startsInMs: number | null;
  readonly endsInMs: number | null;
  /** Why one of them is not known; null where both are. */
  readonly unknown: string | null;
}

export const noHistory = "no history";
export const farLonger = "runs far longer than usual";
const behindOverdue = "a lane before it runs far longer than usual";
/** Times its usual time, and beyond it, that a lane must have run until it counts as overdue. */
const overdueTimes = 4;
const overdueMs = 60_000;
const notKnown = Number.POSITIVE_INFINITY;
/** Reasons whose end no history tells, in words. */
const withoutEnd: Readonly<Partial<Record<ExecutionReason, string>>> = {
  blocked_by_target_health: "not before its CI target is healthy",
  scheduler_paused: "not before the scheduler goes on",
};

/** An estimate for each waiting lane, and each running one that has an id, by its id. Pure. */
export function estimateWaits(facts: EstimateFacts): ReadonlyMap<number, Estimate> {
  const slots = slotsOf(facts);
  const groups = new Map<string, number>();
  const estimates = new Map<number, Estimate>();
  for (const lane of facts.running) {
    const rest = restOf(facts, lane);
    occupy(groups, lane.concurrencyGroup, rest);
    if (lane.id !== undefined) estimates.set(lane.id, endOf(facts, lane, rest));
  }
  const blind = facts.running.some((lane) => isOverdue(facts, lane)) ? behindOverdue : noHistory;
  for (const lane of facts.waiting) {
    const why = withoutEnd[lane.reason];
    if (why !== undefined) {
      estimates.set(lane.id, { startsInMs: null, endsInMs: null, unknown: why });
      continue;
    }
    const from = groups.get(lane.concurrencyGroup ?? "") ?? 0;
    const free = lane.concurrencyGroup === null ? 0 : from;
    const slot = slotFor(slots, free);
    const starts = Math.max(slots[slot] ?? notKnown, free);
    const usual = facts.usualMs(lane.lane);
    const ends = usual === undefined ? notKnown : starts + usual;
    // Who waits for a group that nobody knows the end of takes no slot from the others.
    if (free !== notKnown && slots[slot] !== undefined) slots[slot] = ends;
    occupy(groups, lane.concurrencyGroup, ends);
    estimates.set(lane.id, {
      startsInMs: known(starts),
      endsInMs: known(ends),
      unknown: ends !== notKnown ? null : whyUnknown(facts, usual, blind),
    });
  }
  return estimates;
}

function whyUnknown(facts: EstimateFacts, usual: number | undefined, blind: string): string {
  if (facts.limit < 1) return "no lane may run";
  return usual === undefined ? noHistory : blind;
}

/** More slots than these do not change what somebody is told, only what it costs to tell it. */
const mostSlots = 256;

/** When each slot is free. Lanes beyond the limit, after it was lowered, keep nobody waiting twice. */
function slotsOf(facts: EstimateFacts): number[] {
  const taken = facts.running.map((lane) => restOf(facts, lane)).toSorted((a, b) => b - a);
  const limit = Math.max(0, Math.min(facts.limit, mostSlots));
  const slots = taken.slice(0, limit);
  while (slots.length < limit) slots.push(0);
  return slots;
}

type Running = EstimateFacts["running"][number];

function restOf(facts: EstimateFacts, lane: Running): number {
  const usual = facts.usualMs(lane.lane);
  if (usual === undefined || isOverdue(facts, lane)) return notKnown;
  return Math.max(0, usual - lane.ranMs);
}

function isOverdue({ usualMs }: EstimateFacts, { lane, ranMs }: Running): boolean {
  const usual = usualMs(lane);
  return usual !== undefined && ranMs > Math.max(overdueTimes * usual, usual + overdueMs);
}

function endOf(facts: EstimateFacts, lane: Running, rest: number): Estimate {
  const unknown = isOverdue(facts, lane) ? farLonger : noHistory;
  return { startsInMs: null, endsInMs: known(rest), unknown: rest === notKnown ? unknown : null };
}

/** The slot that is free latest of those that are free at `at`; else the one that is free first. */
function slotFor(slots: readonly number[], at: number): number {
  let best = 0;
  slots.forEach((free, index) => {
    const sofar = slots[best] ?? notKnown;
    if (free <= at ? sofar > at || free > sofar : free < sofar) best = index;
  });
  return best;
}

function occupy(groups: Map<string, number>, group: string | null, until: number): void {
  if (group !== null) groups.set(group, Math.max(groups.get(group) ?? 0, until));
}

function known(ms: number): number | null {
  return ms === notKnown ? null : Math.round(ms);
}
