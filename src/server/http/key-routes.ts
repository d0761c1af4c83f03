import type { AllowlistEntry, WireKey } from "../../contract/access.ts";
import { ActiveKeysError, writeActiveKeys } from "../access/active-keys.ts";
import { isConfigured } from "../access/keys.ts";
import {
  type ChangedKey,
  changeKey,
  type KeyChange,
  type NewKeyRights,
} from "../access/members.ts";
import { readPublicKey } from "../access/public-key.ts";
import type { KeyRecord } from "../store/records.ts";
import { HttpFault } from "./fault.ts";
import type { Call, Handlers } from "./handler.ts";
import { prefixOf } from "./prefix-of.ts";

type KeyRoutes = "allowlist" | "changeAllowlist" | "keys" | "approveKey";

/** Which keys may do what, the owner's to decide. */
export const keyHandlers: Pick<Handlers, KeyRoutes> = {
  allowlist({ c, parts }) {
    const { config, store } = parts;
    return {
      bootstrap_admin_npubs: [config.ownerNpub],
      ...(prefixOf(c) === "/news" ? { legacy_allowed_npubs: [] } : {}),
      entries: store.read
        .keys()
        .filter((key) => !isConfigured(config, key.npub))
        .map(entryOnWire),
    };
  },

  changeAllowlist(call) {
    const { npub, active, can_forge_write, note } = call.body;
    const { key, backfilled } = change(
      call,
      {
        npub: readPublicKey(npub),
        name: undefined,
        kind: undefined,
        active,
        canForgeWrite: can_forge_write,
        note,
      },
      { kind: "member", canForgeWrite: false },
    );
    return { entry: entryOnWire(key), backfilled };
  },

  keys: ({ parts }) => ({ keys: parts.store.read.keys().map(keyOnWire) }),

  approveKey(call) {
    const { npub, name, kind, active, can_forge_write, note } = call.body;
    const { key } = change(
      call,
      { npub: readPublicKey(npub), name, kind, active, canForgeWrite: can_forge_write, note },
      { kind: "agent", canForgeWrite: true },
    );
    return { status: "ok", key: keyOnWire(key) };
  },
};

function change(
  { parts, caller }: Pick<Call<"approveKey">, "parts" | "caller">,
  wanted: KeyChange,
  rights: NewKeyRights,
): ChangedKey {
  const changed = parts.store.write((tx) =>
    changeKey(tx, parts.config, wanted, { by: caller.npub, rights }),
  );
  // Whoever lost the right to read reads no further.
  parts.live.checkReaders();
  const { npub, name, active, canForgeWrite } = changed.key;
  parts.log.warn({ npub, name, active, canForgeWrite, by: caller.npub }, "key changed");
  tellSsh(parts);
  return changed;
}

/** The change holds by now; whoever made it must know where SSH does not follow. */
function tellSsh({ config, store, log }: Pick<Call<"approveKey">, "parts">["parts"]): void {
  try {
    writeActiveKeys(config, store.read);
  } catch (error) {
    if (!(error instanceof ActiveKeysError)) throw error;
    log.error({ err: error }, "the list of keys for SSH could not be written");
    throw new HttpFault(500, { error: error.message });
  }
}

/** Where the configuration made the last change there is no npub to tell. */
function entryOnWire(key: KeyRecord): AllowlistEntry {
  return {
    npub: key.npub,
    active: key.active,
    can_forge_write: key.canForgeWrite,
    note: key.note,
    updated_by: key.updatedBy ?? "config",
    updated_at: key.updatedAt,
    name: key.name,
    kind: key.kind,
  };
}

function keyOnWire(key: KeyRecord): WireKey {
  return {
    npub: key.npub,
    name: key.name,
    kind: key.kind,
    active: key.active,
    is_admin: key.admin,
    can_forge_write: key.canForgeWrite,
    note: key.note,
    approved_by: key.approvedBy,
    created_at: key.createdAt,
    updated_at: key.updatedAt,
  };
}
