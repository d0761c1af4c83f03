import type { ServerConfig } from "../config.ts";
import type { Store } from "../store/store.ts";

const kinds = [
  { setting: "owner_npub", kind: "owner", admin: true },
  { setting: "agent_npub", kind: "agent", admin: false },
] as const;

/** Names that only the configuration's keys have. */
export const configuredNames: readonly string[] = kinds.map(({ kind }) => kind);

/** Whether the configuration names the key, so that nobody else gives or takes its rights. */
export function isConfigured(config: ServerConfig, npub: string): boolean {
  return npub === config.ownerNpub || npub === config.agentNpub;
}

/**
 * Brings the store's two keys in line with the configuration. A key that was deactivated stays so;
 * a key that the configuration no longer names loses its rights.
 */
export function syncKeys(store: Store, config: ServerConfig): void {
  const wanted = { owner_npub: config.ownerNpub, agent_npub: config.agentNpub };
  store.write((tx) => {
    for (const { setting, kind, admin } of kinds) {
      const npub = wanted[setting];
      const former = tx.setting(setting);
      const formerKey = former === undefined ? undefined : tx.key(former);
      if (formerKey !== undefined && !isConfigured(config, formerKey.npub)) {
        tx.putKey({ ...formerKey, active: false, admin: false, updatedBy: null });
      }
      const known = tx.key(npub);
      const kept = former === npub && known?.kind === kind && known.admin === admin;
      if (kept && known.canForgeWrite) continue;
      tx.putKey({
        npub,
        name: kind,
        kind,
        admin,
        canForgeWrite: true,
        active: (former === npub ? known?.active : undefined) ?? true,
        note: null,
        approvedBy: null,
        updatedBy: null,
      });
      tx.setSetting(setting, npub);
    }
  });
}
