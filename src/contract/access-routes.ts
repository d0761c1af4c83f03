import * as access from "./access.ts";
import * as admin from "./admin.ts";
import * as inbox from "./inbox.ts";
import * as request from "./request.ts";
import type { Route } from "./route.ts";

/** Keys and their rights, tokens, the audit trail, the inbox, the forge's own health. */
export const accessRoutes = {
  tokens: {
    method: "get",
    paths: ["/api/forge/tokens"],
    guard: "token",
    summary: "The caller's live tokens; to the owner those of all keys.",
    answer: access.tokensAnswer,
    added: true,
  },
  revokeTokens: {
    method: "post",
    paths: ["/api/forge/tokens/revoke"],
    guard: "token",
    summary: "End one token, those of a key, or all that the caller may see.",
    body: { schema: access.tokenRevokeRequest, optional: false },
    answer: access.tokenRevokeAnswer,
    added: true,
  },
  audit: {
    method: "get",
    paths: ["/api/forge/audit"],
    guard: "reader",
    summary: "Who did what to which branch and head, newest first.",
    query: request.auditQuery,
    answer: access.auditAnswer,
    added: true,
  },
  allowlist: {
    method: "get",
    paths: ["/api/admin/allowlist"],
    guard: "owner",
    summary: "The owner's key, and the keys that were let in.",
    answer: access.allowlistAnswer,
  },
  changeAllowlist: {
    method: "post",
    paths: ["/api/admin/allowlist"],
    guard: "owner",
    summary: "Let a key in or change it; deactivating takes all of its rights at once.",
    body: { schema: access.allowlistRequest, optional: false },
    answer: access.allowlistChangeAnswer,
  },
  keys: {
    method: "get",
    paths: ["/api/admin/keys"],
    guard: "owner",
    summary: "Every key with its name, kind, rights and who approved it.",
    answer: access.keysAnswer,
    added: true,
  },
  approveKey: {
    method: "post",
    paths: ["/api/admin/keys"],
    guard: "owner",
    summary: "Let an agent's or a member's key in under a name, or change it.",
    body: { schema: access.keyRequest, optional: false },
    answer: access.keyAnswer,
    added: true,
  },
  forgeStatus: {
    method: "get",
    paths: ["/api/admin/forge-status"],
    guard: "owner",
    summary: "How ingestion, CI and the mirror do.",
    answer: admin.forgeStatusAnswer,
  },
  syncMirror: {
    method: "post",
    paths: ["/api/admin/mirror/sync"],
    guard: "owner",
    summary: "Push to the mirror now; a failed push is an answer, not an error.",
    answer: admin.mirrorSyncAnswer,
  },
  inbox: {
    method: "get",
    paths: ["/api/inbox"],
    guard: "reader",
    summary: "Branches that wait for the caller's review, fifty a page.",
    query: request.inboxQuery,
    answer: inbox.inboxAnswer,
  },
  inboxCount: {
    method: "get",
    paths: ["/api/inbox/count"],
    guard: "reader",
    summary: "How many wait.",
    answer: inbox.inboxCountAnswer,
  },
  dismissInbox: {
    method: "post",
    paths: ["/api/inbox/dismiss"],
    guard: "reader",
    summary: "Take branches out of the caller's inbox.",
    body: { schema: inbox.inboxDismissRequest, optional: false },
    answer: inbox.inboxDismissAnswer,
  },
  inboxNeighbors: {
    method: "get",
    paths: ["/api/inbox/neighbors/{branch_id}"],
    guard: "reader",
    summary: "The items before and after a branch, in the order of the list.",
    answer: inbox.inboxNeighborsAnswer,
  },
  inboxReviewed: {
    method: "post",
    paths: ["/api/inbox/reviewed/{branch_id}"],
    guard: "reader",
    summary: "Record the present tutorial of a branch as reviewed.",
    answer: inbox.inboxReviewedAnswer,
  },
} as const satisfies Record<string, Route>;
