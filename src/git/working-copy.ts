/** One text conflict of a rebase: the file, and its conflicting parts as they stand. */
export interface ConflictFile {
  readonly path: string;
  /** Such as `both modified` or `deleted by us`. */
  readonly kind: string;
  /** The conflict hunks with line numbers, capped in bytes. Untrusted text. */
  readonly hunks: readonly { readonly line: number; readonly text: string }[];
}

/** What can be seen of a work tree without asking anybody. */
export interface WorkingState {
  /** Short name of the checked-out branch; undefined on a detached head outside our own rebase. */
  readonly branch: string | undefined;
  /** The branch tip; undefined in a repository without commits. */
  readonly head: string | undefined;
  /** Tracked files with changes that are not committed, at most 50 named. */
  readonly tracked: readonly string[];
  readonly trackedCount: number;
  readonly untracked: readonly string[];
  readonly untrackedCount: number;
  /** An operation in progress, and whether this kit began it. */
  readonly operation:
    | {
        readonly kind: "rebase" | "merge" | "cherry-pick" | "revert" | "bisect" | "am";
        readonly ours: boolean;
        /**
         * Of a rebase of ours: a process carries it out right now; it stopped at a conflict; or it
         * was cut off in the middle, and nobody goes on with it.
         */
        readonly phase?: "under_way" | "stopped" | "cut_off";
      }
    | undefined;
  readonly conflicts: readonly ConflictFile[];
}

export type RebaseAnswer =
  | {
      readonly state: "up_to_date" | "rebased";
      readonly head: string;
      /** The branch's tip when it began. */
      readonly from: string;
    }
  | { readonly state: "conflict"; readonly files: readonly ConflictFile[] }
  | { readonly state: "aborted"; readonly head: string };

/**
 * The agent's own work tree. Never stashes, resets, deletes branches or worktrees, or touches
 * remotes. Works in linked worktrees. Branch names are hostile: full ref names everywhere.
 */
export interface WorkingCopy {
  readonly path: string;
  /** The worktree's own git dir, which is removed with it; the common one of the first worktree. */
  readonly gitDir: string;
  /** Shared by all worktrees of the repository. */
  readonly commonDir: string;
  state(signal?: AbortSignal): Promise<WorkingState>;
  /** As `state` tells it, without the look at all files. */
  branch(signal?: AbortSignal): Promise<string | undefined>;
  /** The remote-tracking tip of a branch as last fetched; undefined where there is none. */
  trackedTip(remote: string, branch: string): Promise<string | undefined>;
  /** Tip of a local branch; undefined where there is none. */
  localTip(branch: string): Promise<string | undefined>;
  isAncestor(ancestor: string, of: string): Promise<boolean>;
  mergeBase(a: string, b: string): Promise<string | undefined>;
  /** Whether two commits hold the same files. */
  sameTree(a: string, b: string): Promise<boolean>;
  /** The commit on `target`'s own line that merged `head` into it; undefined where none did. */
  mergeOf(head: string, target: string): Promise<string | undefined>;
  countCommits(from: string, to: string): Promise<number>;
  /** Fetches one branch into its remote-tracking ref. Answers the tip before and after. */
  fetch(
    remote: string,
    branch: string,
    signal?: AbortSignal,
  ): Promise<{ before: string | undefined; after: string | undefined }>;
  /** What the remote has right now for a branch; undefined where it has none. */
  remoteTip(remote: string, branch: string, signal?: AbortSignal): Promise<string | undefined>;
  rebase(onto: string, signal?: AbortSignal): Promise<RebaseAnswer>;
  /** Whether the branch got from one tip to the other by rebases of this kit alone. */
  rebasedHere(branch: string, from: string, to: string): Promise<boolean>;
  continueRebase(signal?: AbortSignal): Promise<RebaseAnswer>;
  abortRebase(signal?: AbortSignal): Promise<RebaseAnswer>;
  /**
   * Pushes `head` to a branch, with a lease on the value last seen (undefined: the branch must
   * not exist there). Throws `remote_moved` when the lease fails, `push_rejected` with the
   * remote's words when it refuses.
   */
  push(
    request: { remote: string; branch: string; head: string; lease: string | undefined },
    signal?: AbortSignal,
  ): Promise<void>;
  /** Whether a commit is in this repository. */
  knows(commit: string): Promise<boolean>;
  /**
   * Whether everything a push that replaces `commit` would drop was once on the local branch (by
   * its reflog) or is in one of `besides`, so that nobody else's work is lost.
   */
  wasOurs(branch: string, commit: string, besides: readonly string[]): Promise<boolean>;
}
