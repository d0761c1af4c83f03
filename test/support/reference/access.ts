import { randomBytes } from "node:crypto";
import { decode, npubEncode, nsecEncode } from "nostr-tools/nip19";
import { type Event, generateSecretKey, getPublicKey, verifyEvent } from "nostr-tools/pure";
import type { Core } from "./core.ts";
import { backfill } from "./inbox.ts";
import { refuse } from "./refusal.ts";
import type { AllowRow, Key } from "./types.ts";

const challengeMs = 120_000;
const tokenMs = 90 * 24 * 3600 * 1000;

export function newKey(): Key {
  const secret = generateSecretKey();
  const hex = getPublicKey(secret);
  return { nsec: nsecEncode(secret), npub: npubEncode(hex), hex };
}

export interface Rights {
  readonly npub: string;
  readonly isAdmin: boolean;
  readonly canChat: boolean;
  readonly canForgeWrite: boolean;
}

/** What a key may do right now; looked up anew at every request. */
export function rightsOf(core: Core, npub: string): Rights {
  const row = core.allow.get(npub);
  const isAdmin = core.admins.includes(npub);
  const configured = core.revision === "seed" && core.legacyAllowed.includes(npub);
  return {
    npub,
    isAdmin,
    canChat: isAdmin || configured || row?.active === true,
    canForgeWrite: isAdmin || configured || row?.canForgeWrite === true,
  };
}

export type GuardName = "none" | "token" | "inbox" | "chat" | "trusted" | "admin";

/** Lets a request through, or refuses it as sections 1.6 and 1.7 say. */
export function admit(core: Core, guard: GuardName, header: string | undefined): Rights | null {
  if (guard === "none") return null;
  const token = header?.startsWith("Bearer ") ? header.slice("Bearer ".length) : undefined;
  if (token === undefined) throw refuse(401, "missing auth token");
  countDown(core);
  const row = core.tokens.get(token);
  if (row === undefined || row.createdAt <= core.clock.now() - tokenMs) {
    throw refuse(401, "invalid or expired token");
  }
  const rights = rightsOf(core, row.npub);
  if (guard === "chat" && !rights.canChat) throw refuse(403, "chat access revoked");
  if (guard === "inbox") {
    if (core.revision === "seed" && !rights.canChat) throw refuse(403, "chat access revoked");
    if (!rights.canChat && !rights.canForgeWrite) throw refuse(403, "inbox access revoked");
  }
  if (guard === "trusted" && !rights.canForgeWrite) {
    throw refuse(403, "trusted contributor access required");
  }
  if (guard === "admin" && !rights.isAdmin) throw refuse(403, "admin access required");
  return rights;
}

function countDown(core: Core): void {
  const left = core.faults.expireTokensAfter;
  if (left === null) return;
  if (left > 0) core.faults.expireTokensAfter = left - 1;
  else {
    core.faults.expireTokensAfter = null;
    expireTokens(core);
  }
}

/** Every token is as old as it may not be. */
export function expireTokens(core: Core): void {
  for (const row of core.tokens.values()) row.createdAt = core.clock.now() - tokenMs;
}

function enabled(core: Core): void {
  const rows = [...core.allow.values()].some((row) => row.active || row.canForgeWrite);
  const configured = core.admins.length > 0;
  const legacy = core.revision === "seed" && core.legacyAllowed.length > 0;
  if (!rows && !configured && !legacy) throw refuse(403, "auth not enabled");
}

/** Expired challenges are swept here and nowhere else. */
export function challenge(core: Core): { challenge: string } {
  enabled(core);
  const now = core.clock.now();
  for (const [value, made] of core.challenges) {
    if (made + challengeMs <= now) core.challenges.delete(value);
  }
  const value = randomBytes(16).toString("hex");
  core.challenges.set(value, now);
  return { challenge: value };
}

/** The six checks of 1.3 in their order; `u`, `method` and `created_at` are not among them. */
export function verify(core: Core, text: string) {
  enabled(core);
  const event = eventOf(text);
  let signed = false;
  try {
    signed = verifyEvent(event);
  } catch {
    signed = false;
  }
  if (!signed) throw refuse(401, "invalid signature: malformed signature");
  if (event.kind !== 27235) throw refuse(401, `expected kind 27235, got ${event.kind}`);
  if (!core.challenges.delete(event.content)) {
    throw refuse(401, "challenge nonce not found or expired");
  }
  const rights = rightsOf(core, npubEncode(event.pubkey));
  if (!rights.canChat && !rights.canForgeWrite) throw refuse(401, "pubkey not authorized");
  if (core.faults.failTokenStorage > 0) {
    core.faults.failTokenStorage -= 1;
    throw refuse(401, "failed to persist token: database is locked");
  }
  const token = randomBytes(32).toString("hex");
  core.tokens.set(token, { npub: rights.npub, createdAt: core.clock.now() });
  backfill(core, rights.npub);
  return {
    token,
    npub: rights.npub,
    is_admin: rights.isAdmin,
    can_forge_write: rights.canForgeWrite,
  };
}

function eventOf(text: string): Event {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw refuse(401, `invalid event JSON: ${(error as Error).message}`);
  }
  const event = value as Partial<Event> | null;
  const strings = [event?.id, event?.pubkey, event?.sig, event?.content];
  const whole =
    strings.every((one) => typeof one === "string") &&
    Number.isInteger(event?.kind) &&
    Number.isInteger(event?.created_at) &&
    Array.isArray(event?.tags);
  if (!whole) throw refuse(401, "invalid event JSON: missing field");
  return event as Event;
}

/** An npub or hex key in its normal form: lower-case npub. Throws 400 for neither. */
export function normalNpub(text: string): string {
  const given = text.trim();
  try {
    if (/^[0-9a-f]{64}$/i.test(given)) return npubEncode(given.toLowerCase());
    const decoded = decode(given.toLowerCase());
    if (decoded.type === "npub") return npubEncode(decoded.data);
  } catch {
    // Told below.
  }
  throw refuse(400, "invalid nostr public key: not an npub and not hex");
}

/** Adds or changes a row; answers it and how many inbox rows were filled in. */
export function upsertAllow(
  core: Core,
  row: { npub: string; active: boolean; canForgeWrite: boolean; note: string | null },
  by: string,
): { row: AllowRow; backfilled: number } {
  const before = core.allow.get(row.npub);
  const made: AllowRow = { ...row, updatedBy: by, updatedAt: core.clock.now() };
  core.allow.set(row.npub, made);
  const state = row.active ? "active" : "inactive";
  const kind = row.canForgeWrite ? "forge_writer" : "chat_only";
  core.audit.push({ action: `upsert_${state}_${kind}`, npub: row.npub, by });
  const effective = (one: AllowRow | undefined) =>
    one !== undefined && (one.active || (core.revision === "head" && one.canForgeWrite));
  const begins = effective(made) && !effective(before);
  return { row: made, backfilled: begins ? backfill(core, row.npub) : 0 };
}
