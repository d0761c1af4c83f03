import type { TargetHealthRecord } from "../store/records.ts";
import type { Reads, Writes } from "../store/store.ts";
import type { LaneOutcome } from "./lane-result.ts";

/**
 * A CI target is what a manifest's `staged_linux_target` names: a machine or service that lanes of
 * many branches depend on. Lanes that name none depend on nothing that could be taken out alone.
 */

/** Infrastructure failures in a row after which a target's lanes are kept back. */
export const failuresToOpen = 3;
const firstBackoffMs = 30_000;
const longestBackoffMs = 30 * 60_000;

/** What a target lets its lanes do. */
export type TargetState =
  | { readonly kind: "well" }
  /** Kept back until then. */
  | { readonly kind: "open"; readonly until: string }
  /** One lane may try it. */
  | { readonly kind: "due" }
  /** One lane tries it. */
  | { readonly kind: "trial"; readonly laneRun: number };

/** The claim of a lane that ended or runs. */
interface Claim {
  readonly id: number;
  readonly claimToken: number;
}

/** What a target's record says now. `running` are the lanes that run. Pure. */
export function targetState(
  health: TargetHealthRecord | undefined,
  now: Date,
  running: readonly Claim[],
): TargetState {
  if (health === undefined || health.openedAt === null) return { kind: "well" };
  const trial = running.find((claim) => isTrial(health, claim));
  if (trial !== undefined) return { kind: "trial", laneRun: trial.id };
  const opened = Date.parse(health.openedAt);
  const until = opened + health.backoffMs;
  // A clock that was set back says nothing of how long it was; trying is always safe.
  const due = until <= now.getTime() || opened > now.getTime();
  return due ? { kind: "due" } : { kind: "open", until: new Date(until).toISOString() };
}

/**
 * The target's record after a lane of it ended; undefined: it does well. A lane that reached a
 * result of its own, good or bad, shows that the target works. Pure.
 */
export function healthAfter(
  before: TargetHealthRecord | undefined,
  ended: Claim & { readonly targetKey: string },
  outcome: LaneOutcome,
  now: string,
): TargetHealthRecord | undefined {
  if (outcome.status === "success" || outcome.failureKind === "test_failure") return undefined;
  const onTrial = before !== undefined && isTrial(before, ended);
  const freed = onTrial ? { ...before, trialLane: null, trialToken: null } : before;
  const infrastructure = outcome.failureKind === "infrastructure";
  // A time-out may be the branch's own fault; on trial it still shows no target that works.
  if (!infrastructure && !(onTrial && outcome.failureKind === "timeout")) return freed;
  const failed: TargetHealthRecord = {
    target: ended.targetKey,
    failures: (before?.failures ?? 0) + 1,
    since: before?.since ?? now,
    why: outcome.note ?? "infrastructure failure",
    openedAt: before?.openedAt ?? null,
    backoffMs: before?.backoffMs ?? 0,
    trialLane: freed?.trialLane ?? null,
    trialToken: freed?.trialToken ?? null,
  };
  // One that was claimed before the target was taken out is no news.
  const opens = failed.openedAt === null ? failed.failures >= failuresToOpen : onTrial;
  return opens ? { ...failed, openedAt: now, backoffMs: nextBackoff(failed.backoffMs) } : failed;
}

/** Notes what a lane's end says of its target. In the transaction that records the end. */
export function noteHealth(
  tx: Writes,
  lane: Claim & { readonly targetKey: string | null },
  outcome: LaneOutcome,
  now: string,
): void {
  const { targetKey } = lane;
  if (targetKey === null) return;
  const before = tx.targetHealth(targetKey);
  const after = healthAfter(before, { ...lane, targetKey }, outcome, now);
  if (after === undefined) tx.removeTargetHealth(targetKey);
  else if (after !== before) tx.putTargetHealth(after);
}

/** A target that is kept back, as everybody is told of it. */
export interface BlockedTarget {
  readonly target: string;
  readonly since: string;
  readonly why: string;
  /** Null while one lane tries it, or may as soon as there is room. */
  readonly until: string | null;
}

/** The targets whose lanes are kept back now, by name. */
export function blockedTargets(
  read: Pick<Reads, "targetsUnwell" | "runningLanes">,
  now: Date,
): readonly BlockedTarget[] {
  const unwell = read.targetsUnwell().filter((health) => health.openedAt !== null);
  if (unwell.length === 0) return [];
  const running = read.runningLanes();
  return unwell.map((health) => {
    const state = targetState(health, now, running);
    const { target, since, why } = health;
    return { target, since, why, until: state.kind === "open" ? state.until : null };
  });
}

function isTrial(health: TargetHealthRecord, claim: Claim): boolean {
  return health.trialLane === claim.id && health.trialToken === claim.claimToken;
}

function nextBackoff(before: number): number {
  return before === 0 ? firstBackoffMs : Math.min(before * 2, longestBackoffMs);
}
