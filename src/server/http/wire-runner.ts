import { paths } from "../../contract/paths.ts";
import type { RunnerLogMetadata, RunnerRun } from "../../contract/runner.ts";
import type { LaneStatus } from "../../domain/status.ts";
import type { LaneRecord } from "../store/records.ts";

const statuses: Readonly<Record<LaneStatus, string>> = {
  queued: "running",
  running: "running",
  success: "passed",
  failed: "failed",
  skipped: "skipped",
};

/** What a lane's record is told as, beside the lane itself. */
export interface RunnerFacts {
  /** The lane's time-out, in seconds. */
  readonly timeoutSeconds: number;
}

/**
 * The runner's run behind a lane, as far as the forge knows it. Nothing of it is read by the
 * runner's id, and no path of this machine is told: a log's path is that of the forge's own
 * endpoint, below the prefix. Pure.
 */
export function runnerRunOf(lane: LaneRecord, runId: string, facts: RunnerFacts): RunnerRun {
  const status = statuses[lane.status];
  return {
    run_id: runId,
    status,
    rerun_of: null,
    target_id: lane.executorTargetId,
    target_description: lane.title === "" ? null : lane.title,
    source_root: "",
    snapshot_dir: "",
    git_head: lane.head,
    git_dirty: false,
    created_at: lane.startedAt ?? lane.createdAt,
    finished_at: lane.finishedAt,
    ...nothingPrepared,
    changed_files: [],
    filters: [],
    message: lane.note,
    prepare_timings: [],
    jobs: [
      {
        id: lane.lane,
        description: lane.title,
        status,
        executor: "forge",
        placement: null,
        runtime: lane.isolation,
        plan_node_id: null,
        timeout_secs: Math.ceil(facts.timeoutSeconds),
        ...logPathsOf(lane),
        started_at: lane.startedAt ?? lane.createdAt,
        finished_at: lane.finishedAt,
        exit_code: null,
        message: lane.note,
        pre_execution_prepare_duration_ms: null,
        remote_linux_vm_execution: null,
      },
    ],
  };
}

export function runnerLogMetadataOf(
  lane: LaneRecord,
  runId: string,
  logBytes: number,
): RunnerLogMetadata {
  return {
    run_id: runId,
    status: statuses[lane.status],
    jobs: [
      {
        id: lane.lane,
        ...logPathsOf(lane),
        host_log_exists: logBytes > 0,
        guest_log_exists: false,
      },
    ],
  };
}

function logPathsOf(lane: LaneRecord) {
  return { host_log_path: paths.laneLog(lane.id), guest_log_path: "" };
}

const nothingPrepared = {
  plan_path: null,
  prepared_outputs_path: null,
  prepared_output_consumer: null,
  prepared_output_mode: null,
  prepared_output_invocation_mode: null,
  prepared_output_invocation_wrapper_program: null,
  prepared_output_launcher_transport_mode: null,
  prepared_output_launcher_transport_program: null,
  prepared_output_launcher_transport_host: null,
  prepared_output_launcher_transport_remote_launcher_program: null,
  prepared_output_launcher_transport_remote_helper_program: null,
  prepared_output_launcher_transport_remote_work_dir: null,
} as const;
