import type { InboxItem } from "../../contract/inbox.ts";
import type { Prefix } from "../../contract/paths.ts";
import type { InboxRecord } from "../store/records.ts";
import { branchView, requireBranch } from "./branch-routes.ts";
import { HttpFault } from "./fault.ts";
import type { Call, Handlers } from "./handler.ts";
import { inboxOrder } from "./inbox-order.ts";
import type { Parts } from "./parts.ts";
import { prefixOf } from "./prefix-of.ts";

const pageSize = 50;
/** Pages beyond this are as empty as this one. */
const lastPage = 1_000_000;

type InboxRoutes = "inbox" | "inboxCount" | "dismissInbox" | "inboxNeighbors" | "inboxReviewed";

/** What waits for the caller's review. Each prefix answers as its revision of the reference does. */
export const inboxHandlers: Pick<Handlers, InboxRoutes> = {
  inbox(call) {
    const { c, parts, query } = call;
    const prefix = prefixOf(c);
    const rows = rowsOf(call);
    const page = Math.min(lastPage, Math.max(1, query.page ?? 1));
    const shown = rows.slice((page - 1) * pageSize, page * pageSize);
    return {
      items: shown.map((row) => itemOnWire(parts, prefix, row)),
      total: rows.length,
      ...(prefix === "/git" ? { review_needed: reviewNeeded(rows) } : {}),
      page,
    };
  },

  inboxCount(call) {
    const rows = rowsOf(call);
    return { count: prefixOf(call.c) === "/git" ? reviewNeeded(rows) : rows.length };
  },

  dismissInbox({ parts, caller, body }) {
    const ids = body.all === true ? "all" : (body.branch_ids ?? []);
    return { dismissed: parts.store.write((tx) => tx.dismissInbox(caller.npub, ids)) };
  },

  inboxNeighbors(call) {
    const rows = rowsOf(call);
    const at = rows.findIndex((row) => row.branchId === call.id("branch_id"));
    if (at === -1) throw new HttpFault(404, { error: "inbox item not found" });
    return {
      prev: rows[at - 1]?.branchId ?? null,
      next: rows[at + 1]?.branchId ?? null,
      position: at + 1,
      total: rows.length,
    };
  },

  inboxReviewed({ parts, caller, id }) {
    const branchId = id("branch_id");
    const marked = parts.store.write((tx) => tx.reviewInbox(caller.npub, branchId));
    return { marked: marked ? 1 : 0 };
  },
};

function rowsOf({ c, parts, caller }: Pick<Call<"inbox">, "c" | "parts" | "caller">) {
  return inboxOrder(prefixOf(c), parts.store.read.inbox(caller.npub));
}

function reviewNeeded(rows: readonly InboxRecord[]): number {
  return rows.filter((row) => row.needsReview).length;
}

function itemOnWire(parts: Parts, prefix: Prefix, row: InboxRecord): InboxItem {
  const branch = branchView(parts, requireBranch(parts.store.read, row.branchId));
  const shared = {
    review_id: branch.branch_id,
    branch_id: branch.branch_id,
    repo: branch.repo,
    branch_name: branch.branch_name,
    title: branch.title,
    state: branch.branch_state,
    updated_at: branch.updated_at,
    generation_status: branch.tutorial_status,
  };
  if (prefix === "/news") {
    return {
      ...shared,
      pr_id: null,
      pr_number: null,
      url: null,
      reason: "generation_ready",
      // There a new tutorial begins the wait anew.
      inbox_created_at: row.updatedAt,
    };
  }
  return {
    ...shared,
    reason: "new_commits",
    inbox_created_at: row.createdAt,
    needs_review: row.needsReview,
    last_reviewed_at: row.reviewedAt,
  };
}
