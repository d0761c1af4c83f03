import type { BranchView } from "../http/wire-branch.ts";

/** Whose key pushed a branch's head, in words; null where that is not known. Not escaped. */
export function pushedBy<T>(branch: BranchView, as: (words: string) => T): T | null {
  const who = branch.pushed_by_name ?? branch.pushed_by;
  return who == null ? null : as(`pushed by ${who}`);
}
