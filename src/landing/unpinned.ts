import type { Capabilities } from "../forges/forge.ts";
import type { WorkingCopy } from "../git/working-copy.ts";
import { short } from "./steps.ts";

/**
 * What a forge left open that takes no expected head: whether it merged what was compared. The
 * merge itself tells: where it holds the very files of the head, what landed is what CI tested.
 * Undefined where the forge pins heads.
 */
export async function unpinnedNote(
  copy: Pick<WorkingCopy, "sameTree">,
  forge: Pick<Capabilities, "head">,
  landed: { readonly head: string; readonly mergeCommit: string },
): Promise<string | undefined> {
  if (forge.head === "pinned") return undefined;
  const { head, mergeCommit } = landed;
  if (head === mergeCommit) {
    return `The target has ${short(head)}; by which merge is not told, so whether more came with it is not known.`;
  }
  const same = await copy.sameTree(mergeCommit, head).catch(() => undefined);
  if (same === true) {
    return `This forge takes no expected head or target: both were compared before, and the merge holds exactly the files of ${short(head)}, which CI tested.`;
  }
  if (same === undefined) {
    return "This forge takes no expected head or target: both were compared right before; whether they were still the same when it merged could not be seen.";
  }
  return `This forge takes no expected head or target, and the merge ${short(mergeCommit)} does not hold the files of ${short(head)}: the branch or the target had moved when it merged, so what landed is not what CI tested. Run CI on the target.`;
}
