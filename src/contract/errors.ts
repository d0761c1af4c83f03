import { z } from "zod";

/**
 * Codes beside the message of an error answer, added to the reference's `{"error": str}`.
 * The planner decides by these alone.
 */
export const wireErrorCodes = [
  "branch_not_open",
  "branch_gone",
  "head_moved",
  "ci_not_green",
  "ci_changed",
  "target_moved",
  "target_moved_outside",
  "mirror_diverged",
  "merge_conflict",
  "force_refused",
  "unrelated_histories",
  "draining",
  /** The forge cannot write (or read) its own state, such as on a full disk. */
  "storage_failed",
] as const;
export type WireErrorCode = (typeof wireErrorCodes)[number];

export const errorAnswer = z.object({
  error: z.string(),
  code: z.string().optional(),
  /** Files of a conflict. */
  files: z.array(z.string()).optional(),
  /** What the forge has where the request named something else. */
  head_sha: z.string().optional(),
  target_sha: z.string().optional(),
  /** Lanes that a head removes or changes. */
  lanes: z.array(z.string()).optional(),
});
export type ErrorAnswer = z.infer<typeof errorAnswer>;
