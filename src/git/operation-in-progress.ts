import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { WorkingState } from "./working-copy.ts";

export type OperationKind = NonNullable<WorkingState["operation"]>["kind"];

/** What this kit writes into a worktree's git dir before it begins a rebase. */
export const rebaseMark = z.object({
  /** Full ref of the branch. */
  branch: z.string(),
  onto: z.string(),
  /** The branch's tip before the rebase. */
  head: z.string(),
});
export type RebaseMark = z.infer<typeof rebaseMark>;

export const markFile = "land-rebase";

export interface OperationInProgress {
  readonly kind: OperationKind;
  /** What is being rebased, where it is a rebase that this kit began. */
  readonly mark: RebaseMark | undefined;
}

/** Looks for an operation in progress in one worktree's own git dir. */
export async function operationIn(gitDir: string): Promise<OperationInProgress | undefined> {
  const has = (name: string) => exists(join(gitDir, name));
  if (await has("rebase-merge")) return { kind: "rebase", mark: await ourMark(gitDir) };
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

/** The mark, if the rebase in progress is the very one that it was written for. */
async function ourMark(gitDir: string): Promise<RebaseMark | undefined> {
  const text = await readText(join(gitDir, markFile));
  if (text === undefined) return undefined;
  const mark = rebaseMark.safeParse(parseJson(text)).data;
  const said = async (name: string) => (await readText(join(gitDir, "rebase-merge", name)))?.trim();
  const same =
    mark !== undefined &&
    (await said("head-name")) === mark.branch &&
    (await said("onto")) === mark.onto &&
    (await said("orig-head")) === mark.head;
  return same ? mark : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
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
