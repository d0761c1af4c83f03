import { z } from "zod";
import { wireId } from "./branch.ts";

/** `/news` has the keys that are `null` for a branch, `/git` those of the review. */
const inboxItem = z.object({
  /** The branch's id. */
  review_id: wireId,
  branch_id: wireId,
  pr_id: z.null().optional(),
  repo: z.string(),
  branch_name: z.string(),
  pr_number: z.null().optional(),
  title: z.string(),
  url: z.null().optional(),
  state: z.string(),
  updated_at: z.string(),
  generation_status: z.string(),
  reason: z.string(),
  inbox_created_at: z.string(),
  needs_review: z.boolean().optional(),
  last_reviewed_at: z.string().nullish(),
});

/** `GET {P}/api/inbox?page=`: fifty a page. */
export const inboxAnswer = z.object({
  items: z.array(inboxItem),
  total: z.int().nonnegative(),
  /** At `/git` alone. */
  review_needed: z.int().nonnegative().optional(),
  page: z.int().positive(),
});

export const inboxCountAnswer = z.object({ count: z.int().nonnegative() });

/** `pr_ids` counts only where `branch_ids` is absent, and names nothing here. */
export const inboxDismissRequest = z.object({
  branch_ids: z.array(wireId).max(10_000).nullish(),
  pr_ids: z.array(wireId).max(10_000).nullish(),
  all: z.boolean().nullish(),
});
export const inboxDismissAnswer = z.object({ dismissed: z.int().nonnegative() });

export const inboxNeighborsAnswer = z.object({
  prev: wireId.nullable(),
  next: wireId.nullable(),
  /** From 1, in the order of the list. */
  position: z.int().positive(),
  total: z.int().positive(),
});

export const inboxReviewedAnswer = z.object({ marked: z.int().min(0).max(1) });

export type InboxItem = z.infer<typeof inboxItem>;
export type InboxAnswer = z.infer<typeof inboxAnswer>;
