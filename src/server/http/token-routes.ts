import type { WireAuditEntry, WireToken } from "../../contract/access.ts";
import { readPublicKey } from "../access/public-key.ts";
import { revokeTokens, tokenId, visibleTokens } from "../access/tokens.ts";
import type { AuditRecord, TokenRecord } from "../store/records.ts";
import { HttpFault } from "./fault.ts";
import type { Handlers } from "./handler.ts";

const defaultLimit = 50;

/** Who is logged in, who ends that, and who did what. */
export const tokenHandlers: Pick<Handlers, "tokens" | "revokeTokens" | "audit"> = {
  tokens({ parts, caller }) {
    const now = parts.clock.now().toISOString();
    const tokens = visibleTokens(parts.store.read, caller, now);
    return { tokens: tokens.map((token) => tokenOnWire(token, caller.tokenHash)) };
  },

  revokeTokens({ parts, caller, body }) {
    const now = parts.clock.now().toISOString();
    const revoked = parts.store.write((tx) => revokeTokens(tx, caller, body, now));
    parts.live.checkReaders();
    parts.log.info({ by: caller.npub, revoked }, "tokens revoked");
    return { status: "ok", revoked };
  },

  audit({ parts, query }) {
    const limit = query.limit ?? defaultLimit;
    const found = parts.store.read.audit({
      branch: query.branch,
      npub: query.npub === undefined ? undefined : readPublicKey(query.npub),
      action: query.action,
      before: query.cursor === undefined ? undefined : readCursor(query.cursor),
      limit: limit + 1,
    });
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      entries: page.map(auditOnWire),
      next_cursor: found.length > limit && last !== undefined ? String(last.id) : null,
    };
  },
};

function readCursor(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new HttpFault(400, "Failed to deserialize query string: cursor: not one of ours");
}

function tokenOnWire(token: TokenRecord, current: string): WireToken {
  return {
    id: tokenId(token.hash),
    npub: token.npub,
    name: token.name,
    created_at: token.createdAt,
    last_used_at: token.lastUsedAt,
    expires_at: token.expiresAt,
    current: token.hash === current,
  };
}

function auditOnWire(act: AuditRecord): WireAuditEntry {
  return {
    id: act.id,
    at: act.at,
    npub: act.npub,
    name: act.name,
    action: act.action,
    branch_id: act.branchId,
    branch_name: act.branchName,
    run_id: act.runId,
    lane_run_id: act.laneRunId,
    head_sha: act.head,
    subject: act.subject,
    result: act.result,
    detail: act.detail,
  };
}
