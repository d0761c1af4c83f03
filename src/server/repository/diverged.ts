import type { ServerConfig } from "../config.ts";
import { RefusedError } from "../refused.ts";
import type { Reads, Writes } from "../store/store.ts";
import { type Canonical, short } from "./canonical.ts";
import { isAncestor } from "./commits.ts";

const divergedSetting = "mirror_diverged";

/** What was last seen of a mirror's target, where neither side's contains the other's. */
export interface Diverged {
  readonly tip: string;
  /** The mirror's address: another one, or none, is not held to it. */
  readonly url: string;
}

interface Place {
  readonly store: { readonly read: Pick<Reads, "setting"> };
  readonly config: Pick<ServerConfig, "settings">;
}

/** The tip that the mirror of the settings went to on its own; null where there is nothing to mend. */
export function divergedTip({ store, config }: Place): string | null {
  const mirror = config.settings().mirror;
  if (mirror?.import !== true) return null;
  const [tip, url] = store.read.setting(divergedSetting)?.split(" ") ?? [];
  return tip !== undefined && url === mirror.url ? tip : null;
}

export function noteDiverged(
  tx: Pick<Writes, "setSetting" | "addEvent">,
  diverged: Diverged | null,
): void {
  tx.setSetting(divergedSetting, diverged === null ? "" : `${diverged.tip} ${diverged.url}`);
  const kind = diverged === null ? "landing_thawed" : "landing_frozen";
  tx.addEvent({ kind, head: diverged?.tip ?? null });
}

/** Both ways out of a mirror that went its own way. Neither is ever forced. */
export function divergedWords(target: string, tip: string): string {
  return (
    `The mirror's ${target} is at ${short(tip)}, which this forge's does not contain, and people ` +
    "merge there. Either the owner puts the mirror back by a push there and syncs, or a branch " +
    `that merges ${short(tip)} is landed here`
  );
}

/**
 * What whoever asks for the target is to know of the mirror: that it stops landing, or that nobody
 * here tested what was imported. Null: nothing.
 */
export function targetNote(
  store: Pick<Canonical["store"], "read">,
  config: Pick<Canonical["config"], "target" | "settings">,
): string | null {
  const { target } = config;
  const tip = divergedTip({ store, config });
  if (tip !== null) return `Landing stands still. ${divergedWords(target, tip)}.`;
  const last = store.read.lastTargetMove();
  if (last?.kind !== "import") return null;
  return (
    `${target} is at ${short(last.targetAfter)}, imported, untested: people merged it at the ` +
    "mirror, and no lane ran here. What lands next is tested together with it."
  );
}

/**
 * Refuses while the mirror's target has gone its own way and is to be imported: what lands would
 * only move both further apart. A head that contains the mirror's target brings them together.
 */
export async function refuseWhileDiverged(canonical: Canonical, head: string): Promise<void> {
  const { config, git } = canonical;
  const tip = divergedTip(canonical);
  if (tip === null) return;
  if (await isAncestor(git, tip, head)) return;
  throw new RefusedError(409, divergedWords(config.target, tip), "mirror_diverged", {
    head_sha: head,
  });
}
