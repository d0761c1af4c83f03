import { EventEmitter } from "node:events";
import type { HandClock } from "./clock.ts";
import { type Faults, type Gate, gate, noFaults } from "./faults.ts";
import type { DoubleGit } from "./git.ts";
import type {
  AllowRow,
  BranchRow,
  InboxRow,
  LaneRow,
  LaneSpec,
  MirrorRow,
  NightlyRow,
  Outcomes,
  ReferenceOptions,
  Revision,
  RunnerRecord,
  RunRow,
  TutorialRow,
} from "./types.ts";

/** Everything the double knows. One per double; its parts are functions over it. */
export interface Core {
  readonly revision: Revision;
  readonly prefix: "/news" | "/git";
  readonly slug: string;
  readonly defaultBranch: string;
  readonly clock: HandClock;
  readonly git: DoubleGit;
  readonly faults: Faults;
  readonly options: ReferenceOptions;
  readonly branches: BranchRow[];
  readonly runs: RunRow[];
  readonly nightlies: NightlyRow[];
  readonly tutorials: TutorialRow[];
  readonly inbox: InboxRow[];
  readonly allow: Map<string, AllowRow>;
  readonly audit: { readonly action: string; readonly npub: string; readonly by: string }[];
  /** Config's own lists. */
  readonly admins: string[];
  readonly legacyAllowed: string[];
  readonly challenges: Map<string, number>;
  readonly tokens: Map<string, { readonly npub: string; createdAt: number }>;
  readonly mirrorRuns: MirrorRow[];
  readonly runners: Map<string, RunnerRecord>;
  /** Ids of their own for each kind, far from one another, so that a mix-up shows. */
  readonly next: (kind: "branch" | "run" | "lane" | "nightly" | "nightlyLane" | "other") => number;
  /** `branch` and `nightly`, with the id: something a stream shows has changed. */
  readonly changes: EventEmitter;
  readonly gates: { readonly merge: Gate; readonly request: Gate; readonly mirror: Gate };
  readonly health: {
    checkedAt: number | null;
    activeAt: number | null;
    errorAt: number | null;
    error: string | null;
    summary: string | null;
  };
  /** One thing that changes refs and records at a time, so that a test meets races by its own will. */
  readonly alone: (work: () => Promise<void>) => Promise<void>;
  /** What new runs are made of; may be changed at any time. An error is a manifest's. */
  lanes: readonly LaneSpec[] | Error;
  nightlyLanes: readonly LaneSpec[];
  autoCi: Outcomes | null;
  autoTutorial: boolean;
  mirrorWanted: boolean;
  mirrorBusy: boolean;
  /** By `target head`. */
  readonly mergeBases: Map<string, string>;
  /** Heads whose run is kept back by the fault. */
  readonly runless: Set<string>;
}

const starts = {
  branch: 41,
  run: 301,
  lane: 7001,
  nightly: 81,
  nightlyLane: 9001,
  other: 1,
} as const;

export function makeCore(options: ReferenceOptions, clock: HandClock, git: DoubleGit): Core {
  const counters: Record<keyof typeof starts, number> = { ...starts };
  const changes = new EventEmitter();
  changes.setMaxListeners(0);
  return {
    revision: options.revision,
    prefix: options.revision === "seed" ? "/news" : "/git",
    slug: options.slug ?? "example/project",
    defaultBranch: options.defaultBranch ?? "master",
    clock,
    git,
    faults: noFaults(),
    options,
    branches: [],
    runs: [],
    nightlies: [],
    tutorials: [],
    inbox: [],
    allow: new Map(),
    audit: [],
    admins: [],
    legacyAllowed: [],
    challenges: new Map(),
    tokens: new Map(),
    mirrorRuns: [],
    runners: new Map(),
    next: (kind) => counters[kind]++,
    changes,
    alone: inTurn(),
    gates: { merge: gate(), request: gate(), mirror: gate() },
    health: { checkedAt: null, activeAt: null, errorAt: null, error: null, summary: null },
    lanes: options.lanes ?? [{ id: "check", title: "Check", entrypoint: "just check" }],
    nightlyLanes: options.nightlyLanes ?? [{ id: "nightly-all", title: "All" }],
    autoCi: options.autoCi ?? null,
    autoTutorial: options.autoTutorial ?? false,
    mirrorWanted: false,
    mirrorBusy: false,
    mergeBases: new Map(),
    runless: new Set(),
  };
}

function inTurn(): Core["alone"] {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const done = last.then(work);
    last = done.catch(() => {});
    return done;
  };
}

/** The newest record of an exact name, in any state. */
export const newestRecord = (core: Core, name: string): BranchRow | undefined =>
  core.branches.findLast((branch) => branch.name === name);

export const branchById = (core: Core, id: bigint): BranchRow | undefined =>
  core.branches.find((branch) => BigInt(branch.id) === id);

/** The newest eight runs of a branch, newest first. */
export const runsOf = (core: Core, branchId: number): RunRow[] =>
  core.runs
    .filter((run) => "branchId" in run.owner && run.owner.branchId === branchId)
    .reverse()
    .slice(0, 8);

export const isActive = (status: string) => status === "queued" || status === "running";

/** Tells the streams that something of a run's branch or nightly changed. */
export function tellOfRun(core: Core, run: RunRow): void {
  if ("branchId" in run.owner) core.changes.emit("branch", run.owner.branchId);
  else core.changes.emit("nightly", run.id);
}

/** Every run there is: nightlies first, as the scheduler takes them. */
export const everyRun = (core: Core): RunRow[] => [...core.nightlies, ...core.runs];

export function findLane(core: Core, id: number): { run: RunRow; lane: LaneRow } | undefined {
  for (const run of everyRun(core)) {
    const lane = run.lanes.find((one) => one.id === id);
    if (lane !== undefined) return { run, lane };
  }
  return undefined;
}

/** The newest version that is not superseded. */
export const shownTutorial = (core: Core, branchId: number): TutorialRow | undefined =>
  core.tutorials.findLast((row) => row.branchId === branchId && row.status !== "superseded");
