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

/** What only a run of the subject `nightly` has. */
export interface NightlyRecord {
  /** Its id, and its run's. */
  readonly runId: number;
  /** Its slot, or when it was asked for. No two nightlies have the same. */
  readonly scheduledFor: string;
  /** Full name of the ref whose commit it tests. */
  readonly sourceRef: string;
  /** Null where its lanes say it all. */
  readonly summary: string | null;
  /** The UTC day (`YYYY-MM-DD`) whose nightly it is; null where it was asked for. */
  readonly day: string | null;
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

/** What a place in the queue is told from; the whole lane is not needed for it. */
export type WaitingLane = Pick<
  LaneRecord,
  "id" | "branchId" | "lane" | "reason" | "concurrencyGroup" | "createdAt"
> &
  Partial<Pick<LaneRecord, "targetKey">>;

/** The lane of a pool that comes first. */
export interface PoolHead {
  readonly id: number;
  readonly pool: string;
  /** Its place in the queue: the lower comes first, and of the same rank the lower id. */
  readonly rank: number;
  readonly nightly: boolean;
  readonly concurrencyGroup: string | null;
  readonly targetKey: string | null;
}

/** A CI target whose latest lanes failed for want of the target. */
export interface TargetHealthRecord {
  readonly target: string;
  /** Infrastructure failures in a row. */
  readonly failures: number;
  /** When the first of them was. */
  readonly since: string;
  /** The latest one's note. */
  readonly why: string;
  /** When its lanes were last kept back; null while they still run. */
  readonly openedAt: string | null;
  /** How long they are kept back from then on; milliseconds. */
  readonly backoffMs: number;
  /** The claim that tries whether it does well again. */
  readonly trialLane: number | null;
  readonly trialToken: number | null;
}

/** One intended or done move of the target or end of a branch. Written before git is touched. */
export interface JournalRecord {
  readonly id: number;
  readonly kind: "create" | "merge" | "close" | "accept" | "restore" | "import";
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
  readonly kind: "owner" | "agent" | "member";
  readonly active: boolean;
  readonly admin: boolean;
  readonly canForgeWrite: boolean;
  readonly note: string | null;
  /** npub of the owner's key that let it in; null for the keys of the configuration. */
  readonly approvedBy: string | null;
  /** npub of who changed it last; null where the configuration did. */
  readonly updatedBy: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}
export type NewKey = Omit<KeyRecord, "createdAt" | "updatedAt">;

/** A live token, by its SHA-256. */
export interface TokenRecord {
  readonly hash: string;
  readonly npub: string;
  /** The key's. */
  readonly name: string | null;
  readonly createdAt: string | null;
  /** Coarse. */
  readonly lastUsedAt: string | null;
  readonly expiresAt: string;
}

/** What the audit trail calls an act. */
export type AuditAction =
  | "login"
  | "logout"
  | "token_revoked"
  | "push"
  | "merge"
  | "force"
  | "close"
  | "tutorial"
  | "rerun_lane"
  | "rerun_suite"
  | "fail_lane"
  | "cancel_lane"
  | "requeue_lane"
  | "recover_run"
  | "cancel_run"
  | "rerun_nightly"
  | "nightly"
  | "target_accepted"
  | "target_restored"
  | "target_imported"
  | "drain"
  | "wake"
  | "ci_paused"
  | "ci_resumed"
  | "health_reset"
  | "mirror_sync"
  | "key_approved"
  | "key_changed"
  | "key_deactivated";

/** One act of somebody: who, what, on which head, with which end. Never holds a secret. */
export interface AuditRecord {
  readonly id: number;
  readonly at: string;
  /** Null where the forge itself acted. */
  readonly npub: string | null;
  /** The key's name when it acted. */
  readonly name: string | null;
  readonly action: AuditAction;
  readonly branchId: number | null;
  readonly branchName: string | null;
  readonly runId: number | null;
  readonly laneRunId: number | null;
  readonly head: string | null;
  /** What else was acted on: another key's npub, a token's id. */
  readonly subject: string | null;
  readonly result: "ok" | "refused";
  readonly detail: string | null;
}
/** Who pushed: the npub that the SSH key belongs to, and the name it had then. */
export interface Pusher {
  readonly npub: string;
  readonly name: string | null;
}

export type NewAudit = Pick<AuditRecord, "npub" | "action"> &
  Partial<Omit<AuditRecord, "id" | "at" | "npub" | "name" | "action" | "branchName">>;

/** A branch that waits in somebody's inbox, not dismissed. */
export interface InboxRecord {
  readonly branchId: number;
  readonly branchState: BranchState;
  /** The present tutorial is not the one that was reviewed. */
  readonly needsReview: boolean;
  readonly reviewedAt: string | null;
  /** When the branch first came into the inbox. */
  readonly createdAt: string;
  /** When its present tutorial came. */
  readonly updatedAt: string;
}

export interface TutorialRecord {
  readonly branchId: number;
  readonly head: string;
  /** The reference's tutorial document as JSON text. */
  readonly document: string;
  readonly by: string;
  readonly at: string;
}

/** One attempt to push to the mirror. */
export interface MirrorRunRecord {
  readonly id: number;
  /** Its URL, which holds no secret. */
  readonly remote: string;
  readonly triggerSource: "background" | "post-mutation" | "manual";
  readonly status: "success" | "failed";
  readonly failureKind: string | null;
  readonly localTarget: string | null;
  readonly remoteTarget: string | null;
  /** Refs that the mirror lacks, has elsewhere, or should not have any more; null: not known. */
  readonly lagging: number | null;
  readonly synced: number | null;
  /** Full names of the first few of them. */
  readonly laggingRefs: readonly string[];
  readonly error: string | null;
  readonly startedAt: string;
  readonly finishedAt: string;
}

/** The attempt under way. */
export interface MirrorLockRecord {
  readonly token: string;
  readonly pid: number;
  readonly triggerSource: MirrorRunRecord["triggerSource"];
  readonly startedAt: string;
  readonly expiresAt: string;
}
