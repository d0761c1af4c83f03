import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { isHeld, type RebaseMark, readMark } from "./rebase-mark.ts";
import type { WorkingState } from "./working-copy.ts";

export type OperationKind = NonNullable<WorkingState["operation"]>["kind"];

/** The file in a worktree's own git dir that holds the mark. */
export const markFile = "land-rebase";

export interface OperationInProgress {
  readonly kind: OperationKind;
  /** What is being rebased, where it is a rebase that this kit began. */
  readonly mark: RebaseMark | undefined;
  /** Whether the mark was written for this very rebase, by all that git says of it. */
  readonly exact?: boolean;
  /** Of such a rebase: whether somebody carries it out right now. */
  readonly held?: boolean;
  /** Of such a rebase: whether git stopped at a commit and waits to be told to go on. */
  readonly stopped?: boolean;
}

/** Looks for an operation in progress in one worktree's own git dir. */
export async function operationIn(gitDir: string): Promise<OperationInProgress | undefined> {
  const has = (name: string) => exists(join(gitDir, name));
  if (await has("rebase-merge")) return ourRebase(gitDir);
  const mark = await readMark(join(gitDir, markFile));
  // Git may already have changed the files before it says so, and still may after it said so.
  if (mark !== undefined && (await isHeld(join(gitDir, markFile), mark))) {
    return { kind: "rebase", mark, exact: false, held: true };
  }
  if (await has("rebase-apply")) {
    return { kind: (await has("rebase-apply/applying")) ? "am" : "rebase", mark: undefined };
  }
  for (const [file, kind] of headFiles) if (await has(file)) return { kind, mark: undefined };
  const sequence = await readText(join(gitDir, "sequencer/todo"));
  if (sequence !== undefined) {
    const reverts = /^\s*revert\b/m.test(sequence);
    return { kind: reverts ? "revert" : "cherry-pick", mark: undefined };
  }
  return undefined;
}

const headFiles: readonly (readonly [string, OperationKind])[] = [
  ["MERGE_HEAD", "merge"],
  ["CHERRY_PICK_HEAD", "cherry-pick"],
  ["REVERT_HEAD", "revert"],
  ["BISECT_LOG", "bisect"],
];

/** A rebase, with its mark if it is the very one that the mark was written for. */
async function ourRebase(gitDir: string): Promise<OperationInProgress> {
  const file = join(gitDir, markFile);
  const mark = await readMark(file);
  if (mark === undefined) return { kind: "rebase", mark };
  const said = async (name: string) => (await readText(join(gitDir, "rebase-merge", name)))?.trim();
  const exact =
    (await said("head-name")) === mark.branch &&
    (await said("onto")) === mark.onto &&
    (await said("orig-head")) === mark.head;
  const held = await isHeld(file, mark);
  // While git begins or ends a rebase, not all of its files are there.
  if (!exact && !held) return { kind: "rebase", mark: undefined };
  const stopped = (await said("stopped-sha")) !== undefined;
  return { kind: "rebase", mark, exact, held, stopped };
}

function readText(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(() => undefined);
}

/** Whether there is anything at a path. */
export function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
