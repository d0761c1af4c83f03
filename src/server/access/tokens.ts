import type { TokenRevokeRequest } from "../../contract/access.ts";
import { RefusedError } from "../refused.ts";
import type { TokenRecord } from "../store/records.ts";
import type { Reads, Writes } from "../store/store.ts";
import { readPublicKey } from "./public-key.ts";
import type { Caller } from "./rights.ts";

/** What names a token: too little of its hash to find it by, enough to tell tokens apart. */
export function tokenId(hash: string): string {
  return hash.slice(0, 16);
}

/** The live tokens that a caller may see and end: its own, or to the owner all. */
export function visibleTokens(
  read: Pick<Reads, "tokens">,
  caller: Caller,
  now: string,
): readonly TokenRecord[] {
  return read.tokens(caller.rights.admin ? null : caller.npub, now);
}

/**
 * Ends tokens and answers how many. To be called in a write. Throws RefusedError 404 for a token
 * that the caller does not see, 403 for another's key.
 */
export function revokeTokens(
  tx: Writes,
  caller: Caller,
  wanted: TokenRevokeRequest,
  now: string,
): number {
  const { subject, revoked } = revoke(tx, caller, wanted, now);
  tx.addAudit({
    npub: caller.npub,
    action: "token_revoked",
    subject,
    detail: `${revoked} ended`,
  });
  return revoked;
}

function revoke(
  tx: Writes,
  caller: Caller,
  wanted: TokenRevokeRequest,
  now: string,
): { subject: string; revoked: number } {
  const { admin } = caller.rights;
  if (wanted.id !== undefined) {
    const found = visibleTokens(tx, caller, now).find(({ hash }) => tokenId(hash) === wanted.id);
    if (found === undefined) throw new RefusedError(404, "token not found");
    return { subject: wanted.id, revoked: tx.removeToken(found.hash) ? 1 : 0 };
  }
  if (wanted.npub !== undefined) {
    const npub = readPublicKey(wanted.npub);
    if (npub !== caller.npub && !admin) {
      throw new RefusedError(403, "only the owner ends the tokens of another key");
    }
    return { subject: npub, revoked: tx.removeTokens(npub) };
  }
  return { subject: "all", revoked: tx.removeTokens(admin ? null : caller.npub) };
}
