import { z } from "zod";

/** What a key is: the owner's, an agent's (each of them may have its own), a team member's. */
const keyKinds = ["owner", "agent", "member"] as const;
export type KeyKind = (typeof keyKinds)[number];

/** An npub, or the same key as 64 hex digits. */
const publicKey = z.string().max(200);
const keyName = z
  .string()
  .trim()
  .min(1)
  .max(64)
  .regex(/^[\p{L}\p{N}][\p{L}\p{N} ._@-]*$/u, "letters, digits, spaces and . _ @ - only");
const note = z
  .string()
  .max(500)
  .regex(/^\P{Cc}*$/u, "no control characters")
  .nullish();

const allowlistEntry = z.object({
  npub: z.string(),
  active: z.boolean(),
  can_forge_write: z.boolean(),
  note: z.string().nullable(),
  updated_by: z.string(),
  updated_at: z.string(),
  /** Added. */
  name: z.string().optional(),
  kind: z.string().optional(),
});

/** `GET {P}/api/admin/allowlist` (owner): the keys that the configuration does not name. */
export const allowlistAnswer = z.object({
  bootstrap_admin_npubs: z.array(z.string()),
  /** At `/news` alone, and always empty. */
  legacy_allowed_npubs: z.array(z.string()).optional(),
  entries: z.array(allowlistEntry),
});

/** `can_forge_write` absent: an existing key keeps what it has, a new one only reads. */
export const allowlistRequest = z.object({
  npub: publicKey,
  active: z.boolean(),
  can_forge_write: z.boolean().optional(),
  note,
});
export const allowlistChangeAnswer = z.object({
  entry: allowlistEntry,
  backfilled: z.int().nonnegative(),
});

const keyShape = z.object({
  npub: z.string(),
  name: z.string(),
  kind: z.string(),
  active: z.boolean(),
  is_admin: z.boolean(),
  can_forge_write: z.boolean(),
  note: z.string().nullable(),
  /** npub of the owner's key that let it in; null for the keys of the configuration. */
  approved_by: z.string().nullable(),
  created_at: z.string(),
  updated_at: z.string(),
});

/** Added: `GET {P}/api/admin/keys` (owner): every key there is, also deactivated ones. */
export const keysAnswer = z.object({ keys: z.array(keyShape) });

/**
 * Added: `POST {P}/api/admin/keys` (owner): lets a named key in, or changes one. Absent keys keep
 * what is there; a new key is an agent's, active, and may land. A name belongs to one active key.
 */
export const keyRequest = z.object({
  npub: publicKey,
  name: keyName,
  kind: z.enum(["agent", "member"]).optional(),
  active: z.boolean().optional(),
  can_forge_write: z.boolean().optional(),
  note,
});
export const keyAnswer = z.object({ status: z.string(), key: keyShape });

export const tokenShape = z.object({
  /** The first 16 hex digits of the token's SHA-256: names it, and lets nobody in. */
  id: z.string(),
  npub: z.string(),
  name: z.string().nullable(),
  created_at: z.string().nullable(),
  /** Exact to ten minutes. */
  last_used_at: z.string().nullable(),
  expires_at: z.string(),
  /** The token of this very request. */
  current: z.boolean(),
});

/** Added: `GET {P}/api/forge/tokens`: the caller's own live tokens; the owner's key sees all. */
export const tokensAnswer = z.object({ tokens: z.array(tokenShape) });

/** Added: exactly one of the three. `all`: every token that the caller's list shows. */
export const tokenRevokeRequest = z
  .object({
    id: z
      .string()
      .regex(/^[0-9a-f]{16}$/, "16 hex digits")
      .optional(),
    npub: publicKey.optional(),
    all: z.literal(true).optional(),
  })
  .refine(
    (body) => Object.values(body).filter((value) => value !== undefined).length === 1,
    "give exactly one of id, npub, all",
  );
export const tokenRevokeAnswer = z.object({
  status: z.string(),
  revoked: z.int().nonnegative(),
});

const auditEntry = z.object({
  id: z.int(),
  at: z.string(),
  /** Null where the forge itself acted. */
  npub: z.string().nullable(),
  /** The key's name when it acted. */
  name: z.string().nullable(),
  action: z.string(),
  branch_id: z.int().nullable(),
  branch_name: z.string().nullable(),
  run_id: z.int().nullable(),
  lane_run_id: z.int().nullable(),
  head_sha: z.string().nullable(),
  /** What else was acted on: another key's npub, a token's id. */
  subject: z.string().nullable(),
  /** `ok` or `refused`. */
  result: z.string(),
  detail: z.string().nullable(),
});

/** Added: `GET {P}/api/forge/audit`: who did what, newest first. */
export const auditAnswer = z.object({
  entries: z.array(auditEntry),
  next_cursor: z.string().nullable(),
});

export type AllowlistAnswer = z.infer<typeof allowlistAnswer>;
export type AllowlistEntry = z.infer<typeof allowlistEntry>;
export type AllowlistRequest = z.infer<typeof allowlistRequest>;
export type WireKey = z.infer<typeof keyShape>;
export type KeyRequest = z.infer<typeof keyRequest>;
export type WireToken = z.infer<typeof tokenShape>;
export type TokenRevokeRequest = z.infer<typeof tokenRevokeRequest>;
export type WireAuditEntry = z.infer<typeof auditEntry>;
export type AuditAnswer = z.infer<typeof auditAnswer>;
