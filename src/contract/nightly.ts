import { z } from "zod";
import { laneShape, wireId } from "./branch.ts";
import { already } from "./ci.ts";

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? null);

const nightlyShape = z.object({
  nightly_run_id: wireId,
  repo: z.string(),
  scheduled_for: z.string(),
  created_at: z.string(),
  /** The full name of a ref. */
  source_ref: z.string(),
  source_head_sha: z.string(),
  status: z.string(),
  summary: text,
  rerun_of_run_id: wireId.nullish().transform((value) => value ?? null),
  started_at: text,
  finished_at: text,
  /** Added: as in a branch's run. */
  reason: z.string().nullish(),
  note: z.string().nullish(),
});

/** `GET {P}/api/forge/nightly/:id`. */
export const nightlyAnswer = nightlyShape.extend({ lanes: z.array(laneShape) });

/** Added: `GET {P}/api/forge/nightlies?limit=&cursor=`, latest first. */
export const nightlyListAnswer = z.object({
  nightlies: z.array(nightlyShape.extend({ lane_count: z.int().nonnegative() })),
  next_cursor: z.string().nullable(),
  /** When the next one begins by itself; null where the target's manifest does not say. */
  next_scheduled_for: z.string().nullish(),
});

/** Added: `POST {P}/api/forge/nightly`. */
export const nightlyStartAnswer = z.object({
  status: z.string(),
  nightly_run_id: wireId,
  scheduled_for: z.string(),
  lane_count: z.int().nonnegative(),
});

export const nightlyRerunAnswer = z.object({
  status: z.string(),
  /** The nightly that the lane is of. */
  nightly_run_id: wireId,
  /** The new one. */
  rerun_run_id: wireId,
  already,
});

export type NightlyAnswer = z.infer<typeof nightlyAnswer>;
export type NightlyListAnswer = z.infer<typeof nightlyListAnswer>;
export type NightlyStartAnswer = z.infer<typeof nightlyStartAnswer>;
