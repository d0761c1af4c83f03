import { z } from "zod";

const text = z.string().nullable();

const jobRecord = z.object({
  id: z.string(),
  description: z.string(),
  status: z.string(),
  executor: z.string(),
  placement: text,
  runtime: text,
  plan_node_id: text,
  timeout_secs: z.int().nonnegative(),
  host_log_path: z.string(),
  guest_log_path: z.string(),
  started_at: z.string(),
  finished_at: text,
  exit_code: z.int().nullable(),
  message: text,
  pre_execution_prepare_duration_ms: z.int().nullable(),
  remote_linux_vm_execution: z.unknown().nullable(),
});

/** What is known of an external runner's run: `GET {P}/api/forge/pikaci/run/:run_id`. */
export const runnerRun = z.object({
  run_id: z.string(),
  /** `running`, `passed`, `failed` or `skipped`. */
  status: z.string(),
  rerun_of: text,
  target_id: text,
  target_description: text,
  source_root: z.string(),
  snapshot_dir: z.string(),
  git_head: text,
  git_dirty: z.boolean().nullable(),
  created_at: z.string(),
  finished_at: text,
  plan_path: text,
  prepared_outputs_path: text,
  prepared_output_consumer: text,
  prepared_output_mode: text,
  prepared_output_invocation_mode: text,
  prepared_output_invocation_wrapper_program: text,
  prepared_output_launcher_transport_mode: text,
  prepared_output_launcher_transport_program: text,
  prepared_output_launcher_transport_host: text,
  prepared_output_launcher_transport_remote_launcher_program: text,
  prepared_output_launcher_transport_remote_helper_program: text,
  prepared_output_launcher_transport_remote_work_dir: text,
  changed_files: z.array(z.string()),
  filters: z.array(z.string()),
  message: text,
  prepare_timings: z.array(z.unknown()),
  jobs: z.array(jobRecord),
});

/** `kind`: which of the two logs of a job; there is one here, the host's. */
export const runnerLogsQuery = z.object({
  job: z.string().max(500).optional(),
  kind: z.enum(["host", "guest", "both"]).optional(),
});

export const runnerLogs = z.object({
  run_id: z.string(),
  /** As it was asked for. */
  job: text,
  host: text,
  guest: text,
});

export const runnerPreparedOutputs = z.object({
  run_id: z.string(),
  prepared_outputs: z.object({ schema_version: z.int(), outputs: z.array(z.unknown()) }),
});

/** What a logs answer says of the runner's logs. */
const runnerLogMetadata = z.object({
  run_id: z.string(),
  status: z.string(),
  jobs: z.array(
    z.object({
      id: z.string(),
      host_log_path: z.string(),
      guest_log_path: z.string(),
      host_log_exists: z.boolean(),
      guest_log_exists: z.boolean(),
    }),
  ),
});

export type RunnerRun = z.infer<typeof runnerRun>;
export type RunnerLogMetadata = z.infer<typeof runnerLogMetadata>;
