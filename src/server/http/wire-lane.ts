import type { z } from "zod";
import type { laneShape, runShape } from "../../contract/branch.ts";
import type { LaneRecord, RunRecord } from "../store/records.ts";
import type { LaneWait } from "./lane-waits.ts";
import { failureLabel, operatorHint, reasonLabel, timingSummary, toneOf } from "./wire-labels.ts";

export type LaneView = z.input<typeof laneShape>;
export type RunView = z.input<typeof runShape>;

/** What is known of a lane's log. `text`: null until the lane finished, or when not asked for. */
export interface LogView {
  readonly bytes: number;
  readonly text: string | null;
}

/** A lane as it travels, every key of the contract present. `wait`: of one that waits. Pure. */
export function laneOnWire(lane: LaneRecord, log: LogView, now: Date, wait?: LaneWait): LaneView {
  const reason = wait?.reason ?? lane.reason;
  return {
    id: lane.id,
    lane_id: lane.lane,
    title: lane.title,
    entrypoint: lane.entrypoint,
    status: lane.status,
    status_tone: toneOf(lane.status),
    status_badge_class: null,
    is_failed: null,
    execution_reason: reason,
    execution_reason_label: reasonLabel(reason),
    failure_kind: lane.failureKind,
    failure_kind_label: lane.failureKind === null ? null : failureLabel(lane.failureKind),
    pikaci_run_id: lane.executorRunId,
    pikaci_target_id: lane.executorTargetId,
    ci_target_key: lane.targetKey,
    log_text: log.text,
    retry_count: lane.retryCount,
    rerun_of_lane_run_id: lane.rerunOf,
    created_at: lane.createdAt,
    started_at: lane.startedAt,
    finished_at: lane.finishedAt,
    timing_summary: timingSummary(lane, now),
    last_heartbeat_at: lane.heartbeatAt,
    lease_expires_at: lane.leaseExpiresAt,
    operator_hint: operatorHint({ ...lane, reason }, now),
    log_bytes: log.bytes,
    isolation: lane.isolation,
    note: lane.note,
    waits_for: wait?.waits_for ?? null,
    held_by_lane_run_id: wait?.held_by_lane_run_id ?? null,
    waits_until: wait?.until ?? null,
  };
}

/** A run as it travels. Pure. */
export function runOnWire(run: RunRecord, lanes: readonly LaneView[], now: Date): RunView {
  return {
    id: run.id,
    source_head_sha: run.head,
    status: run.status,
    status_tone: toneOf(run.status),
    lane_count: lanes.length,
    rerun_of_run_id: run.rerunOf,
    created_at: run.createdAt,
    started_at: run.startedAt,
    finished_at: run.finishedAt,
    timing_summary: timingSummary(run, now),
    lanes: [...lanes],
    reason: run.reason,
    note: run.note,
    partial: run.partial,
  };
}
