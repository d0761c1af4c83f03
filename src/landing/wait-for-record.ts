import type { Run } from "../domain/checks.ts";
import { isActive, type RunStatus } from "../domain/status.ts";
import type { ForgeBranch } from "../forges/forge.ts";
import { patiently } from "./patience.ts";
import type { Clock, Wakes } from "./wakes.ts";

/** A change that no event told of is found after this long all the same. */
export const safetyMs = 10_000;

/** How long after a cancellation it is looked whether the run was taken up again. */
export const takenUpMs = 5000;

/**
 * Reads a branch's record anew at each change until `settled` or the time is up. The one wait of
 * the landing and of `wait_for_ci`. `look` is not called before the first change or timeout.
 */
export async function waitForRecord<T>(
  during: {
    readonly clock: Clock;
    readonly wakes: Wakes;
    readonly signal: AbortSignal;
    /** Until when a forge that fails is asked again; default: the wait's own end. */
    readonly until?: number | undefined;
    /** How long it is at most from one look to the next, in milliseconds. */
    readonly lookEveryMs?: number | undefined;
  },
  untilMs: number,
  look: () => Promise<T>,
  settled: (seen: T) => boolean,
): Promise<T> {
  for (;;) {
    const left = untilMs - during.clock.now();
    const pause = Math.min(left, during.lookEveryMs ?? safetyMs);
    await during.wakes.next(during.signal, Math.max(0, pause));
    const seen = await patiently({ ...during, until: during.until ?? untilMs }, look);
    if (settled(seen) || during.clock.now() >= untilMs) return seen;
  }
}

/**
 * Looks on for a moment after somebody cancelled what was waited for: a lane that hangs is begun
 * anew by `cancel`, then `requeue`, and in between it looks as if CI had spoken.
 */
export async function seenThroughCancel<T>(
  during: Parameters<typeof waitForRecord>[0],
  untilMs: number,
  look: () => Promise<T>,
  isCancelled: (seen: T) => boolean,
  seen: T,
): Promise<T> {
  const until = Math.min(untilMs, during.clock.now() + takenUpMs);
  if (!isCancelled(seen) || during.clock.now() >= until) return seen;
  return waitForRecord(during, until, look, (next) => !isCancelled(next));
}

/** Whether a run is red by cancelled lanes alone, on a branch that may still go on. */
export function isOnlyCancelled(branch: ForgeBranch | undefined, run: Run | undefined): boolean {
  if (branch?.state !== "open" || run?.status !== "failed") return false;
  const failed = run.lanes.filter((lane) => lane.status === "failed");
  return failed.length > 0 && failed.every((lane) => lane.failureKind === "cancelled");
}

/** How far a run is, in a line. */
export function runLine(run: Run | undefined): string {
  if (run === undefined) return "CI: no run yet";
  const done = run.lanes.filter((lane) => !isActive(lane.status as RunStatus)).length;
  const now = run.lanes.filter((lane) => lane.status === "running").map((lane) => lane.lane);
  const failed = run.lanes.filter((lane) => lane.status === "failed").map((lane) => lane.lane);
  const waits = run.lanes.find((lane) => lane.status === "queued" && lane.waitsFor !== undefined);
  return [
    `CI: ${run.status}, ${done} of ${run.lanes.length} lanes done`,
    ...(now.length === 0 ? [] : [`running ${now.slice(0, 4).join(", ")}`]),
    ...(waits === undefined ? [] : [`${waits.lane} waits for ${waits.waitsFor}`]),
    ...(failed.length === 0 ? [] : [`failed ${failed.slice(0, 4).join(", ")}`]),
  ].join(" · ");
}

/** What of a record a wait for a head looks at; a change of it ends the wait. */
export function recordMark(record: ForgeBranch | undefined, verdict: string): string {
  return record === undefined
    ? "unknown"
    : [record.id, record.state, record.head, record.problem ?? "", verdict].join(" ");
}
