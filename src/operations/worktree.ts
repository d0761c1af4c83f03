import type { Forge } from "../forges/forge.ts";
import type { WorkingCopy } from "../git/working-copy.ts";

/** A work tree and the forge its repository belongs to: what every operation speaks of. */
export interface Worktree {
  /** Absolute path of the work tree's top. */
  readonly path: string;
  readonly copy: WorkingCopy;
  /** Name of the git remote that leads to the forge. */
  readonly remote: string;
  /** The named agent that this work tree speaks as; undefined: the one that all share. */
  readonly agent?: string | undefined;
  /** Agents that have keys of their own here, whether the forge lets them in or not. */
  readonly agentsHere?: () => Promise<readonly { readonly name: string; readonly npub: string }[]>;
  /** The forge with the agent's key; starts a local one that is not running. */
  forge(signal?: AbortSignal): Promise<Forge>;
  /** The same forge with the owner's key; fails with `forbidden` where there is none here. */
  forgeAsOwner(signal?: AbortSignal): Promise<Forge>;
  /** Values that must never be shown, such as session tokens; what is known of them by now. */
  readonly secrets?: () => readonly string[];
}
