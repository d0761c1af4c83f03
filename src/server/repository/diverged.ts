import { RefusedError } from "../refused.ts";
import type { Reads, Writes } from "../store/store.ts";
import { type Canonical, short } from "./canonical.ts";
import { isAncestor } from "./commits.ts";

const divergedSetting = "mirror_diverged";

/** The mirror's target, where neither side's contains the other's; null where they fit. */
export function divergedTip(read: Pick<Reads, "setting">): string | null {
  return read.setting(divergedSetting) || null;
}

export function noteDiverged(
  tx: Pick<Writes, "setSetting" | "addEvent">,
  tip: string | null,
): void {
  tx.setSetting(divergedSetting, tip ?? "");
  tx.addEvent({ kind: tip === null ? "landing_thawed" : "landing_frozen", head: tip });
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
  { read }: Pick<Canonical["store"], "read">,
  { target, settings }: Pick<Canonical["config"], "target" | "settings">,
): string | null {
  const tip = divergedTip(read);
  if (tip !== null && settings().mirror?.import === true) {
    return `Landing stands still. ${divergedWords(target, tip)}.`;
  }
  const last = read.lastTargetMove();
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
  const { store, config, git } = canonical;
  const tip = divergedTip(store.read);
  if (tip === null || config.settings().mirror?.import !== true) return;
  if (await isAncestor(git, tip, head)) return;
  throw new RefusedError(409, divergedWords(config.target, tip), "mirror_diverged", {
    head_sha: head,
  });
}
