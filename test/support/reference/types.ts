/** Rows of the reference double's memory and what its makers may set. */

export type Revision = "seed" | "head";
export type BranchState = "open" | "merged" | "closed";
export type LaneStatus = "queued" | "running" | "success" | "failed" | "skipped";
export type RunStatus = "queued" | "running" | "success" | "failed";
export type TutorialStatus = "pending" | "generating" | "ready" | "failed" | "superseded";

/** A lane of the table that new runs are made from. `paths` are globs; none: always. */
export interface LaneSpec {
  readonly id: string;
  readonly title?: string;
  readonly entrypoint?: string;
  readonly paths?: readonly string[];
  readonly group?: string;
}

/** How a lane ends, or `running`: it is claimed and goes on; `queued`: it stays where it is. */
export type Outcome =
  | LaneStatus
  | { readonly status: LaneStatus; readonly log?: string; readonly runnerRun?: string };
export type Outcomes = Outcome | ((lane: LaneRow) => Outcome);

export interface LaneRow {
  readonly id: number;
  readonly laneId: string;
  readonly title: string;
  readonly entrypoint: string;
  readonly group: string | null;
  readonly rerunOf: number | null;
  status: LaneStatus;
  reason: string;
  failureKind: string | null;
  runnerRun: string | null;
  runnerTarget: string | null;
  log: string | null;
  retryCount: number;
  /** Instants are milliseconds of the double's clock. */
  createdAt: number;
  startedAt: number | null;
  finishedAt: number | null;
  heartbeatAt: number | null;
  leaseUntil: number | null;
}

export interface RunRow {
  readonly id: number;
  readonly owner: { readonly branchId: number } | { readonly nightly: true };
  readonly head: string;
  readonly rerunOf: number | null;
  readonly lanes: LaneRow[];
  status: RunStatus;
  createdAt: number;
  startedAt: number | null;
  finishedAt: number | null;
}

export interface NightlyRow extends RunRow {
  readonly scheduledFor: string;
  readonly sourceRef: string;
  summary: string | null;
}

export interface BranchRow {
  readonly id: number;
  readonly name: string;
  title: string;
  state: BranchState;
  /** As it travels: git's own form while open, SQL form afterwards. */
  updatedAt: string;
  target: string;
  head: string;
  mergeBase: string;
  mergeCommit: string | null;
  endedBy: string | null;
}

export interface TutorialRow {
  readonly id: number;
  readonly branchId: number;
  readonly head: string;
  status: TutorialStatus;
  error: string | null;
  current: boolean;
}

export interface InboxRow {
  readonly npub: string;
  readonly branchId: number;
  state: "inbox" | "dismissed";
  reason: string;
  version: number;
  createdAt: number;
  updatedAt: number;
  reviewedVersion: number | null;
  reviewedAt: number | null;
}

export interface AllowRow {
  readonly npub: string;
  active: boolean;
  canForgeWrite: boolean;
  note: string | null;
  updatedBy: string;
  updatedAt: number;
}

export interface MirrorRow {
  readonly id: number;
  readonly trigger: "background" | "post-mutation" | "manual";
  readonly status: "success" | "failed";
  readonly error: string | null;
  readonly localHead: string | null;
  readonly remoteHead: string | null;
  readonly lagging: number | null;
  readonly synced: number | null;
  readonly at: number;
}

/** What a HEAD runner left behind for one of its runs. Records travel as they are given. */
export interface RunnerRecord {
  readonly record: Readonly<Record<string, unknown>>;
  readonly jobs?: Readonly<Record<string, { readonly host?: string; readonly guest?: string }>>;
  readonly preparedOutputs?: Readonly<Record<string, unknown>>;
}

/** A key of the forge as its holder has it. */
export interface Key {
  readonly nsec: string;
  readonly npub: string;
  readonly hex: string;
}

export interface ReferenceOptions {
  readonly revision: Revision;
  readonly defaultBranch?: string;
  readonly slug?: string;
  /** Files of the default branch's first commit, beside a README. */
  readonly files?: Readonly<Record<string, string>>;
  readonly lanes?: readonly LaneSpec[];
  readonly nightlyLanes?: readonly LaneSpec[];
  /** Lanes at once; default: unlimited. */
  readonly ciConcurrency?: number;
  /** Every queued lane ends so at once, also those of reruns. Can be set later. */
  readonly autoCi?: Outcomes;
  /** New heads get a ready tutorial in the turn that finds them. Default false: `pending`. */
  readonly autoTutorial?: boolean;
  /** Null: no secret, so no hooks: the default branch is open and only polls find pushes. */
  readonly webhookSecret?: string | null;
  /** A bare repository to mirror to. */
  readonly mirror?: string;
  /** Nobody may log in: no admin, no row. */
  readonly nobody?: boolean;
  readonly pollSeconds?: number;
}

/** A request as it arrived, with the status it got; `null` while unanswered or cut. */
export interface Seen {
  readonly method: string;
  /** With the query, as sent. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  status: number | null;
}
