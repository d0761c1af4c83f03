import { sqlTime, sqlTimeOrNull } from "./clock.ts";
import { type Core, runsOf, shownTutorial } from "./core.ts";
import type { BranchRow, LaneRow, NightlyRow, RunRow } from "./types.ts";

/** Objects as they travel, with exactly the keys of the revision and no other. */

export function branchSummary(core: Core, branch: BranchRow) {
  const tutorial = shownTutorial(core, branch.id);
  return {
    branch_id: branch.id,
    repo: core.slug,
    branch_name: branch.name,
    title: branch.title,
    branch_state: branch.state,
    updated_at: branch.updatedAt,
    target_branch: branch.target,
    head_sha: branch.head,
    merge_base_sha: branch.mergeBase,
    merge_commit_sha: branch.mergeCommit,
    tutorial_status: tutorial?.status ?? "pending",
    ci_status: runsOf(core, branch.id)[0]?.status ?? "queued",
    error_message: tutorial?.error ?? null,
  };
}

export function branchDetail(core: Core, branch: BranchRow) {
  const runs = runsOf(core, branch.id).map((run) => ciRun(core, run));
  return { branch: branchSummary(core, branch), ci_runs: runs };
}

export function ciRun(core: Core, run: RunRow) {
  const head = core.revision === "head";
  return {
    id: run.id,
    source_head_sha: run.head,
    status: run.status,
    ...(head ? { status_tone: toneOf(run.status) } : {}),
    lane_count: run.lanes.length,
    rerun_of_run_id: run.rerunOf,
    created_at: sqlTime(run.createdAt),
    started_at: sqlTimeOrNull(run.startedAt),
    finished_at: sqlTimeOrNull(run.finishedAt),
    ...(head ? { timing_summary: timingOf(core, run) } : {}),
    lanes: run.lanes.map((lane) => ciLane(core, lane, "branch")),
  };
}

export function ciLane(core: Core, lane: LaneRow, of: "branch" | "nightly") {
  if (core.revision === "seed") return { ...firstFacts(lane), ...lastFacts(lane) };
  const onBranch = of === "branch";
  return {
    ...firstFacts(lane),
    status_tone: onBranch ? toneOf(lane.status) : null,
    status_badge_class: onBranch ? null : `status-${lane.status}`,
    is_failed: onBranch ? null : lane.status === "failed",
    execution_reason: lane.reason,
    execution_reason_label: reasonLabels[lane.reason] ?? lane.reason,
    failure_kind: lane.failureKind,
    failure_kind_label: lane.failureKind === null ? null : failureLabels[lane.failureKind],
    ci_target_key: lane.laneId,
    ...lastFacts(lane),
    timing_summary: onBranch ? timingOf(core, lane) : null,
    last_heartbeat_at: sqlTimeOrNull(lane.heartbeatAt),
    lease_expires_at: sqlTimeOrNull(lane.leaseUntil),
    operator_hint: hintOf(core, lane),
  };
}

const firstFacts = (lane: LaneRow) => ({
  id: lane.id,
  lane_id: lane.laneId,
  title: lane.title,
  entrypoint: lane.entrypoint,
  status: lane.status,
});

const lastFacts = (lane: LaneRow) => ({
  pikaci_run_id: lane.runnerRun,
  pikaci_target_id: lane.runnerTarget,
  log_text: lane.log,
  retry_count: lane.retryCount,
  rerun_of_lane_run_id: lane.rerunOf,
  created_at: sqlTime(lane.createdAt),
  started_at: sqlTimeOrNull(lane.startedAt),
  finished_at: sqlTimeOrNull(lane.finishedAt),
});

export function nightlyDetail(core: Core, run: NightlyRow) {
  return {
    nightly_run_id: run.id,
    repo: core.slug,
    scheduled_for: run.scheduledFor,
    created_at: sqlTime(run.createdAt),
    source_ref: run.sourceRef,
    source_head_sha: run.head,
    status: run.status,
    summary: run.summary,
    rerun_of_run_id: run.rerunOf,
    started_at: sqlTimeOrNull(run.startedAt),
    finished_at: sqlTimeOrNull(run.finishedAt),
    lanes: run.lanes.map((lane) => ciLane(core, lane, "nightly")),
  };
}

export function toneOf(status: string): string {
  if (status === "success") return "success";
  if (status === "failed") return "danger";
  return status === "queued" || status === "running" ? "warning" : "neutral";
}

const reasonLabels: Readonly<Record<string, string>> = {
  queued: "queued",
  running: "running",
  blocked_by_concurrency_group: "blocked by concurrency group",
  waiting_for_capacity: "waiting for scheduler capacity",
  stale_recovered: "recovered from stale lease",
};

const failureLabels: Readonly<Record<string, string>> = {
  test_failure: "test failure",
  timeout: "timeout",
  infrastructure: "infrastructure failure",
};

interface Timed {
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
}

function timingOf(core: Core, timed: Timed): string | null {
  const now = core.clock.now();
  const queued = (timed.startedAt ?? timed.finishedAt ?? now) - timed.createdAt;
  const parts = queued >= 0 ? [`queued ${spanOf(queued)}`] : [];
  if (timed.startedAt !== null) {
    const ran = (timed.finishedAt ?? now) - timed.startedAt;
    if (ran >= 0) parts.push(`ran ${spanOf(ran)}`);
  }
  return parts.length === 0 ? null : parts.join(" · ");
}

function spanOf(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  const [d, h] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600)];
  const m = Math.floor(seconds / 60);
  if (d > 0) return `${d}d ${two(h % 24)}h`;
  if (h > 0) return `${h}h ${two(m % 60)}m`;
  return m > 0 ? `${m}m ${two(seconds % 60)}s` : `${seconds}s`;
}

function hintOf(core: Core, lane: LaneRow): string | null {
  const now = core.clock.now();
  switch (lane.status) {
    case "queued":
      return queuedHint(lane, now);
    case "running": {
      const until = lane.leaseUntil;
      const beat = lane.heartbeatAt === null ? "" : ` Last heartbeat ${sqlTime(lane.heartbeatAt)}.`;
      if (until === null) return `Running with no lease metadata.${beat}`;
      const lease = until <= now ? "an expired lease" : "lease";
      return `Running with ${lease} until ${sqlTime(until)}.${beat}`;
    }
    case "failed": {
      const at = lane.finishedAt === null ? "Failed." : `Failed at ${sqlTime(lane.finishedAt)}.`;
      const kind = lane.failureKind === null ? undefined : failureLabels[lane.failureKind];
      return kind === undefined ? at : `${at} Classified as ${kind}.`;
    }
    default:
      return null;
  }
}

function queuedHint(lane: LaneRow, now: number): string {
  if (lane.reason === "blocked_by_concurrency_group") {
    return "Blocked by another lane in the same concurrency group.";
  }
  if (lane.reason === "waiting_for_capacity") {
    const why = "Other runnable lanes are already consuming the active worker slots.";
    return `Waiting for scheduler capacity. ${why}`;
  }
  if (lane.reason === "stale_recovered") {
    return "Recovered after a stale lease expired. This lane is ready to be reclaimed.";
  }
  const since = sqlTime(lane.createdAt);
  if (now - lane.createdAt < 15 * 60_000) return `Queued since ${since}.`;
  return `Queued too long since ${since}. Wake CI or requeue if the scheduler is wedged.`;
}
