import type { Lane, Run } from "../domain/checks.ts";
import type { BranchState } from "../domain/status.ts";
import type { ForgeAccess } from "./forge-access.ts";
import type { ForgeMirror } from "./forge-mirror.ts";

/** What a forge can do, asked once per connection. */
export interface Capabilities {
  /**
   * `events`: `watch` follows a stream that misses nothing. `polling`: `watch` wakes with backoff,
   * and sooner where a hint comes.
   */
  readonly changes: "events" | "polling";
  /** `pinned`: the forge itself refuses a head other than the named one. `compared`: only we compare. */
  readonly head: "pinned" | "compared";
  readonly landingRule: "up_to_date" | "queue";
  readonly changeRequestNeeded: boolean;
  readonly recovery: readonly RecoveryAction[];
  /** The short name of the one branch that is landed on. */
  readonly target: string;
  readonly version: string | undefined;
}

export const recoveryActions = [
  "rerun_lane",
  "rerun_suite",
  "requeue",
  "fail",
  "cancel",
  "cancel_run",
  "recover",
  "wake",
  "pause",
  "resume",
  "reset_target",
  "reset_health",
] as const;
export type RecoveryAction = (typeof recoveryActions)[number];

/** Who we are on the forge. `admin` is the owner's right, which force needs. */
export interface Identity {
  readonly npub: string;
  /** The name that the forge let the key in under; undefined where it has none. */
  readonly name?: string | undefined;
  readonly admin: boolean;
  readonly canLand: boolean;
  /** False for a key that was taken out: it is known and may do nothing at all. */
  readonly canRead?: false | undefined;
}

/** A branch as the forge knows it. `id` is its number there, as text. */
export interface ForgeBranch {
  readonly id: string;
  readonly name: string;
  readonly title: string;
  readonly state: BranchState;
  readonly target: string;
  /** The head the forge has ingested. */
  readonly head: string;
  readonly mergeCommit: string | undefined;
  readonly updatedAt: string;
  /** The newest runs first, at least the newest whole run of `head`. */
  readonly runs: readonly Run[];
  /** What keeps the forge from treating this branch normally, such as an unrelated history. */
  readonly problem: string | undefined;
  /** Whether the forge's mirror has the merge, as last seen; undefined where there is no mirror. */
  readonly mirror?: { readonly state: string; readonly checkedAt: string | undefined } | undefined;
  /** Whose key pushed the head: its name, or its npub where it has none. */
  readonly pushedBy?: string | undefined;
  /** Lanes that the head removes or changes, for which the forge refuses it until the owner agrees. */
  readonly changedLanes?: readonly string[] | undefined;
}

/** A line of the list of branches. `ci` is the verdict on its head in short. */
export interface BranchLine {
  readonly id: string;
  readonly name: string;
  readonly title: string;
  readonly state: BranchState;
  readonly head: string;
  readonly ci: string;
  readonly updatedAt: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | undefined;
}

/** A branch by its number on the forge or by its short name; a name means its newest record. */
export type BranchRef = { readonly id: string } | { readonly name: string };

/** Something changed. A wake only: read the state anew. */
export interface ForgeEvent {
  /** Where to go on after this event; undefined where the forge has no cursor. */
  readonly cursor: string | undefined;
  readonly kind: string;
  readonly branchId: string | undefined;
}

export interface LogRequest {
  readonly branchId: string;
  readonly lane: string | undefined;
  readonly laneRun: string | undefined;
  /** Bytes from the start; undefined means from the tail. */
  readonly offset: number | undefined;
  readonly maxBytes: number;
}

/** A part of a lane's log. Untrusted text. */
export interface LogPart {
  readonly run: string;
  readonly lane: string;
  readonly laneRun: string;
  readonly status: string;
  readonly text: string;
  /** Where `text` begins, in bytes, and how long the log is so far. */
  readonly offset: number;
  readonly totalBytes: number;
  /** Where to read on: counted in bytes of the log, which `text` may not have if it is no UTF-8. */
  readonly nextOffset?: number;
}

export interface LandingRequest {
  readonly branchId: string;
  /** The head that is to be merged; the forge refuses another. */
  readonly head: string;
  /** Merge without green CI; the forge grants it to the owner's key alone. */
  readonly force: { readonly reason: string } | undefined;
}

/** What a forge answered to a landing request. Refusals are LandErrors with the forge's code. */
export type LandingAnswer =
  | { readonly state: "merged"; readonly mergeCommit: string }
  | { readonly state: "queued"; readonly entry: string };

export interface QueuedLane {
  readonly branchId: string | undefined;
  readonly branch: string | undefined;
  readonly laneRun: string;
  readonly lane: string;
  readonly status: string;
  readonly reason: string;
  /** Place among the waiting lanes, from 1; undefined while it runs. */
  readonly place: number | undefined;
  readonly waitsFor: string | undefined;
  readonly since: string;
  /** When what it waits for ends at the latest, where that is known. */
  readonly until?: string | undefined;
  /** From history: when it may begin and end, or why nobody can say. */
  readonly estimate?: string | undefined;
}

export interface QueueView {
  readonly running: number;
  readonly waiting: number;
  /** Lanes that were asked for, also those that are not among `lanes`. */
  readonly matching?: number | undefined;
  /** How many lanes wait for which reason, in all. */
  readonly waitingByReason?: Readonly<Record<string, number>> | undefined;
  readonly limit: number | undefined;
  readonly lanes: readonly QueuedLane[];
  /** Why landing stands still for everybody, such as a target moved outside the forge. */
  readonly frozen: string | undefined;
  /** What else to know of the target, such as a tip that was imported untested. */
  readonly targetNote?: string | undefined;
}

export interface RecoveryRequest {
  readonly action: RecoveryAction;
  readonly branchId: string | undefined;
  readonly lane: string | undefined;
  readonly laneRun: string | undefined;
  readonly run: string | undefined;
  /** A nightly run instead of a branch: its lanes, or all of it. */
  readonly nightly?: string | undefined;
  /** For `reset_health`: the CI target's key. */
  readonly ciTarget?: string | undefined;
  /** For `reset_target`: keep what the target was moved to by hand, or (default) move it back. */
  readonly target?: "accept" | "restore";
  /** For `wake`: a landing looks whether it may go on, and nobody asked for it by name. */
  readonly inPassing?: true | undefined;
}

/** A nightly run: CI of the target's commit, on no branch's account. */
export interface NightlyRun {
  readonly id: string;
  readonly status: string;
  readonly head: string;
  readonly scheduledFor: string;
  readonly summary: string | undefined;
  readonly lanes: readonly Lane[];
}

/** A line of the list of nightlies. */
export interface NightlyLine extends Omit<NightlyRun, "lanes"> {
  readonly laneCount: number;
}

/** Part of the list of nightlies. */
export interface NightlyPage extends Page<NightlyLine> {
  /** When the next one begins by itself; undefined where the forge does not say. */
  readonly nextSlot: string | undefined;
}

export interface ReviewStep {
  readonly title: string;
  readonly intent: string;
  readonly affected_files: readonly string[];
  readonly evidence_snippets: readonly string[];
  readonly body_markdown: string;
}

export interface ReviewTutorial {
  readonly branchId: string;
  readonly head: string;
  readonly summary: string;
  readonly steps: readonly ReviewStep[];
}

/**
 * A forge in domain words. Every method can fail with a LandError, honours `signal`, and has a
 * deadline of its own. HTTP shapes end at the connectors that implement this.
 */
export interface Forge {
  /** `local` or the host it is on. */
  readonly name: string;
  readonly origin: string;
  capabilities(signal?: AbortSignal): Promise<Capabilities>;
  identity(signal?: AbortSignal): Promise<Identity>;
  branches(
    filter: { state?: BranchState; limit?: number; cursor?: string },
    signal?: AbortSignal,
  ): Promise<Page<BranchLine>>;
  /** The branch with its runs, or undefined where the forge does not know it. */
  branch(ref: BranchRef, signal?: AbortSignal): Promise<ForgeBranch | undefined>;
  /** Makes the forge look at a pushed head now; opens a change request where one is needed. */
  ensureChange(name: string, head: string, signal?: AbortSignal): Promise<void>;
  /** The runs of one head, newest first. */
  checks(branchId: string, head: string, signal?: AbortSignal): Promise<readonly Run[]>;
  /**
   * Events after `cursor` (undefined: from now on; the first event is then a `hello` with the
   * cursor to read state at). Ends with the signal; reconnects by itself.
   */
  watch(cursor: string | undefined, signal: AbortSignal): AsyncIterable<ForgeEvent>;
  log(request: LogRequest, signal?: AbortSignal): Promise<LogPart>;
  requestLanding(request: LandingRequest, signal?: AbortSignal): Promise<LandingAnswer>;
  close(
    request: { branchId: string; head: string; reason: string | undefined },
    signal?: AbortSignal,
  ): Promise<void>;
  /** `own`: the name of a branch whose lanes are shown before others where not all can be. */
  queue(
    filter: { branchId?: string; own?: string; limit?: number },
    signal?: AbortSignal,
  ): Promise<QueueView>;
  /** Says in one line what was done. */
  recover(request: RecoveryRequest, signal?: AbortSignal): Promise<string>;
  /** A nightly run, or undefined where the forge knows none of that number. */
  nightly?(id: string, signal?: AbortSignal): Promise<NightlyRun | undefined>;
  /** Nightly runs, latest first. */
  nightlies?(
    filter: { limit?: number; cursor?: string },
    signal?: AbortSignal,
  ): Promise<NightlyPage>;
  /** Runs the nightly lanes of the target now. Answers the nightly's number. */
  startNightly?(signal?: AbortSignal): Promise<string>;
  describe(tutorial: ReviewTutorial, signal?: AbortSignal): Promise<void>;
  /** The page a person can open. */
  url(branchId: string): string;
  /** Who may use the forge; undefined where it cannot be asked of it. */
  readonly access?: ForgeAccess;
  /** Where the forge pushes to; undefined where it cannot be asked of it. */
  readonly mirror?: ForgeMirror;
}
