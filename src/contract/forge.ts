import { z } from "zod";

/** Raised when client and forge could no longer understand each other's added endpoints. */
export const protocolVersion = 1;

/** Added: `GET {P}/api/forge/about`, without a token: what runs here. Holds nothing private. */
export const aboutAnswer = z.object({
  name: z.literal("forge-landing-kit"),
  version: z.string(),
  protocol: z.int(),
  /** New at each start of the forge's process. */
  instance: z.string(),
  repo: z.string(),
  target: z.string(),
  landing_rule: z.enum(["up_to_date", "queue"]),
  recovery: z.array(z.string()),
  isolation: z.string(),
  draining: z.boolean(),
  /** Why landing stands still for everybody, or null. */
  frozen: z.string().nullable(),
});
export type AboutAnswer = z.infer<typeof aboutAnswer>;

/**
 * Added: `GET {P}/api/forge/events?after=SEQ`, server-sent events. Each has `id: SEQ`,
 * `event: forge`, and this as data. The first is `hello` with the newest sequence number; a
 * client that reconnects with `after` or `Last-Event-ID` gets everything later, in order.
 * Where the wanted number is older than what is kept, the first event is `gap`: read state anew.
 */
export const eventKinds = [
  "hello",
  "gap",
  "branch_opened",
  "branch_moved",
  "branch_merged",
  "branch_closed",
  "branch_problem",
  "run_queued",
  "run_finished",
  "lane_claimed",
  "lane_finished",
  "lane_requeued",
  "target_moved",
  "landing_frozen",
  "landing_thawed",
  "tutorial_ready",
  "ci_target_blocked",
  "ci_target_freed",
  "ci_paused",
  "ci_resumed",
  /** Waiting lanes were told another reason; which lanes is not said, since they may be thousands. */
  "queue_changed",
] as const;
export type EventKind = (typeof eventKinds)[number];

export const eventShape = z.object({
  seq: z.int().nonnegative(),
  kind: z.string(),
  branch_id: z.int().nullable(),
  run_id: z.int().nullable(),
  lane_run_id: z.int().nullable(),
  head_sha: z.string().nullable(),
  at: z.string(),
});
export type WireEvent = z.infer<typeof eventShape>;

/** Added: `POST {P}/api/forge/target` (owner): accept or restore a target moved by hand. */
export const targetRequest = z.object({ action: z.enum(["accept", "restore"]) });
export const targetAnswer = z.object({ status: z.string(), target_sha: z.string() });

export const drainAnswer = z.object({ status: z.string(), running: z.int().nonnegative() });
