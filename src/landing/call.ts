import type { Capabilities, Forge, ForgeBranch } from "../forges/forge.ts";
import type { WorkingCopy, WorkingState } from "../git/working-copy.ts";
import type { LandingOptions } from "./ends.ts";
import type { Overwrite, Standing, Tally } from "./facts.ts";
import type { Clock, SubscribeToChanges, Wakes } from "./wakes.ts";

/** What a landing works with. */
export interface LandingDeps {
  readonly copy: WorkingCopy;
  readonly forge: Forge;
  /** The git remote that leads to the forge. */
  readonly remote: string;
  /** Default: looks again after a while. */
  readonly changes?: SubscribeToChanges | undefined;
  /** Default: the machine's. */
  readonly clock?: Clock | undefined;
  readonly signal: AbortSignal;
  /** What is never shown, as far as it is known by now. */
  readonly secrets?: (() => readonly string[]) | undefined;
  /** Told what goes on, a short line each. */
  progress(message: string): void;
}

/** What the remote had when it was last asked. */
export interface RemoteSeen {
  readonly targetTip: string | undefined;
  readonly tip: string | undefined;
  /** Whether the target was elsewhere when it was fetched before. */
  readonly targetMoved: boolean;
  readonly at: number;
  readonly verified: { readonly commit: string; readonly inTarget: boolean } | undefined;
}

/** An answer that holds for as long as what was asked about, its key, is the same. */
export interface Remembered<T> {
  readonly key: string;
  readonly value: T;
}

/** One call of the landing while it lasts. Everything here can be observed again or is a count. */
export interface LandingCall {
  readonly deps: LandingDeps;
  readonly options: LandingOptions;
  readonly forge: Capabilities;
  readonly clock: Clock;
  readonly wakes: Wakes;
  readonly endsAt: number;
  readonly trail: string[];
  /** The branch that is landed, once it is known; a checkout meanwhile does not change it. */
  branch: string | undefined;
  tally: Omit<Tally, "timeLeftMs">;
  remote: RemoteSeen | undefined;
  /** The last answers about how a head stands to what the remote had. */
  standing: Remembered<Standing> | undefined;
  overwrite: Remembered<Overwrite> | undefined;
  unpushed: Remembered<string | undefined> | undefined;
  record: ForgeBranch | undefined;
  /** Files beside the checked-out branch that are no part of it. */
  untracked: Pick<WorkingState, "untracked" | "untrackedCount"> | undefined;
  /** What the forge answered when it merged, which its record may tell only later. */
  merged: { readonly id: string; readonly head: string; readonly mergeCommit: string } | undefined;
  /** The head that the forge was told to look at. */
  announced: string | undefined;
  /** The push that the remote last turned down as moved, and how often in a row. */
  movedPush: { readonly key: string; readonly times: number } | undefined;
  /** How often the forge went away during a landing request. */
  cutOffs: number;
  /** The last line of progress, so that it is not told twice. */
  told: string;
}

/** Changes some of a call's counts. */
export function count(call: LandingCall, change: Partial<LandingCall["tally"]>): void {
  call.tally = { ...call.tally, ...change };
}

/** Notes a thing that was done, and tells it. */
export function note(call: LandingCall, line: string): void {
  call.trail.push(line);
  call.deps.progress(line);
}
