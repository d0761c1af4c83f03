import {
  bool,
  type Check,
  count,
  gitTime,
  int,
  is,
  keys,
  list,
  nullOr,
  object,
  offsetTime,
  oneOf,
  sha,
  sqlTime,
  str,
} from "./match.ts";
import type { World } from "./world.ts";

/** The document's tables of keys, 2.2, 2.3 and 2.6, by revision. */

const laneStatus = oneOf("queued", "running", "success", "failed", "skipped");
export const runStatus = oneOf("queued", "running", "success", "failed");
const tone = oneOf("success", "danger", "warning", "neutral");
const reason = oneOf(
  "queued",
  "running",
  "blocked_by_concurrency_group",
  "waiting_for_capacity",
  "stale_recovered",
);

type Keys = Record<string, Check>;
const later = (world: World, more: Keys): Keys => (world.revision === "head" ? more : {});

export const branchSummary = (world: World, also: Keys = {}) =>
  keys({
    branch_id: int,
    repo: is(world.slug),
    branch_name: str,
    title: str,
    branch_state: oneOf("open", "merged", "closed"),
    updated_at: gitTime,
    target_branch: is(world.target),
    head_sha: sha,
    merge_base_sha: sha,
    merge_commit_sha: nullOr(sha),
    tutorial_status: oneOf("pending", "generating", "ready", "failed"),
    ci_status: runStatus,
    error_message: nullOr(str),
    ...also,
  });

export const ciLane = (world: World, of: "branch" | "nightly" = "branch", also: Keys = {}) =>
  keys({
    id: int,
    lane_id: str,
    title: str,
    entrypoint: str,
    status: laneStatus,
    ...later(world, {
      status_tone: of === "branch" ? tone : is(null),
      status_badge_class:
        of === "branch"
          ? is(null)
          : oneOf(
              "status-failed",
              "status-success",
              "status-running",
              "status-queued",
              "status-skipped",
              "status-neutral",
            ),
      is_failed: of === "branch" ? is(null) : bool,
      execution_reason: reason,
      execution_reason_label: str,
      failure_kind: nullOr(oneOf("test_failure", "timeout", "infrastructure")),
      failure_kind_label: nullOr(str),
      ci_target_key: nullOr(str),
      timing_summary: of === "branch" ? nullOr(str) : is(null),
      last_heartbeat_at: nullOr(sqlTime),
      lease_expires_at: nullOr(sqlTime),
      operator_hint: nullOr(str),
    }),
    pikaci_run_id: nullOr(str),
    pikaci_target_id: nullOr(str),
    log_text: nullOr(str),
    retry_count: count,
    rerun_of_lane_run_id: nullOr(int),
    created_at: sqlTime,
    started_at: nullOr(sqlTime),
    finished_at: nullOr(sqlTime),
    ...also,
  });

export const ciRun = (world: World, also: Keys = {}) =>
  keys({
    id: int,
    source_head_sha: sha,
    status: runStatus,
    ...later(world, { status_tone: tone, timing_summary: nullOr(str) }),
    lane_count: count,
    rerun_of_run_id: nullOr(int),
    created_at: sqlTime,
    started_at: nullOr(sqlTime),
    finished_at: nullOr(sqlTime),
    lanes: list(ciLane(world)),
    ...also,
  });

export const detail = (world: World, also: { branch?: Keys; runs?: Check } = {}) =>
  keys({
    branch: branchSummary(world, also.branch ?? {}),
    ci_runs: also.runs ?? list(ciRun(world)),
  });

export const logs = (world: World, also: Keys = {}) =>
  keys({
    branch_id: int,
    branch_name: str,
    run_id: int,
    lane: ciLane(world),
    ...later(world, {
      pikaci_run: nullOr(object),
      pikaci_log_metadata: nullOr(object),
      pikaci_prepared_outputs: nullOr(object),
    }),
    ...also,
  });

export const nightly = (world: World, also: Keys = {}) =>
  keys({
    nightly_run_id: int,
    repo: is(world.slug),
    scheduled_for: offsetTime,
    created_at: sqlTime,
    source_ref: is(`refs/heads/${world.target}`),
    source_head_sha: sha,
    status: oneOf("queued", "running", "success", "failed", "skipped"),
    summary: nullOr(str),
    rerun_of_run_id: nullOr(int),
    started_at: nullOr(sqlTime),
    finished_at: nullOr(sqlTime),
    lanes: list(ciLane(world, "nightly")),
    ...also,
  });
