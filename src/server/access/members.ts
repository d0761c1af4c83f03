import type { ServerConfig } from "../config.ts";
import { RefusedError } from "../refused.ts";
import type { AuditAction, KeyRecord } from "../store/records.ts";
import type { Reads, Writes } from "../store/store.ts";
import { configuredNames, isConfigured } from "./keys.ts";

/** What the owner wants of a key. Undefined keeps what is there. */
export interface KeyChange {
  readonly npub: string;
  readonly name: string | undefined;
  readonly kind: "agent" | "member" | undefined;
  readonly active: boolean | undefined;
  readonly canForgeWrite: boolean | undefined;
  /** Blank or null: none. */
  readonly note: string | null | undefined;
}

/** What a new key gets where the owner does not say. */
export interface NewKeyRights {
  readonly kind: "agent" | "member";
  readonly canForgeWrite: boolean;
}

export interface ChangedKey {
  readonly key: KeyRecord;
  /** Branches that came into its inbox with its right to read. */
  readonly backfilled: number;
}

/**
 * Lets a key in, changes it or takes its rights, with its line in the audit trail. Nobody can make
 * another owner. To be called in a write; `by` is the owner. Throws RefusedError.
 */
export function changeKey(
  tx: Writes,
  config: ServerConfig,
  change: KeyChange,
  given: { readonly by: string; readonly rights: NewKeyRights },
): ChangedKey {
  const { npub } = change;
  if (isConfigured(config, npub)) {
    throw new RefusedError(
      400,
      "This pubkey is managed by config and cannot be changed from the admin page",
    );
  }
  const before = tx.key(npub);
  const active = change.active ?? before?.active ?? true;
  const begins = active && before?.active !== true;
  const name = change.name ?? keptName(before) ?? npub;
  if (active || change.name !== undefined) requireFreeName(tx, npub, name);
  tx.putKey({
    npub,
    name,
    kind: change.kind ?? kindOf(before) ?? given.rights.kind,
    active,
    admin: false,
    canForgeWrite: change.canForgeWrite ?? before?.canForgeWrite ?? given.rights.canForgeWrite,
    note: change.note === undefined ? (before?.note ?? null) : change.note?.trim() || null,
    approvedBy: begins ? given.by : (before?.approvedBy ?? null),
    updatedBy: given.by,
  });
  const key = tx.key(npub);
  if (key === undefined) throw new Error("A key could not be recorded.");
  tx.addAudit({
    npub: given.by,
    action: actionOf(key, before),
    subject: npub,
    detail: `${referenceAction(key)} ${key.kind} ${key.name}`,
  });
  return { key, backfilled: begins ? tx.fillInbox(npub) : 0 };
}

function keptName(before: KeyRecord | undefined): string | undefined {
  return before === undefined || configuredNames.includes(before.name) ? undefined : before.name;
}

/** Former keys of the configuration come back as what the owner says, never as an owner. */
function kindOf(before: KeyRecord | undefined): "agent" | "member" | undefined {
  return before === undefined || before.kind === "owner" ? undefined : before.kind;
}

/** Names tell keys apart in the audit trail, so each belongs to one active key. */
function requireFreeName(read: Pick<Reads, "keys">, npub: string, name: string): void {
  const folded = name.toLowerCase();
  if (configuredNames.includes(folded)) {
    throw new RefusedError(
      400,
      `the name ${folded} belongs to the key that the forge's configuration names; choose another`,
    );
  }
  const holder = read
    .keys()
    .find((key) => key.active && key.npub !== npub && key.name.toLowerCase() === folded);
  if (holder !== undefined) {
    throw new RefusedError(
      409,
      `the name ${name} belongs to the active key ${holder.npub}; choose another, or deactivate ` +
        "that key first",
    );
  }
}

function actionOf(key: KeyRecord, before: KeyRecord | undefined): AuditAction {
  if (!key.active) return "key_deactivated";
  return before?.active === true ? "key_changed" : "key_approved";
}

/** The reference's word for the same act. */
function referenceAction({ active, canForgeWrite }: KeyRecord): string {
  const right = canForgeWrite ? "forge_writer" : "chat_only";
  return `upsert_${active ? "active" : "inactive"}_${right}`;
}
