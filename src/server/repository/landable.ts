import type { Verdict } from "../../domain/checks.ts";
import { RefusedError } from "../refused.ts";
import { verdictOn } from "../store/judge.ts";
import { type Canonical, short } from "./canonical.ts";
import { mergeBaseOf, mergeTrees } from "./commits.ts";
import type { OpenHead } from "./head.ts";
import { noTargetWords, unrelatedWords } from "./look.ts";

/** A head that may land, and the tree that the target will have then. */
export interface Landable extends OpenHead {
  readonly target: string;
  /** A tree, as git takes it. */
  readonly tree: string;
}

/** Puts a head through the guards of a merge, in their order. Refuses with the guard's code. */
export async function landable(
  canonical: Canonical,
  open: OpenHead,
  forced: boolean,
): Promise<Landable> {
  const { branch, head, target } = open;
  const { config } = canonical;
  if (target === undefined) {
    throw new RefusedError(409, noTargetWords(config.target), "unrelated_histories");
  }
  const base = await baseOf(canonical, open, target);
  if (base === null) {
    throw new RefusedError(409, unrelatedWords(config.target), "unrelated_histories", {
      head_sha: head,
      target_sha: target,
    });
  }
  if (!forced) {
    refuseUntested(branch.name, head, verdictOn(canonical.store.read, branch.id, head));
    // A head behind the target only seems to remove what is new there; that is told below.
    if (base === target) await refuseChangedCi(canonical, head, target);
  }
  const tree =
    base === target ? `${head}^{tree}` : await mergedTree(canonical, open, target, forced);
  return { branch, head, target, tree };
}

/** Ancestry never changes, so what was recorded for this head saves asking git. */
async function baseOf(
  { git }: Canonical,
  { branch, head }: OpenHead,
  target: string,
): Promise<string | null> {
  if (branch.head === head && branch.mergeBase === target) return target;
  return mergeBaseOf(git, target, head);
}

const whyNotGreen: Readonly<Record<Exclude<Verdict, "green">, string>> = {
  failed:
    "its run failed; fix it and push again, or recover its CI if it failed by no fault of its own",
  pending: "its run has not finished; wait for it",
  none: "there is no run for it; wait until the forge has taken it in",
  superseded: "its run was given up for a newer head; rerun the suite or push again",
};

function refuseUntested(name: string, head: string, verdict: Verdict): void {
  if (verdict === "green") return;
  throw new RefusedError(
    409,
    `ci is not green for ${short(head)} of ${name}: ${whyNotGreen[verdict]}`,
    "ci_not_green",
    { head_sha: head },
  );
}

async function refuseChangedCi(
  { ci, config }: Canonical,
  head: string,
  target: string,
): Promise<void> {
  if (config.settings().allowCiChange) return;
  const lanes = await ci.lanesChangedBy(head, target);
  if (lanes.length === 0) return;
  throw new RefusedError(
    409,
    `the head removes or changes lanes of ${config.target}: ${lanes.join(", ")}. ` +
      "The owner has to agree, by forcing this merge or by the setting that allows it",
    "ci_changed",
    { lanes: [...lanes], head_sha: head },
  );
}

/**
 * The tree of a head that does not contain the target's tip. Nobody tested it, so it lands by
 * force alone; otherwise it tells a rebase that will work from one that will meet conflicts.
 */
async function mergedTree(
  { git, config }: Canonical,
  { branch, head }: OpenHead,
  target: string,
  forced: boolean,
): Promise<string> {
  const merged = await mergeTrees(git, target, head);
  if (!merged.clean) {
    throw new RefusedError(
      409,
      `branch ${branch.name} conflicts with ${config.target} in ${namesOf(merged.files)}; ` +
        `rebase it onto ${config.target} and push again`,
      "merge_conflict",
      { files: [...merged.files], head_sha: head, target_sha: target },
    );
  }
  if (!forced) throw targetMoved(config.target, head, target);
  return merged.tree;
}

export function targetMoved(name: string, head: string, target: string): RefusedError {
  return new RefusedError(
    409,
    `${name} is at ${short(target)}, which ${short(head)} does not contain, so what would land ` +
      `was never tested; rebase onto ${name}, push, and wait for ci`,
    "target_moved",
    { head_sha: head, target_sha: target },
  );
}

const namedFiles = 10;

/** Some file names for one line of words. All of them travel as facts. */
function namesOf(files: readonly string[]): string {
  const shown = files.slice(0, namedFiles).map((file) => {
    return /[\u0000-\u001f\u007f]/.test(file) ? JSON.stringify(file) : file;
  });
  const rest = files.length - shown.length;
  return shown.join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
