import type { BranchState, ExecutionReason, FailureKind, RunReason } from "../../domain/status.ts";
import type {
  BranchRecord,
  EventRecord,
  JournalRecord,
  KeyRecord,
  LaneDefinition,
  LaneRecord,
  NewEvent,
  ProcessIdentity,
  RunRecord,
  TutorialRecord,
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
  lane(id: number): LaneRecord | undefined;
  /** By id ascending. */
  lanesOfRun(runId: number): readonly LaneRecord[];
  /** Lanes in status running, of all runs. */
  runningLanes(): readonly LaneRecord[];
  countRunningLanes(): number;
  /** Queued lanes in claim order. */
  queuedLanes(limit: number): readonly LaneRecord[];
  countQueuedLanes(): number;
  /** The newest journal entry that is `done` and set the target. */
  lastTargetMove(): JournalRecord | undefined;
  intendedMoves(): readonly JournalRecord[];
  /** Events with a higher sequence number, ascending. */
  eventsAfter(seq: number, limit: number): readonly EventRecord[];
  newestEventSeq(): number;
  oldestEventSeq(): number;
  key(npub: string): KeyRecord | undefined;
  /** The key's npub of an unexpired token, by the token's SHA-256 in hex. */
  tokenOwner(tokenHash: string, now: string): string | undefined;
  /** The newest tutorial of a branch. */
  tutorial(branchId: number): TutorialRecord | undefined;
  setting(name: string): string | undefined;
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
  setLaneReason(id: number, reason: ExecutionReason): void;
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
  putKey(key: KeyRecord): void;
  addChallenge(hash: string, expiresAt: string): void;
  /** Uses a challenge up; false when unknown, used or expired. */
  takeChallenge(hash: string, now: string): boolean;
  addToken(tokenHash: string, npub: string, expiresAt: string): void;
  removeToken(tokenHash: string): void;
  putTutorial(tutorial: Omit<TutorialRecord, "at">): void;
  setSetting(name: string, value: string): void;
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
  /** Called after each commit that added events. Returns the way to stop. */
  onEvents(listener: () => void): () => void;
  close(): void;
}

/** The clock, so that tests can drive it. */
export interface Clock {
  now(): Date;
}
