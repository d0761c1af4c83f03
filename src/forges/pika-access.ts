import { z } from "zod";
import {
  allowlistAnswer,
  auditAnswer,
  keyAnswer,
  keysAnswer,
  tokenRevokeAnswer,
  tokensAnswer,
  type WireAuditEntry,
  type WireKey,
  type WireToken,
} from "../contract/access.ts";
import { paths } from "../contract/paths.ts";
import { isLandError, LandError } from "../domain/errors.ts";
import type { AuditEntry, ForgeAccess, LiveToken, Member } from "./forge-access.ts";
import type { PikaWire } from "./pika-wire.ts";

/** The reference has an allow list alone; of its answer to a change nothing is needed. */
const changed = z.looseObject({});

/** Who may use a forge of the pika contract: named keys where it has them, else its allow list. */
export function pikaAccess(wire: PikaWire): ForgeAccess {
  const hasKeys = async (signal: AbortSignal | undefined) =>
    (await wire.flavour(signal)).about !== undefined;
  const needsTrail = async (what: string, signal: AbortSignal | undefined) => {
    if (await hasKeys(signal)) return;
    throw new LandError("unsupported", `The forge at ${wire.http.baseUrl} does not ${what}.`, {
      state: "Nothing was changed.",
      next: "Its admins can take a key's rights (`land members deactivate`); a token there ends after 90 days.",
    });
  };
  return {
    async members(signal) {
      if (await hasKeys(signal)) {
        return (await wire.get(paths.keys(), keysAnswer, signal)).keys.map(memberOfKey);
      }
      const list = await wire.get(paths.allowlist(), allowlistAnswer, signal);
      const admins = list.bootstrap_admin_npubs.map(adminOf);
      return [...admins, ...list.entries.map(memberOfEntry)];
    },

    async approve({ npub, name, kind, canLand }, signal) {
      if (await hasKeys(signal)) {
        const body = { npub, name, kind, active: true, can_forge_write: canLand };
        await nameMayBeTaken(
          name,
          wire.post(paths.keys(), keyAnswer, { body, repeatable: true }, signal),
        );
        return;
      }
      const body = { npub, active: true, can_forge_write: canLand, note: name };
      await wire.post(paths.allowlist(), changed, { body, repeatable: true }, signal);
    },

    async deactivate({ npub, name }, signal) {
      if (await hasKeys(signal)) {
        const body = { npub, name, active: false };
        await wire.post(paths.keys(), keyAnswer, { body, repeatable: true }, signal);
        return;
      }
      // There an inactive key goes on landing unless that right is taken too.
      const body = { npub, active: false, can_forge_write: false, note: name };
      await wire.post(paths.allowlist(), changed, { body, repeatable: true }, signal);
    },

    async tokens(signal) {
      await needsTrail("list or end tokens", signal);
      return (await wire.get(paths.tokens(), tokensAnswer, signal)).tokens.map(tokenOf);
    },

    async revoke(which, signal) {
      await needsTrail("list or end tokens", signal);
      const how = { body: which, repeatable: true };
      return (await wire.post(paths.revokeTokens(), tokenRevokeAnswer, how, signal)).revoked;
    },

    async audit({ branch, npub, action, limit, cursor }, signal) {
      await needsTrail("keep an audit trail", signal);
      const query = { branch, npub, action, limit, cursor };
      const answer = await wire.get(paths.audit(), auditAnswer, signal, query);
      return { entries: answer.entries.map(entryOf), next: answer.next_cursor ?? undefined };
    },
  };
}

/** A name belongs to one active key, so that the audit trail tells agents apart. */
async function nameMayBeTaken(name: string, asked: Promise<unknown>): Promise<void> {
  try {
    await asked;
  } catch (error) {
    if (!isLandError(error) || error.facts.status !== 409) throw error;
    throw new LandError("bad_argument", `Another key is let in as ${name} already.`, {
      state: "Nothing was changed.",
      next: "Choose another name, or take that key out first (`land members deactivate`).",
      cause: error,
    });
  }
}

function memberOfKey(key: WireKey): Member {
  return {
    npub: key.npub,
    name: key.name,
    kind: key.kind,
    active: key.active,
    admin: key.is_admin,
    canLand: key.active && (key.is_admin || key.can_forge_write),
    approvedBy: key.approved_by ?? undefined,
  };
}

function adminOf(npub: string): Member {
  return {
    npub,
    name: undefined,
    kind: "owner",
    active: true,
    admin: true,
    canLand: true,
    approvedBy: undefined,
  };
}

/** An inactive key of the reference that kept its right to land is shown as what it is. */
function memberOfEntry(entry: z.infer<typeof allowlistAnswer>["entries"][number]): Member {
  return {
    npub: entry.npub,
    name: entry.name ?? entry.note ?? undefined,
    kind: entry.kind,
    active: entry.active,
    admin: false,
    canLand: entry.can_forge_write,
    approvedBy: entry.updated_by,
  };
}

function tokenOf(token: WireToken): LiveToken {
  return {
    id: token.id,
    npub: token.npub,
    name: token.name ?? undefined,
    createdAt: token.created_at ?? undefined,
    lastUsedAt: token.last_used_at ?? undefined,
    expiresAt: token.expires_at,
    current: token.current,
  };
}

function entryOf(entry: WireAuditEntry): AuditEntry {
  return {
    at: entry.at,
    npub: entry.npub ?? undefined,
    name: entry.name ?? undefined,
    action: entry.action,
    branchId: entry.branch_id === null ? undefined : String(entry.branch_id),
    branch: entry.branch_name ?? undefined,
    head: entry.head_sha ?? undefined,
    subject: entry.subject ?? undefined,
    result: entry.result,
    detail: entry.detail ?? undefined,
  };
}
