import { z } from "zod";
import { branchStates } from "../domain/status.ts";

const digits = (text: string) => BigInt(/^[+-]?\d{1,19}$/.test(text) ? text.replace("+", "") : 0);

/** A signed 64-bit number in a query, as the text it travels as. */
const queryInt = z
  .string()
  .regex(/^[+-]?\d{1,19}$/, "invalid digit found in string")
  .refine((text) => BigInt.asIntN(64, digits(text)) === digits(text), "number out of range")
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

/** `cursor`: the `scheduled_for` of the last one seen. */
export const nightlyListQuery = z.object({
  limit: atMost(100).optional(),
  cursor: z.iso.datetime().optional(),
});

/** `own_branch`: a name; its open record's lanes are shown before others where there is no room. */
export const queueQuery = z.object({
  branch_id: queryInt.optional(),
  own_branch: z.string().max(1000).optional(),
  limit: natural.transform((value) => Math.min(value, 500)).optional(),
});

/** `for`: a landing that looks whether it may go on; the audit trail has such wakes but rarely. */
export const wakeQuery = z.object({ for: z.enum(["landing"]).optional() });

/** `after`: the sequence number of the last event seen; without it, from now on. */
export const eventsQuery = z.object({ after: natural.optional() });

/** `branch`: a name, or the id of one of its records. */
export const auditQuery = z.object({
  branch: z.string().max(1000).optional(),
  npub: z.string().max(200).optional(),
  action: z.string().max(100).optional(),
  limit: atMost(200).optional(),
  cursor: z.string().max(200).optional(),
});

/** Pages before the first are the first. */
export const inboxQuery = z.object({ page: queryInt.optional() });
