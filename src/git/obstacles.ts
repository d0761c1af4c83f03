import { type ErrorCode, LandError } from "../domain/errors.ts";
import type { WorkingState } from "./working-copy.ts";

/** Why the landing does not touch a work tree as it is, and what would help. */
export interface Obstacle {
  readonly code: ErrorCode;
  readonly why: string;
  readonly next: string;
}

/** What stands in the way of working on the branch that is checked out. Pure. */
export function obstacleIn(state: WorkingState): Obstacle | undefined {
  return (
    operationObstacle(state) ??
    detachedObstacle(state) ??
    nameObstacle(state) ??
    changesObstacle(state)
  );
}

/** Somebody's operation in progress. A rebase of our own is one too: it wants an end first. */
export function operationObstacle(state: WorkingState): Obstacle | undefined {
  if (state.operation === undefined) return undefined;
  const { kind, ours, phase } = state.operation;
  if (ours) return { code: "operation_in_progress", ...ownRebase[phase ?? "stopped"] };
  return {
    code: "operation_in_progress",
    why: `A ${kind} that this kit did not begin is in progress here.`,
    next: `Finish it or end it yourself (${endings[kind]}), then ask again.`,
  };
}

const ownRebase = {
  under_way: {
    why: "Another process rebases this branch here right now.",
    next: "Ask again in a moment.",
  },
  stopped: {
    why: "A rebase that this kit began is still in progress here.",
    next: "Resolve and continue it, or abort it.",
  },
  cut_off: {
    why: "A rebase that this kit began was cut off in the middle of a commit; the branch itself is as before.",
    next: "Abort it (`rebase_branch` with `abort`), which puts all tracked files back, then ask again.",
  },
} as const;

function detachedObstacle(state: WorkingState): Obstacle | undefined {
  if (state.branch !== undefined || state.operation !== undefined) return undefined;
  return {
    code: "detached_head",
    why: "No branch is checked out here (detached head).",
    next: "Check out the branch, or make one here with `git switch -c NAME`, then ask again.",
  };
}

/** A name that is not UTF-8 is read with replacement characters, so it would be another one there. */
function nameObstacle({ branch }: WorkingState): Obstacle | undefined {
  if (branch?.includes("\uFFFD") !== true) return undefined;
  return {
    code: "unsupported_repository",
    why: "The name of the branch that is checked out is not UTF-8.",
    next: "Rename it (`git branch -m NEW-NAME`), then ask again.",
  };
}

/** Tracked changes that are not committed. Untracked files are no obstacle. */
function changesObstacle(state: WorkingState): Obstacle | undefined {
  if (state.trackedCount === 0) return undefined;
  const named = state.tracked.slice(0, 5).join(", ");
  const more = state.trackedCount > 5 ? ` and ${state.trackedCount - 5} more` : "";
  return {
    code: "uncommitted_changes",
    why: `Tracked files have changes that are not committed: ${named}${more}.`,
    next: "Commit them or put them back, then ask again. Nothing is stashed or reset for you.",
  };
}

/** The same as an error, for a caller that asked for the work tree to be changed. */
export function obstacleError(obstacle: Obstacle): LandError {
  return new LandError(obstacle.code, obstacle.why, {
    state: "Nothing was changed.",
    next: obstacle.next,
  });
}

const endings: Readonly<Record<NonNullable<WorkingState["operation"]>["kind"], string>> = {
  rebase: "`git rebase --continue` or `--abort`",
  merge: "`git merge --continue` or `--abort`",
  "cherry-pick": "`git cherry-pick --continue` or `--abort`",
  revert: "`git revert --continue` or `--abort`",
  bisect: "`git bisect reset`",
  am: "`git am --continue` or `--abort`",
};
