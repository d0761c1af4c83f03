/** The states and reasons of branches, runs and lanes. One place for each word. */

export const branchStates = ["open", "merged", "closed"] as const;
export type BranchState = (typeof branchStates)[number];

const laneStatuses = ["queued", "running", "success", "failed", "skipped"] as const;
export type LaneStatus = (typeof laneStatuses)[number];

export const runStatuses = ["queued", "running", "success", "failed", "skipped"] as const;
export type RunStatus = (typeof runStatuses)[number];

/** Why a lane is where it is. */
export const executionReasons = [
  "queued",
  "running",
  "waiting_for_capacity",
  "blocked_by_concurrency_group",
  "blocked_by_target_health",
  "scheduler_paused",
  "stale_recovered",
] as const;
export type ExecutionReason = (typeof executionReasons)[number];

/** Why a lane that ended without success did so. Told by exit codes and signals, never by log words. */
export const failureKinds = [
  "test_failure",
  "infrastructure",
  "timeout",
  "lost",
  "cancelled",
  "superseded",
] as const;
export type FailureKind = (typeof failureKinds)[number];

/** Why a run has the status it has, where its lanes do not say it. */
export const runReasons = [
  "nothing_selected",
  "manifest_missing",
  "manifest_broken",
  /** There is no manifest and the owner chose, on record, to land untested. */
  "untested_by_choice",
  "superseded",
] as const;
export type RunReason = (typeof runReasons)[number];

/** Whether a lane or run of this status may still change by itself. */
export function isActive(status: LaneStatus | RunStatus): boolean {
  return status === "queued" || status === "running";
}

/**
 * Folds the statuses of a run's lanes into the run's own.
 * A run never fails early: it stays `running` until each lane is terminal.
 */
export function runStatusOf(lanes: readonly LaneStatus[]): RunStatus {
  if (lanes.every((lane) => lane === "success" || lane === "skipped")) return "success";
  if (lanes.some((lane) => lane === "running")) return "running";
  if (lanes.some((lane) => lane === "queued")) {
    return lanes.every((lane) => lane === "queued") ? "queued" : "running";
  }
  return "failed";
}
