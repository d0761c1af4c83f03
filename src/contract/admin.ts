import { z } from "zod";

const text = z.string().nullable();

const part = z.object({
  state: z.string(),
  last_checked_at: text,
  last_activity_at: text,
  last_error_at: text,
  summary: text,
});

/** One push of the mirror, as the reference keeps them. */
const mirrorRunShape = z.object({
  id: z.int(),
  remote_name: z.string(),
  trigger_source: z.string(),
  status: z.string(),
  failure_kind: text,
  local_default_head: text,
  remote_default_head: text,
  lagging_ref_count: z.int().nullable(),
  synced_ref_count: z.int().nullable(),
  error_text: text,
  created_at: z.string(),
  finished_at: z.string(),
  /** Added: full names of the first few refs that lag. */
  lagging_refs: z.array(z.string()).optional(),
});

const mirrorRuntimeShape = z.object({
  configured: z.boolean(),
  remote_name: text,
  background_enabled: z.boolean(),
  background_interval_secs: z.int().nullable(),
  timeout_secs: z.int().nullable(),
  /** The variable that the token comes from; empty where none is named. */
  github_token_env: z.string(),
  active_run: z
    .object({
      state: z.string(),
      pid: z.int().nullable(),
      trigger_source: text,
      operation: text,
      started_at: text,
      age_secs: z.int().nullable(),
    })
    .nullable(),
});

const mirrorStatusShape = z.object({
  remote_name: z.string(),
  last_attempt: mirrorRunShape.nullable(),
  last_success_at: text,
  last_failure_at: text,
  consecutive_failure_count: z.int().nonnegative(),
  current_lagging_ref_count: z.int().nullable(),
  current_failure_kind: text,
});

/** `GET {P}/api/admin/forge-status` (owner). */
export const forgeStatusAnswer = z.object({
  forge_health: z.object({
    enabled: z.boolean(),
    issues: z.array(z.object({ severity: z.string(), code: z.string(), message: z.string() })),
    poller: part,
    generation_worker: part,
    ci: part,
    mirror: z.object({
      state: z.string(),
      background_enabled: z.boolean(),
      background_interval_secs: z.int().nullable(),
      last_success_at: text,
      last_failure_at: text,
      summary: text,
    }),
  }),
  mirror_runtime: mirrorRuntimeShape,
  mirror_status: mirrorStatusShape.nullable(),
  mirror_history: z.array(mirrorRunShape),
});

/** `POST {P}/api/admin/mirror/sync` (owner); 409 where no mirror is configured or one runs. */
export const mirrorSyncAnswer = z.object({
  attempted: z.boolean(),
  status: z.enum(["success", "failed"]),
  lagging_ref_count: z.int().nullable(),
});

export type ForgeStatusAnswer = z.infer<typeof forgeStatusAnswer>;
export type MirrorRun = z.infer<typeof mirrorRunShape>;
export type MirrorRuntime = z.infer<typeof mirrorRuntimeShape>;
export type MirrorStatus = z.infer<typeof mirrorStatusShape>;
export type MirrorSyncAnswer = z.infer<typeof mirrorSyncAnswer>;
