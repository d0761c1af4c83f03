import type { ServerConfig } from "../config.ts";
import type { Store } from "../store/store.ts";

const kinds = [
  { setting: "owner_npub", name: "owner", admin: true },
  { setting: "agent_npub", name: "agent", admin: false },
] as const;

/**
 * Brings the store's two keys in line with the configuration. A key that was deactivated stays so;
 * a key that the configuration no longer names loses its rights.
 */
export function syncKeys(store: Store, config: ServerConfig): void {
  const wanted = { owner_npub: config.ownerNpub, agent_npub: config.agentNpub };
  const current = new Set(Object.values(wanted));
  store.write((tx) => {
    for (const { setting, name, admin } of kinds) {
      const npub = wanted[setting];
      const former = tx.setting(setting);
      const formerKey = former === undefined ? undefined : tx.key(former);
      if (formerKey !== undefined && !current.has(formerKey.npub)) {
        tx.putKey({ ...formerKey, active: false });
      }
      const known = former === npub ? tx.key(npub) : undefined;
      tx.putKey({ npub, name, admin, canForgeWrite: true, active: known?.active ?? true });
      tx.setSetting(setting, npub);
    }
  });
}

/** Whether anybody could log in at all. */
export function anyKeyActive(store: Store, config: ServerConfig): boolean {
  return [config.ownerNpub, config.agentNpub].some((npub) => store.read.key(npub)?.active === true);
}
