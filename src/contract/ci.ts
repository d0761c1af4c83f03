import { z } from "zod";
import { wireId } from "./branch.ts";

/**
 * Added: `GET {P}/api/forge/ci/queue?branch_id=&own_branch=&limit=`. Without a limit the lanes take
 * no more bytes than an agent reads; `matching` counts all that were asked for. A limit of 0 asks how
 * things stand (`running`, `waiting`, `limit`, `frozen`, `target_note`): the queue is not read then,
 * and there are neither lanes nor reasons. Estimates look up the history of the first 300 lane names
 * in the queue's order; lanes of further names are told as without history.
 */
export const queueAnswer = z.object({
  running: z.int().nonnegative(),
  waiting: z.int().nonnegative(),
  limit: z.int().nonnegative().nullable(),
  frozen: z.string().nullable(),
  /** What to know of the forge: its disk is full; or of the target: landing stopped by a mirror, or a tip that was imported untested. */
  target_note: z.string().nullish(),
  /** Lanes, running or waiting, of the branch that was asked for; of all where none was. */
  matching: z.int().nonnegative().optional(),
  /** How many lanes wait for which reason, in all. */
  waiting_by_reason: z.record(z.string(), z.int().positive()).optional(),
  lanes: z.array(
    z.object({
      branch_id: wireId.nullable(),
      branch_name: z.string().nullable(),
      lane_run_id: wireId,
      lane_id: z.string(),
      status: z.string(),
      reason: z.string(),
      place: z.int().positive().nullable(),
      waits_for: z.string().nullable(),
      /** The lane that has what this one waits for, or will have it before. */
      held_by_lane_run_id: wireId.nullish(),
      since: z.string(),
      /** When what it waits for ends at the latest; null: nobody knows. */
      until: z.string().nullish(),
      /** From history; null where there is none. */
      starts_in_seconds: z.int().nonnegative().nullish(),
      ends_in_seconds: z.int().nonnegative().nullish(),
      /** The same in words, or why there is none. */
      estimate: z.string().nullish(),
    }),
  ),
});

export const wakeAnswer = z.object({ status: z.string(), message: z.string() });

/** Added: `POST {P}/api/forge/ci/pause`. A second pause keeps the first one's author and time. */
export const pauseAnswer = z.object({
  status: z.literal("paused"),
  by: z.string(),
  since: z.string(),
  /** Lanes that go on. */
  running: z.int().nonnegative(),
  waiting: z.int().nonnegative(),
});

/** Added: `POST {P}/api/forge/ci/resume`. */
export const resumeAnswer = z.object({
  status: z.literal("running"),
  /** False: there was no pause. */
  changed: z.boolean(),
  waiting: z.int().nonnegative(),
});

/** Added: `POST {P}/api/forge/ci/health/reset`. `target`: a lane's `ci_target_key`. */
export const resetHealthRequest = z.object({ target: z.string().min(1).max(500) });
export const resetHealthAnswer = z.object({
  status: z.literal("ok"),
  target: z.string(),
  /** False: it was held healthy already. */
  changed: z.boolean(),
});

export const webhookAnswer = z.object({ status: z.string() });

/** Added: true where that was done or asked for before, so that nothing was changed now. */
export const already = z.boolean().optional();

export const rerunAnswer = z.object({
  status: z.string(),
  branch_id: wireId,
  rerun_suite_id: wireId,
  already,
});

export const laneActionAnswer = z.object({
  status: z.string(),
  branch_id: wireId.nullish(),
  nightly_run_id: wireId.nullish(),
  lane_run_id: wireId,
  lane_status: z.string(),
  already,
});

/** Added: `POST {P}/branch/:id/ci/cancel`, `…/cancel-run/:run_id` and `{P}/nightly/:id/cancel`. */
export const cancelRunAnswer = z.object({
  status: z.literal("ok"),
  branch_id: wireId.nullable(),
  /** Null where all of a branch's runs were meant. */
  run_id: wireId.nullable(),
  nightly_run_id: wireId.nullable(),
  /** 0: all had ended before. */
  cancelled_lane_count: z.int().nonnegative(),
});

export const recoverAnswer = z.object({
  status: z.string(),
  branch_id: wireId.nullish(),
  run_id: wireId.nullish(),
  nightly_run_id: wireId.nullish(),
  recovered_lane_count: z.int().nonnegative(),
});

export type QueueAnswer = z.infer<typeof queueAnswer>;
export type RerunAnswer = z.infer<typeof rerunAnswer>;
export type LaneActionAnswer = z.infer<typeof laneActionAnswer>;
export type RecoverAnswer = z.infer<typeof recoverAnswer>;
