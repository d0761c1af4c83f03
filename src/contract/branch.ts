import { z } from "zod";

/** An id on the wire: a signed 64-bit integer; ours stay within what JSON numbers hold exactly. */
export const wireId = z.int();
const nullable = <T extends z.ZodType>(type: T) => type.nullish().transform((v) => v ?? null);
const text = nullable(z.string());

export const laneShape = z.object({
  /** The lane run's id, used in the paths of lane operations. */
  id: wireId,
  lane_id: z.string(),
  title: z.string(),
  entrypoint: z.string(),
  status: z.string(),
  status_tone: text,
  status_badge_class: text,
  is_failed: nullable(z.boolean()),
  execution_reason: z.string().default("queued"),
  execution_reason_label: text,
  failure_kind: text,
  failure_kind_label: text,
  pikaci_run_id: text,
  pikaci_target_id: text,
  ci_target_key: text,
  log_text: text,
  retry_count: z.int(),
  rerun_of_lane_run_id: nullable(wireId),
  created_at: z.string(),
  started_at: text,
  finished_at: text,
  timing_summary: text,
  last_heartbeat_at: text,
  lease_expires_at: text,
  operator_hint: text,
  /** Added: bytes of log so far, and how the lane was kept apart from the machine. */
  log_bytes: z.int().nonnegative().optional(),
  isolation: z.string().nullish(),
  /** Added: one line on how it ended, such as `exit code 1`. */
  note: z.string().nullish(),
  /** Added, of a waiting lane: what it waits for, which lane has that, and until when at the latest. */
  waits_for: z.string().nullish(),
  held_by_lane_run_id: wireId.nullish(),
  waits_until: z.string().nullish(),
});

export const runShape = z.object({
  id: wireId,
  source_head_sha: z.string(),
  status: z.string(),
  status_tone: text,
  lane_count: z.int().nonnegative(),
  rerun_of_run_id: nullable(wireId),
  created_at: z.string(),
  started_at: text,
  finished_at: text,
  timing_summary: text,
  lanes: z.array(laneShape),
  /** Added: `nothing_selected`, `manifest_missing`, `manifest_broken`, `superseded`. */
  reason: z.string().nullish(),
  /** Added: the run's own words, such as the line of a broken manifest. */
  note: z.string().nullish(),
  /** Added: true where the run holds only some of the head's lanes again. */
  partial: z.boolean().optional(),
});

export const branchShape = z.object({
  branch_id: wireId,
  repo: z.string(),
  branch_name: z.string(),
  title: z.string(),
  branch_state: z.string(),
  updated_at: z.string(),
  target_branch: z.string(),
  head_sha: z.string(),
  merge_base_sha: z.string(),
  merge_commit_sha: text,
  tutorial_status: z.string(),
  ci_status: z.string(),
  error_message: text,
  /** Added: what keeps the forge from treating this branch normally. */
  problem: z.string().nullish(),
  /** Added: npub of who merged or closed it; null where the ref vanished. */
  merged_by: z.string().nullish(),
  closed_by: z.string().nullish(),
  /** Added: whose key pushed the head, with its name; null where the push did not come over SSH. */
  pushed_by: z.string().nullish(),
  pushed_by_name: z.string().nullish(),
  /** Added, in a merged branch's detail: whether the forge's mirror has the merge. Absent: no mirror. */
  mirror: z
    .object({ state: z.enum(["seen", "not_seen", "unknown"]), checked_at: z.string().nullable() })
    .optional(),
  /**
   * Added, in a green open branch's detail: the target's lanes that its head removes or changes. Then
   * a merge is refused with `ci_changed`. Absent: none, or the owner allows it.
   */
  changed_lanes: z.array(z.string()).optional(),
});

export const resolveAnswer = z.object({
  branch_id: wireId,
  repo: z.string(),
  branch_name: z.string(),
  branch_state: z.string(),
});

export const detailAnswer = z.object({ branch: branchShape, ci_runs: z.array(runShape) });

export const logsAnswer = z.object({
  branch_id: wireId,
  branch_name: z.string(),
  run_id: wireId,
  lane: laneShape,
  pikaci_run: z.unknown().nullish(),
  pikaci_log_metadata: z.unknown().nullish(),
  pikaci_prepared_outputs: z.unknown().nullish(),
});

/** Added: `GET {P}/api/forge/branches?state=&limit=&cursor=`, newest change first. */
export const branchListAnswer = z.object({
  branches: z.array(branchShape),
  next_cursor: z.string().nullable(),
});

/** Added: a byte range of a lane's log, also while it runs. */
export const laneLogAnswer = z.object({
  lane_run_id: wireId,
  lane_id: z.string(),
  run_id: wireId,
  branch_id: wireId.nullable(),
  status: z.string(),
  offset: z.int().nonnegative(),
  /** Where to ask on: counted in bytes of the log, which `text` may not have if it is no UTF-8. */
  next_offset: z.int().nonnegative().optional(),
  total_bytes: z.int().nonnegative(),
  text: z.string(),
});

/** All keys optional: the reference sends none. */
export const mergeRequest = z.object({
  head_sha: z.string().optional(),
  force: z.boolean().optional(),
  reason: z.string().max(2000).optional(),
});

export const closeRequest = z.object({
  head_sha: z.string().optional(),
  reason: z.string().max(2000).optional(),
});

export const mergeAnswer = z.object({
  status: z.string(),
  branch_id: wireId,
  merge_commit_sha: text,
  deleted: nullable(z.boolean()),
});
export const closeAnswer = mergeAnswer;

/** Added: a review tutorial from whoever wrote the branch, in the reference's document form. */
export const tutorialRequest = z.object({
  head_sha: z.string(),
  executive_summary: z.string().trim().min(1),
  media_links: z.array(z.string()).default([]),
  steps: z
    .array(
      z.object({
        title: z.string().trim().min(1),
        intent: z.string().trim().min(1),
        affected_files: z.array(z.string()).min(1),
        evidence_snippets: z.array(z.string()).min(1),
        body_markdown: z.string(),
      }),
    )
    .min(1),
});
export const tutorialAnswer = z.object({ status: z.string(), branch_id: wireId });

export type WireLane = z.infer<typeof laneShape>;
export type WireRun = z.infer<typeof runShape>;
export type DetailAnswer = z.infer<typeof detailAnswer>;
export type LogsAnswer = z.infer<typeof logsAnswer>;
export type BranchListAnswer = z.infer<typeof branchListAnswer>;
export type LaneLogAnswer = z.infer<typeof laneLogAnswer>;
export type MergeRequest = z.infer<typeof mergeRequest>;
export type MergeAnswer = z.infer<typeof mergeAnswer>;
export type CloseRequest = z.infer<typeof closeRequest>;
export type TutorialRequest = z.infer<typeof tutorialRequest>;
