import { z } from "zod";
import { branchStates } from "../domain/status.ts";

/** A whole number in a query, as the text it travels as. */
const queryInt = z
  .string()
  .regex(/^[+-]?\d{1,19}$/, "invalid digit found in string")
  .meta({ type: "integer" })
  .transform(Number);
const natural = queryInt.refine((value) => value >= 0, "must not be negative");
const atMost = (most: number) =>
  queryInt.refine((value) => value >= 1, "must be at least 1").transform((v) => Math.min(v, most));

export const resolveQuery = z.object({ branch_name: z.string() });

/** Added: `logs=none` leaves out `log_text`, which is most of a detail answer. */
export const detailQuery = z.object({ logs: z.enum(["none", "tail"]).optional() });

export const logsQuery = z.object({
  lane: z.string().optional(),
  lane_run_id: queryInt.optional(),
});

/** Bytes from `offset`; without one, the last `max_bytes`. More than a MiB is not given at once. */
export const laneLogQuery = z.object({
  offset: natural.optional(),
  max_bytes: atMost(1024 * 1024).optional(),
});

export const branchListQuery = z.object({
  state: z.enum(branchStates).optional(),
  limit: atMost(100).optional(),
  cursor: z.string().max(200).optional(),
});

export const queueQuery = z.object({
  branch_id: queryInt.optional(),
  limit: atMost(500).optional(),
});

/** `after`: the sequence number of the last event seen; without it, from now on. */
export const eventsQuery = z.object({ after: natural.optional() });
