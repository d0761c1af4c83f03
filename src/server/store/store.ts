import type { BranchState, ExecutionReason, FailureKind, RunReason } from "../../domain/status.ts";
import type {
  AuditRecord,
  BranchRecord,
  EventRecord,
  InboxRecord,
  JournalRecord,
  KeyRecord,
  LaneDefinition,
  LaneRecord,
  MirrorLockRecord,
  MirrorRunRecord,
  NewAudit,
  NewEvent,
  NewKey,
  NightlyRecord,
  PoolHead,
  ProcessIdentity,
  Pusher,
  RunRecord,
  TargetHealthRecord,
  TokenRecord,
  TutorialRecord,
  WaitingLane,
} from "./records.ts";

/** What can be read. Lists are ordered as named; nothing here is cached. */
export interface Reads {
  branch(id: number): BranchRecord | undefined;
  /** The newest record of a name, whatever its state. */
  branchByName(name: string): BranchRecord | undefined;
  openBranches(): readonly BranchRecord[];
  /** Newest change first; `before` is the cursor: `updatedAt,id` of the last one seen. */
  branches(filter: {
    state?: BranchState | undefined;
    limit: number;
    before?: { updatedAt: string; id: number } | undefined;
  }): readonly BranchRecord[];
  run(id: number): RunRecord | undefined;
  /** Newest first. */
  runsOfBranch(branchId: number, limit: number): readonly RunRecord[];
  /** Newest first, whole and partial ones. */
  runsOfHead(branchId: number, head: string): readonly RunRecord[];
  /** A branch's runs that may still change, oldest first. */
  unfinishedRuns(branchId: number): readonly RunRecord[];
  nightly(runId: number): NightlyRecord | undefined;
  nightlyAt(scheduledFor: string): NightlyRecord | undefined;
  /** The schedule's nightly of a UTC day, `YYYY-MM-DD`. */
  nightlyOfDay(day: string): NightlyRecord | undefined;
  /** The newest day up to `today` that has its nightly. */
  newestNightlyDay(today: string): string | undefined;
  /** Latest first; `before` is the `scheduledFor` of the last one seen. */
  nightlies(filter: { limit: number; before?: string | undefined }): readonly NightlyRecord[];
  lane(id: number): LaneRecord | undefined;
  /** Whether a lane runs under this claim. */
  isClaimed(id: number, token: number): boolean;
  /** The first lane whose runner named that id; a later one cannot take its place. */
  laneOfExecutor(executorRunId: string): LaneRecord | undefined;
  /** By id ascending. */
  lanesOfRun(runId: number): readonly LaneRecord[];
  /** Lanes in status running, of all runs. */
  runningLanes(): readonly LaneRecord[];
  /** Running lanes whose lease ran out, or was renewed at a time that is yet to come. */
  lapsedLanes(now: string): readonly LaneRecord[];
  countRunningLanes(): number;
  countQueuedLanes(): number;
  /** A look at one row, where counting them all is not needed. */
  anyLaneQueued(): boolean;
  /** Names of the pools in which lanes wait. */
  poolNames(): readonly string[];
  /** The first lane of a pool in claim order, leaving out these ids. */
  poolHead(pool: string, without: readonly number[]): PoolHead | undefined;
  /** Undefined for a CI target that does well. */
  targetHealth(target: string): TargetHealthRecord | undefined;
  /** CI targets with failures that no success has ended yet, by name. */
  targetsUnwell(): readonly TargetHealthRecord[];
  /** Every queued lane in claim order, however many there are. */
  waitingLanes(): readonly WaitingLane[];
  /** How many lanes wait for which reason. */
  waitingByReason(): readonly { readonly reason: ExecutionReason; readonly lanes: number }[];
  /** Milliseconds that the newest successful runs of a lane of that name took, at most `most`. */
  laneDurations(lane: string, most: number): readonly number[];
  /** The run that holds nothing but this lane again and has not ended yet. */
  unfinishedRerunOf(laneId: number): RunRecord | undefined;
  /** A nightly that runs all of this one's lanes again and has not ended yet. */
  unfinishedNightlyRerunOf(runId: number): RunRecord | undefined;
  /** The newest journal entry that is `done` and set the target. */
  lastTargetMove(): JournalRecord | undefined;
  intendedMoves(): readonly JournalRecord[];
  /** Events with a higher sequence number, ascending. */
  eventsAfter(seq: number, limit: number): readonly EventRecord[];
  /** When something last happened to a branch, a lane or a tutorial; null: not lately. */
  lastEventAt(what: "branch" | "lane" | "tutorial"): string | null;
  newestEventSeq(): number;
  oldestEventSeq(): number;
  key(npub: string): KeyRecord | undefined;
  /** All keys, by npub. */
  keys(): readonly KeyRecord[];
  anyKeyActive(): boolean;
  /** The key's npub of an unexpired token, by the token's SHA-256 in hex. */
  tokenOwner(tokenHash: string, now: string): string | undefined;
  /** An unexpired token, by its SHA-256 in hex. */
  token(tokenHash: string, now: string): TokenRecord | undefined;
  /** Unexpired tokens of one key, or (null) of all, newest first. */
  tokens(npub: string | null, now: string): readonly TokenRecord[];
  /** Newest first. `branch`: a name or an id; `before`: the id of the last one seen. */
  audit(filter: {
    branch?: string | undefined;
    npub?: string | undefined;
    action?: string | undefined;
    before?: number | undefined;
    limit: number;
  }): readonly AuditRecord[];
  /** Who pushed this head of a branch last, where that is known. */
  pusher(branchId: number, head: string): Pusher | undefined;
  /** What waits in a key's inbox, by branch id. */
  inbox(npub: string): readonly InboxRecord[];
  /** The newest tutorial of a branch. */
  tutorial(branchId: number): TutorialRecord | undefined;
  setting(name: string): string | undefined;
  /** Attempts to push to this mirror, newest first. */
  mirrorRuns(remote: string, limit: number): readonly MirrorRunRecord[];
  /** What each ref was when forge and mirror last agreed on it, by full name. */
  mirrorRefs(remote: string): ReadonlyMap<string, string>;
  /** What may have been pushed there, by full name, without what both sides agreed on since. */
  mirrorTried(remote: string): ReadonlyMap<string, ReadonlySet<string>>;
  mirrorLock(): MirrorLockRecord | undefined;
}

/** What can be changed inside one transaction. Changes that watchers care for add their event. */
export interface Writes extends Reads {
  openBranch(branch: {
    name: string;
    title: string;
    target: string;
    head: string;
    mergeBase: string | null;
    problem: string | null;
  }): BranchRecord;
  /** Updates an open record in place. */
  moveBranch(
    id: number,
    change: { title: string; head: string; mergeBase: string | null; problem: string | null },
  ): void;
  endBranch(
    id: number,
    end: {
      state: "merged" | "closed";
      mergeCommit: string | null;
      by: string | null;
      reason: string | null;
    },
  ): void;
  /** A run with its lanes queued; without lanes it is finished at once with `status`. */
  createRun(run: {
    branchId: number | null;
    subject: RunRecord["subject"];
    head: string;
    partial: boolean;
    rerunOf: number | null;
    reason: RunReason | null;
    note: string | null;
    /** For a run without lanes. */
    status: "success" | "failed";
    lanes: readonly (LaneDefinition & { rerunOf?: number | null })[];
  }): RunRecord;
  /** A nightly run; where its time is taken already, it gets the next free millisecond. */
  createNightly(nightly: {
    /** What the nightly is scheduled for. */
    at: string;
    /** The UTC day whose nightly it is, which no other may be; absent: it was asked for. */
    day?: string | undefined;
    sourceRef: string;
    summary: string | null;
    head: string;
    partial: boolean;
    rerunOf: number | null;
    reason: RunReason | null;
    note: string | null;
    status: "success" | "failed";
    lanes: readonly (LaneDefinition & { rerunOf?: number | null })[];
  }): RunRecord;
  /** False where it had been told that already, or waits no more. */
  setLaneReason(id: number, reason: ExecutionReason): boolean;
  /** Tells a pool's waiting lanes a reason, at most `most` of them; answers how many were told. */
  tellPool(
    pool: string,
    reason: ExecutionReason,
    how: { readonly except: number | null; readonly most: number },
  ): number;
  putTargetHealth(health: TargetHealthRecord): void;
  /** False where the target did well already. */
  removeTargetHealth(target: string): boolean;
  /** Claims a queued lane: running, token + 1, lease. Undefined when it is no longer queued. */
  claimLane(id: number, lease: { now: string; expiresAt: string }): LaneRecord | undefined;
  /** These three need the claim's own token and answer whether it was still good. */
  recordLaneProcess(
    id: number,
    token: number,
    process: ProcessIdentity,
    isolation: string,
  ): boolean;
  heartbeat(id: number, token: number, lease: { now: string; expiresAt: string }): boolean;
  finishLane(
    id: number,
    token: number,
    end: {
      status: "success" | "failed" | "skipped";
      failureKind: FailureKind | null;
      note: string | null;
    },
  ): boolean;
  recordExecutorIds(
    id: number,
    token: number,
    ids: { runId: string | null; targetId: string | null },
  ): boolean;
  /** Ends a lane from outside its worker, whatever its token: token + 1, so the worker loses. */
  endLane(
    id: number,
    end: { status: "failed" | "skipped"; failureKind: FailureKind | null; note: string | null },
  ): void;
  /** Puts a lane back into the queue: token + 1, retry + 1, times cleared. */
  requeueLane(id: number, reason: ExecutionReason): void;
  /** Recomputes a run's status from its lanes; adds `run_finished` when it settles. */
  refoldRun(runId: number, reason?: RunReason): RunRecord;
  /** Adds a line to a run's note, such as who requeued what; the oldest lines go first. */
  noteRun(runId: number, line: string): void;
  addJournal(entry: Omit<JournalRecord, "id" | "at">): JournalRecord;
  setJournalState(id: number, state: "done" | "abandoned"): void;
  addEvent(event: NewEvent): void;
  /** Times that it is given are not taken over. */
  putKey(key: NewKey): void;
  addChallenge(hash: string, expiresAt: string): void;
  /** Uses a challenge up; false when unknown, used or expired. */
  takeChallenge(hash: string, now: string): boolean;
  addToken(tokenHash: string, npub: string, expiresAt: string): void;
  /** False where there was none. */
  removeToken(tokenHash: string): boolean;
  /** Ends the tokens of one key, or (null) of all; answers how many. */
  removeTokens(npub: string | null): number;
  markTokenUsed(tokenHash: string, at: string): void;
  /** To be called in the transaction of the act itself, where there is one. */
  addAudit(act: NewAudit): void;
  /** Puts a branch, whose tutorial is current, into the inbox of every active key. */
  tellInboxes(branchId: number): void;
  /** Puts what it never had into an active key's inbox; answers how many branches. */
  fillInbox(npub: string): number;
  /** Answers how many were there. */
  dismissInbox(npub: string, branchIds: readonly number[] | "all"): number;
  /** Notes the present tutorial as reviewed; false where the branch is not in the inbox. */
  reviewInbox(npub: string, branchId: number): boolean;
  putTutorial(tutorial: Omit<TutorialRecord, "at">): void;
  setSetting(name: string, value: string): void;
  /** Compare-and-set: false where an attempt holds it whose time is not over. */
  takeMirrorLock(lock: Omit<MirrorLockRecord, "startedAt">): boolean;
  /** Null: whoever holds it, for a process that has just become the only one. */
  freeMirrorLock(token: string | null): void;
  /** Finished now. Old ones are dropped. */
  addMirrorRun(run: Omit<MirrorRunRecord, "id" | "finishedAt">): MirrorRunRecord;
  /** Null: neither has it any more. Forgets what was known of other mirrors. */
  setMirrorRefs(remote: string, changes: ReadonlyMap<string, string | null>): void;
  /** Before a push, so that what a cut-off one did is known as the forge's own. */
  addMirrorTried(remote: string, pushed: ReadonlyMap<string, string>): void;
  /** Drops expired challenges and tokens, and events beyond what is kept. */
  sweep(now: string): void;
}

/** The forge's one SQLite file. All calls are synchronous; a write is one immediate transaction. */
export interface Store {
  readonly read: Reads;
  /**
   * Runs `body` in one immediate transaction. It either happens as a whole or not at all; events
   * it added are announced to `onEvents` after the commit.
   */
  write<T>(body: (tx: Writes) => T): T;
  /**
   * As `write`, for what is found out anew should the machine lose its power: which lanes are
   * claimed, run and have ended. The disk is not waited for; the next `write` waits for both.
   */
  writeUnsynced<T>(body: (tx: Writes) => T): T;
  /** Called after each commit that added events. Returns the way to stop. */
  onEvents(listener: () => void): () => void;
  close(): void;
}

/** The clock, so that tests can drive it. */
export interface Clock {
  now(): Date;
}
