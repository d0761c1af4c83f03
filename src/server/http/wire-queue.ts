import type { QueueAnswer } from "../../contract/ci.ts";
import type { ExecutionReason } from "../../domain/status.ts";
import { itemsWithin } from "../../text/json.ts";
import type { Estimate } from "../ci/estimate.ts";
import type { BlockedTarget } from "../ci/health.ts";
import type { Pause } from "../ci/pause.ts";
import type { LaneRecord, WaitingLane } from "../store/records.ts";

/** What a lane's wait is told from. */
export interface WaitFacts {
  readonly running: readonly LaneRecord[];
  readonly limit: number;
  /** CI targets whose lanes are kept back. */
  readonly blockedTargets?: readonly BlockedTarget[];
  readonly paused?: Pause | null;
  /** What keeps the forge from writing its state, so that no lane is started. */
  readonly storage?: string | undefined;
  readonly branchName: (branchId: number | null) => string | null;
}

/** What the queue's view is made from. `waiting` is in claim order. */
export interface QueueFacts extends WaitFacts {
  readonly waiting: readonly WaitingLane[];
  readonly frozen: string | null;
  readonly estimates: ReadonlyMap<number, Estimate>;
}

export interface QueueWish {
  /** Only the lanes of this branch. */
  readonly branchId?: number | undefined;
  /** Lanes of this branch come before others where not all can be shown. */
  readonly ownBranchId?: number | undefined;
  readonly limit: number;
  /** Bytes that the lanes may take together; undefined: what they take. */
  readonly bytes?: number | undefined;
}

type Line = QueueAnswer["lanes"][number];
/** A lane with its place; null: it runs. */
type Placed = { readonly lane: LaneRecord; readonly place: null } | Waiting;
type Waiting = { readonly lane: WaitingLane; readonly place: number };

/** Running lanes, then waiting ones with place, holder and estimate, as many as wished. Pure. */
export function queueOnWire(facts: QueueFacts, wish: QueueWish): QueueAnswer {
  const all: Placed[] = [
    ...facts.running.map((lane) => ({ lane, place: null })),
    ...facts.waiting.map((lane, index) => ({ lane, place: index + 1 })),
  ];
  const matching =
    wish.branchId === undefined ? all : all.filter(({ lane }) => lane.branchId === wish.branchId);
  const holders = holdersOf(facts);
  const isOwn = ({ lane }: Placed) =>
    wish.ownBranchId !== undefined && lane.branchId === wish.ownBranchId;
  const ownFirst = [
    ...matching.filter(isOwn).slice(0, wish.limit),
    ...matching.slice(0, wish.limit).filter((one) => !isOwn(one)),
  ].slice(0, wish.limit);
  const lines = ownFirst.map((one) => lineOf(facts, holders, one));
  const shown = wish.bytes === undefined ? lines : itemsWithin(lines, wish.bytes);
  return {
    running: facts.running.length,
    waiting: facts.waiting.length,
    limit: facts.limit,
    frozen: facts.frozen,
    matching: matching.length,
    waiting_by_reason: countReasons(facts),
    lanes: shown.sort((a, b) => (a.place ?? 0) - (b.place ?? 0)),
  };
}

function lineOf(facts: QueueFacts, holders: ReadonlyMap<string, Holder>, one: Placed): Line {
  const { lane } = one;
  const estimate = facts.estimates.get(lane.id);
  const common = {
    branch_id: lane.branchId,
    branch_name: facts.branchName(lane.branchId),
    lane_run_id: lane.id,
    lane_id: lane.lane,
  };
  if (one.place === null) {
    return {
      ...common,
      status: one.lane.status,
      reason: one.lane.reason,
      place: null,
      waits_for: null,
      held_by_lane_run_id: null,
      since: one.lane.startedAt ?? one.lane.createdAt,
      until: null,
      starts_in_seconds: null,
      ends_in_seconds: seconds(estimate?.endsInMs),
      estimate: estimate === undefined ? null : wordsOf(estimate),
    };
  }
  return {
    ...common,
    status: "queued",
    ...waitOf(facts, one.lane, holderOf(holders, one)?.lane),
    place: one.place,
    since: lane.createdAt,
    starts_in_seconds: seconds(estimate?.startsInMs),
    ends_in_seconds: seconds(estimate?.endsInMs),
    estimate: estimate === undefined ? null : wordsOf(estimate),
  };
}

/** Why a lane waits, for what or whom, and until when at the latest. Pure. */
export function waitOf(facts: WaitFacts, lane: WaitingLane, holder: WaitingLane | undefined) {
  const reason = reasonOf(facts, lane);
  const held = reason === "blocked_by_concurrency_group" ? holder : undefined;
  return {
    reason,
    waits_for: waitsFor(facts, lane, reason, held),
    held_by_lane_run_id: held?.id ?? null,
    until: blockedTarget(facts, lane, reason)?.until ?? null,
  };
}

/**
 * Where no pass has told it yet: a pause holds everybody, and one that ended nobody; with every slot
 * taken, what a lane waits for is one of them.
 */
function reasonOf(facts: WaitFacts, { reason }: WaitingLane): ExecutionReason {
  if (facts.paused != null) return "scheduler_paused";
  const untold = reason === "queued" || reason === "scheduler_paused";
  const full = facts.running.length >= facts.limit || facts.storage !== undefined;
  if (!untold) return reason;
  return full ? "waiting_for_capacity" : "queued";
}

function countReasons(facts: QueueFacts): Record<string, number> {
  const counts = new Map<string, number>();
  for (const lane of facts.waiting) {
    const reason = reasonOf(facts, lane);
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}

type Holder = { readonly lane: WaitingLane; readonly place: number | null };

/** Who has each concurrency group, or will have it next. */
function holdersOf(facts: QueueFacts): ReadonlyMap<string, Holder> {
  const holders = new Map<string, Holder>();
  const add = (lane: WaitingLane, place: number | null) => {
    const group = lane.concurrencyGroup;
    if (group !== null && !holders.has(group)) holders.set(group, { lane, place });
  };
  for (const lane of facts.running) add(lane, null);
  facts.waiting.forEach((lane, index) => {
    add(lane, index + 1);
  });
  return holders;
}

function holderOf(holders: ReadonlyMap<string, Holder>, { lane }: Waiting): Holder | undefined {
  const holder = holders.get(lane.concurrencyGroup ?? "");
  return holder?.lane.id === lane.id ? undefined : holder;
}

function blockedTarget(
  facts: WaitFacts,
  lane: WaitingLane,
  reason: ExecutionReason,
): BlockedTarget | undefined {
  if (reason !== "blocked_by_target_health") return undefined;
  return facts.blockedTargets?.find((blocked) => blocked.target === lane.targetKey);
}

function waitsFor(
  facts: WaitFacts,
  lane: WaitingLane,
  reason: ExecutionReason,
  holder: WaitingLane | undefined,
): string | null {
  if (reason === "blocked_by_concurrency_group") {
    const group = `group ${lane.concurrencyGroup}`;
    if (holder === undefined) return group;
    return `${group}, held by lane ${holder.lane} of ${facts.branchName(holder.branchId) ?? "a nightly"}`;
  }
  const slotless = reason === "waiting_for_capacity" || reason === "stale_recovered";
  if (slotless && facts.storage !== undefined)
    return `room for the forge's state: ${facts.storage}`;
  const slot = `a free slot; ${facts.running.length} of ${facts.limit} are in use`;
  if (reason === "waiting_for_capacity") return slot;
  if (reason === "stale_recovered") return `${slot}; its worker was lost and it is tried again`;
  if (reason === "scheduler_paused" && facts.paused != null) {
    return `the scheduler, paused by ${facts.paused.by} since ${facts.paused.since}`;
  }
  if (reason === "blocked_by_target_health") {
    const blocked = blockedTarget(facts, lane, reason);
    const target = `CI target ${lane.targetKey}`;
    if (blocked === undefined) return target;
    return `${target}, which fails since ${blocked.since} (${blocked.why.slice(0, 200)})`;
  }
  return null;
}

function seconds(ms: number | null | undefined): number | null {
  return ms === null || ms === undefined ? null : Math.ceil(ms / 1000);
}

/** Such as `starts in about 40s, ends in about 2m`. */
function wordsOf({ startsInMs, endsInMs, unknown }: Estimate): string {
  const parts = [
    startsInMs === null ? undefined : `starts in about ${span(startsInMs)}`,
    endsInMs === null ? undefined : `ends in about ${span(endsInMs)}`,
    unknown ?? undefined,
  ];
  return parts.filter((part) => part !== undefined).join(", ");
}

function span(ms: number): string {
  const whole = Math.ceil(ms / 1000);
  if (whole < 60) return `${whole}s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 120) return `${minutes}m`;
  return `${Math.round(minutes / 60)}h`;
}
