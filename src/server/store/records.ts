import type {
  BranchState,
  ExecutionReason,
  FailureKind,
  LaneStatus,
  RunReason,
  RunStatus,
} from "../../domain/status.ts";

/** Times are ISO 8601 UTC with milliseconds; shas are full lower-case hex. */

export interface BranchRecord {
  readonly id: number;
  /** Short name: the full ref without `refs/heads/`. */
  readonly name: string;
  readonly title: string;
  readonly state: BranchState;
  readonly target: string;
  readonly head: string;
  /** Null where target and branch share no history. */
  readonly mergeBase: string | null;
  readonly mergeCommit: string | null;
  readonly updatedAt: string;
  readonly createdAt: string;
  /** npub of who merged or closed it; null where the ref vanished. */
  readonly endedBy: string | null;
  readonly endReason: string | null;
  readonly problem: string | null;
}

export interface RunRecord {
  readonly id: number;
  readonly branchId: number | null;
  readonly subject: "head" | "candidate" | "nightly";
  readonly head: string;
  readonly status: RunStatus;
  readonly reason: RunReason | null;
  readonly note: string | null;
  /** True where the run holds only some of the head's lanes again; it never decides. */
  readonly partial: boolean;
  readonly rerunOf: number | null;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}

/** What the manifest says of a lane, snapshotted into the run. */
export interface LaneDefinition {
  readonly lane: string;
  readonly title: string;
  readonly entrypoint: string;
  /** argv; never empty. */
  readonly command: readonly string[];
  readonly paths: readonly string[];
  readonly inputs: readonly string[];
  /** Names of variables whose values come from the owner's settings. */
  readonly env: readonly string[];
  readonly concurrencyGroup: string | null;
  readonly timeoutSeconds: number | null;
  /** External target id where the manifest names a staged target. */
  readonly targetKey: string | null;
}

/** Names one process safely, also after a crash or a reboot. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat; null where there is no /proc. */
  readonly startTime: string | null;
  readonly bootId: string | null;
}

/** One lane of a run: the reference's "lane run". */
export interface LaneRecord extends Omit<LaneDefinition, "paths" | "inputs"> {
  readonly id: number;
  readonly runId: number;
  readonly branchId: number | null;
  readonly head: string;
  readonly status: LaneStatus;
  readonly reason: ExecutionReason;
  readonly failureKind: FailureKind | null;
  /** One line on how it ended, such as `exit code 1` or `killed by SIGSEGV`. */
  readonly note: string | null;
  readonly retryCount: number;
  readonly rerunOf: number | null;
  readonly claimToken: number;
  readonly process: ProcessIdentity | null;
  readonly isolation: string | null;
  readonly executorRunId: string | null;
  readonly executorTargetId: string | null;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly heartbeatAt: string | null;
  readonly leaseExpiresAt: string | null;
}

/** One intended or done move of the target or end of a branch. Written before git is touched. */
export interface JournalRecord {
  readonly id: number;
  readonly kind: "create" | "merge" | "close" | "accept" | "restore";
  readonly branchId: number | null;
  readonly head: string | null;
  readonly targetBefore: string | null;
  readonly targetAfter: string | null;
  readonly state: "intended" | "done" | "abandoned";
  readonly by: string | null;
  readonly reason: string | null;
  readonly forced: boolean;
  readonly at: string;
}

export interface EventRecord {
  readonly seq: number;
  readonly kind: string;
  readonly branchId: number | null;
  readonly runId: number | null;
  readonly laneRunId: number | null;
  readonly head: string | null;
  readonly at: string;
}
export type NewEvent = Partial<Omit<EventRecord, "seq" | "at" | "kind">> & {
  readonly kind: string;
};

/** A key's rights. Deactivating takes all of them at once. */
export interface KeyRecord {
  readonly npub: string;
  readonly name: string;
  readonly active: boolean;
  readonly admin: boolean;
  readonly canForgeWrite: boolean;
}

export interface TutorialRecord {
  readonly branchId: number;
  readonly head: string;
  /** The reference's tutorial document as JSON text. */
  readonly document: string;
  readonly by: string;
  readonly at: string;
}
