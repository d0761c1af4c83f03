import type { ExecutionReason, FailureKind, LaneStatus } from "../../domain/status.ts";

export type Tone = "success" | "danger" | "warning" | "neutral";

const tones: readonly (readonly [Tone, readonly string[]])[] = [
  ["success", ["success", "passed", "succeeded", "ready"]],
  ["danger", ["failed", "error", "lost", "timed_out", "timeout", "cancelled"]],
  [
    "warning",
    [
      "queued",
      "running",
      "pending",
      "waiting",
      "waiting_for_capacity",
      "blocked_by_concurrency_group",
      "blocked_by_target_health",
      "scheduler_paused",
      "needs_attention",
    ],
  ],
];

export function toneOf(status: string): Tone {
  return tones.find(([, statuses]) => statuses.includes(status))?.[0] ?? "neutral";
}

const reasonLabels: Readonly<Record<ExecutionReason, string>> = {
  queued: "queued",
  running: "running",
  blocked_by_concurrency_group: "blocked by concurrency group",
  waiting_for_capacity: "waiting for scheduler capacity",
  blocked_by_target_health: "blocked by target health",
  scheduler_paused: "scheduler paused",
  stale_recovered: "recovered from stale lease",
};

export function reasonLabel(reason: ExecutionReason): string {
  return reasonLabels[reason];
}

const failureLabels: Readonly<Record<FailureKind, string>> = {
  test_failure: "test failure",
  infrastructure: "infrastructure failure",
  timeout: "timeout",
  lost: "lost",
  cancelled: "cancelled",
  superseded: "superseded",
};

export function failureLabel(kind: FailureKind): string {
  return failureLabels[kind];
}

/** When something was queued, begun and ended. ISO times. */
export interface Times {
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}

/** How long it waited and ran, such as `queued 1m 24s · ran 3m 05s`; null where nothing is known. */
export function timingSummary(times: Times, now: Date): string | null {
  const end = Date.parse(times.finishedAt ?? now.toISOString());
  const start = times.startedAt === null ? undefined : Date.parse(times.startedAt);
  const parts = [span("queued", Date.parse(times.createdAt), start ?? end)];
  if (start !== undefined) parts.push(span("ran", start, end));
  const known = parts.filter((part) => part !== undefined);
  return known.length === 0 ? null : known.join(" · ");
}

function span(word: string, fromMs: number, toMs: number): string | undefined {
  const seconds = Math.floor((toMs - fromMs) / 1000);
  return Number.isNaN(seconds) || toMs < fromMs ? undefined : `${word} ${duration(seconds)}`;
}

function duration(seconds: number): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours >= 24) return `${Math.floor(hours / 24)}d ${two(hours % 24)}h`;
  if (hours > 0) return `${hours}h ${two(minutes % 60)}m`;
  if (minutes > 0) return `${minutes}m ${two(seconds % 60)}s`;
  return `${seconds}s`;
}

const longQueuedMs = 15 * 60_000;

/** What a hint is made from. */
export interface HintFacts extends Times {
  readonly status: LaneStatus;
  readonly reason: ExecutionReason;
  readonly failureKind: FailureKind | null;
  readonly heartbeatAt: string | null;
  readonly leaseExpiresAt: string | null;
}

/** One sentence or two on what an operator should know of a lane; null where all is well. */
export function operatorHint(lane: HintFacts, now: Date): string | null {
  switch (lane.status) {
    case "queued":
      return queuedHint(lane, now);
    case "running":
      return runningHint(lane, now);
    case "failed": {
      const when = lane.finishedAt === null ? "Failed." : `Failed at ${lane.finishedAt}.`;
      return lane.failureKind === null
        ? when
        : `${when} Classified as ${failureLabel(lane.failureKind)}.`;
    }
    case "success":
    case "skipped":
      return null;
  }
}

function queuedHint(lane: HintFacts, now: Date): string {
  if (lane.reason === "blocked_by_concurrency_group") {
    return "Blocked by another lane in the same concurrency group.";
  }
  if (lane.reason === "waiting_for_capacity") {
    return "Waiting for scheduler capacity. Other runnable lanes are already consuming the active worker slots.";
  }
  if (lane.reason === "blocked_by_target_health") {
    return "Its CI target keeps failing for itself. It is tried again by itself; the queue says when.";
  }
  if (lane.reason === "scheduler_paused") {
    return "The scheduler is paused. Lanes start again when it is resumed.";
  }
  if (lane.reason === "stale_recovered") {
    return "Recovered after a stale lease expired. This lane is ready to be reclaimed.";
  }
  return now.getTime() - Date.parse(lane.createdAt) < longQueuedMs
    ? `Queued since ${lane.createdAt}.`
    : `Queued too long since ${lane.createdAt}. Wake CI or requeue if the scheduler is wedged.`;
}

function runningHint(lane: HintFacts, now: Date): string {
  const beat = lane.heartbeatAt === null ? "" : ` Last heartbeat ${lane.heartbeatAt}.`;
  if (lane.leaseExpiresAt === null) return `Running with no lease metadata.${beat}`;
  const expired = Date.parse(lane.leaseExpiresAt) <= now.getTime();
  return expired
    ? `Running with an expired lease until ${lane.leaseExpiresAt}.${beat}`
    : `Running with lease until ${lane.leaseExpiresAt}.${beat}`;
}
