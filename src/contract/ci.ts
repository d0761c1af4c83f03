import { z } from "zod";
import { wireId } from "./branch.ts";

/** Added: `GET {P}/api/forge/ci/queue?branch_id=&limit=`. */
export const queueAnswer = z.object({
  running: z.int().nonnegative(),
  waiting: z.int().nonnegative(),
  limit: z.int().nonnegative().nullable(),
  frozen: z.string().nullable(),
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
      since: z.string(),
    }),
  ),
});

export const wakeAnswer = z.object({ status: z.string(), message: z.string() });

export const webhookAnswer = z.object({ status: z.string() });

export const rerunAnswer = z.object({
  status: z.string(),
  branch_id: wireId,
  rerun_suite_id: wireId,
});

export const laneActionAnswer = z.object({
  status: z.string(),
  branch_id: wireId.nullish(),
  nightly_run_id: wireId.nullish(),
  lane_run_id: wireId,
  lane_status: z.string(),
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
