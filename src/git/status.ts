/** A path that git could not merge, as `git status` tells it. */
export interface Unmerged {
  readonly path: string;
  /** In git's words, such as `both modified`. */
  readonly kind: string;
  /** The file's mode in the work tree, such as `100644`; `000000` where it is gone. */
  readonly mode: string;
}

export interface Status {
  /** The commit that is checked out; undefined before the first. */
  readonly head: string | undefined;
  /** What git calls the branch; `(detached)` may be the name of one. */
  readonly branch: string | undefined;
  readonly tracked: readonly string[];
  /** Tracked files whose work-tree content is not what is staged. */
  readonly unstaged: readonly string[];
  readonly untracked: readonly string[];
  readonly unmerged: readonly Unmerged[];
}

/**
 * Renames stay two paths, so that each record holds exactly one. Submodules count by the commit
 * they are at, not by what lies about in them.
 */
export const statusArgs = [
  "status",
  "--porcelain=v2",
  "--branch",
  "-z",
  "--no-renames",
  "--untracked-files=normal",
  "--ignore-submodules=dirty",
] as const;

const unmergedKinds: Readonly<Record<string, string>> = {
  DD: "both deleted",
  AU: "added by us",
  UD: "deleted by them",
  UA: "added by them",
  DU: "deleted by us",
  AA: "both added",
  UU: "both modified",
};

/** Reads the output of `statusArgs`. Paths come as they are, unquoted. */
export function parseStatus(output: string): Status {
  let head: string | undefined;
  let branch: string | undefined;
  const tracked: string[] = [];
  const unstaged: string[] = [];
  const untracked: string[] = [];
  const unmerged: Unmerged[] = [];
  for (const record of output.split("\0")) {
    const fields = record.split(" ");
    const states = fields[1] ?? "";
    if (fields[0] === "#") {
      if (states === "branch.oid" && fields[2] !== "(initial)") head = fields[2];
      if (states === "branch.head") branch = fields[2];
    } else if (fields[0] === "1") {
      const path = fields.slice(8).join(" ");
      tracked.push(path);
      if (states[1] !== ".") unstaged.push(path);
    } else if (fields[0] === "u") {
      unmerged.push({
        path: fields.slice(10).join(" "),
        kind: unmergedKinds[states] ?? states,
        mode: fields[6] ?? "",
      });
    } else if (fields[0] === "?") {
      untracked.push(record.slice(2));
    }
  }
  return { head, branch, tracked, unstaged, untracked, unmerged };
}
