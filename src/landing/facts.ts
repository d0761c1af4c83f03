import type { Verdict } from "../domain/checks.ts";
import type { BranchState } from "../domain/status.ts";
import type { Capabilities } from "../forges/forge.ts";
import type { Obstacle } from "../git/obstacles.ts";
import type { ConflictFile } from "../git/working-copy.ts";

/** How the head stands to the target's tip; `contained` in it is a head that brings nothing. */
export type Standing = "ahead" | "behind" | "contained" | "unrelated";

/**
 * What a push of the head would do to the branch on the remote: create it, nothing, only add to
 * it, replace what was ours, or drop commits that were never ours.
 */
export type Overwrite = "creates" | "nothing" | "adds" | "replaces_ours" | "drops_foreign";

/** What the remote had when it was last asked, and how the head stands to it. */
export interface RemoteFacts {
  readonly targetTip: string | undefined;
  /** The branch there. */
  readonly tip: string | undefined;
  readonly standing: Standing;
  readonly overwrite: Overwrite;
  /** Of a contained head on a forge that cannot pin one: the merge that brought it in. */
  readonly mergeOf?: string | undefined;
  /** A commit that was looked for in the target's history there. */
  readonly verified: { readonly commit: string; readonly inTarget: boolean } | undefined;
}

/** The branch's newest record on the forge. */
export interface RecordFacts {
  readonly id: string;
  readonly state: BranchState;
  readonly head: string;
  readonly mergeCommit: string | undefined;
  readonly problem: string | undefined;
  /** What CI says of exactly the head that is being landed. */
  readonly verdict: Verdict;
  /** The deciding run's own words. */
  readonly note: string | undefined;
  /** Lanes that the record's head removes or changes, for which the owner has to agree. */
  readonly changedLanes?: readonly string[] | undefined;
}

/** Everything the planner knows of git and the forge; each part can be observed again. */
export interface Facts {
  /** Undefined on a detached head. */
  readonly branch: string | undefined;
  readonly target: string;
  readonly rule: Capabilities["landingRule"];
  /** False: the branch is landed as it was pushed and cannot be rebased here. */
  readonly checkedOut: boolean;
  /** Where it is not checked out: its tip here, if that has commits which `head` has not. */
  readonly unpushed?: string | undefined;
  /** The commit that is to be landed. */
  readonly head: string | undefined;
  /** Why the work tree cannot be worked on as it is. */
  readonly obstacle: Obstacle | undefined;
  /** Set while a rebase that this kit began is in progress. */
  readonly conflict: readonly ConflictFile[] | undefined;
  /** Undefined: not asked yet, or not to be trusted any more. */
  readonly remote: RemoteFacts | undefined;
  /** Undefined: the forge does not know the branch. */
  readonly record: RecordFacts | undefined;
}

/** A landing request that the forge turned down. */
export interface Refusal {
  readonly code: string;
  readonly why: string;
  readonly next: string | undefined;
  readonly head: string;
  readonly targetTip: string | undefined;
  /** How often in a row for the same head and target. */
  readonly times: number;
}

/** What one call did so far. Only counts and pins; never a substitute for looking again. */
export interface Tally {
  /** Rebases, pushes, requests and verifications, together. */
  readonly acts: number;
  readonly rebases: number;
  readonly verifications: number;
  /** The head this call set out to land, or made by rebasing; no other is pushed or landed. */
  readonly head: string | undefined;
  /** A record that was open during this call. */
  readonly openRecord: string | undefined;
  /** The head whose landing was asked for. */
  readonly requested: string | undefined;
  /** The head that a queue took. */
  readonly queued: string | undefined;
  readonly refusal: Refusal | undefined;
  readonly timeLeftMs: number;
  /** True once anything but looking has begun. */
  readonly underWay: boolean;
}

export const freshTally: Omit<Tally, "timeLeftMs"> = {
  acts: 0,
  rebases: 0,
  verifications: 0,
  head: undefined,
  openRecord: undefined,
  requested: undefined,
  queued: undefined,
  refusal: undefined,
  underWay: false,
};
