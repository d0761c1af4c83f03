import type { ConflictFile } from "../git/working-copy.ts";

export interface FailedLane {
  readonly lane: string;
  readonly laneRun: string;
  readonly failureKind: string | undefined;
  /** The part of the log that matters, capped. Untrusted text. */
  readonly log: string;
}

/** How far a landing got. Asking again goes on from there. */
interface Reached {
  readonly branch: string;
  /** The branch's number on the forge, once it has one. */
  readonly number: string | undefined;
  readonly head: string;
  readonly target: string;
  /** Files of the work tree that git does not track: no part of what lands. A few, and how many. */
  readonly untracked?: { readonly named: readonly string[]; readonly count: number };
  /** What was done in this call, a line each. */
  readonly trail: readonly string[];
}

/** The ends of a landing. */
export type LandingEnd =
  | (Reached & {
      readonly state: "landed";
      readonly mergeCommit: string;
      /** `already`: somebody had landed exactly this head before. */
      readonly already: boolean;
      /** What the forge could not pin, and what was merged in the end; only of such a forge. */
      readonly unpinned?: string;
    })
  | (Reached & { readonly state: "waiting"; readonly on: string; readonly next: string })
  | (Reached & { readonly state: "green"; readonly next: string })
  | (Reached & {
      readonly state: "conflict";
      readonly files: readonly ConflictFile[];
      readonly next: string;
    })
  | (Reached & {
      readonly state: "ci_failed";
      readonly lanes: readonly FailedLane[];
      readonly note: string | undefined;
      readonly next: string;
    })
  | (Reached & {
      readonly state: "refused";
      readonly code: string;
      readonly why: string;
      readonly next: string;
    })
  | (Reached & { readonly state: "closed"; readonly why: string; readonly next: string })
  | (Reached & { readonly state: "planned"; readonly plan: readonly string[] });

export interface LandingOptions {
  /** Default: the branch that is checked out. Another is landed as pushed, without rebase. */
  readonly branch: string | undefined;
  readonly target: string | undefined;
  readonly dryRun: boolean;
  readonly maxSeconds: number;
  /** False: stop when CI is green. */
  readonly merge: boolean;
}
