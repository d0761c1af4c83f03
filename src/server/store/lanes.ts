import type { Database } from "./database.ts";
import { mayBeTold, ontoOf } from "./lane-order.ts";
import { nextTurn } from "./lane-queue.ts";
import type { LaneRecord } from "./records.ts";
import type { Reads, Writes } from "./store.ts";
import type { Writing } from "./writing.ts";

const columns = `id, run_id AS runId, branch_id AS branchId, head, lane, title, entrypoint, command,
  env, concurrency_group AS concurrencyGroup, timeout_seconds AS timeoutSeconds,
  target_key AS targetKey, status, reason, failure_kind AS failureKind, note,
  retry_count AS retryCount, rerun_of AS rerunOf, claim_token AS claimToken, pid,
  process_start AS processStart, boot_id AS bootId, isolation,
  executor_run_id AS executorRunId, executor_target_id AS executorTargetId,
  created_at AS createdAt, started_at AS startedAt, finished_at AS finishedAt,
  heartbeat_at AS heartbeatAt, lease_expires_at AS leaseExpiresAt`;

type LaneRow = Omit<LaneRecord, "command" | "env" | "process"> & {
  readonly command: string;
  readonly env: string;
  readonly pid: number | null;
  readonly processStart: string | null;
  readonly bootId: string | null;
};

function toLane({ pid, processStart, bootId, command, env, ...row }: LaneRow): LaneRecord {
  return {
    ...row,
    command: JSON.parse(command),
    env: JSON.parse(env),
    process: pid === null ? null : { pid, startTime: processStart, bootId },
  };
}

/** What belongs to one attempt and is forgotten before the next. */
const cleared = `failure_kind = NULL, note = NULL, pid = NULL, process_start = NULL, boot_id = NULL,
  isolation = NULL, executor_run_id = NULL, executor_target_id = NULL, finished_at = NULL`;

/** An end's own values; whatever else its object carries has no column. */
const endOf = (end: Parameters<Writes["finishLane"]>[2]) => ({
  status: end.status,
  failureKind: end.failureKind,
  note: end.note,
});

/** Only the claim that is still good may change a running lane. */
const ownClaim = "id = :id AND status = 'running' AND claim_token = :token";

type LaneReads = Pick<
  Reads,
  | "lane"
  | "isClaimed"
  | "laneOfExecutor"
  | "lanesOfRun"
  | "runningLanes"
  | "lapsedLanes"
  | "countRunningLanes"
  | "countQueuedLanes"
  | "anyLaneQueued"
>;
type LaneWrites = Pick<
  Writes,
  | "setLaneReason"
  | "claimLane"
  | "recordLaneProcess"
  | "heartbeat"
  | "finishLane"
  | "recordExecutorIds"
  | "endLane"
  | "requeueLane"
>;

export function laneReads(db: Database): LaneReads {
  // The status is written out, since a bound one would keep SQLite from the partial indexes.
  const count = (status: "queued" | "running") =>
    db.get<{ lanes: number }>(`SELECT count(*) AS lanes FROM lanes WHERE status = '${status}'`)
      ?.lanes ?? 0;
  const byId = `SELECT ${columns} FROM lanes WHERE id = :id`;
  const running = `SELECT ${columns} FROM lanes WHERE status = 'running' ORDER BY id`;
  return {
    lane(id) {
      const row = db.get<LaneRow>(byId, { id });
      return row === undefined ? undefined : toLane(row);
    },
    isClaimed: (id, token) =>
      db.get(`SELECT 1 AS found FROM lanes WHERE ${ownClaim}`, { id, token }) !== undefined,
    laneOfExecutor(executorRunId) {
      const row = db.get<LaneRow>(
        `SELECT ${columns} FROM lanes WHERE executor_run_id = :executorRunId ORDER BY id LIMIT 1`,
        { executorRunId },
      );
      return row === undefined ? undefined : toLane(row);
    },
    lanesOfRun: (runId) =>
      db
        .all<LaneRow>(`SELECT ${columns} FROM lanes WHERE run_id = :runId ORDER BY id`, { runId })
        .map(toLane),
    runningLanes: () => db.all<LaneRow>(running).map(toLane),
    lapsedLanes: (now) =>
      db
        .all<LaneRow>(
          // Also where the clock was set back behind the latest heartbeat: nobody would renew it.
          `SELECT ${columns} FROM lanes WHERE status = 'running'
             AND (ifnull(lease_expires_at, '') <= :now OR heartbeat_at > :now) ORDER BY id`,
          { now },
        )
        .map(toLane),
    countRunningLanes: () => count("running"),
    countQueuedLanes: () => count("queued"),
    anyLaneQueued: () =>
      db.get("SELECT 1 AS found FROM lanes WHERE status = 'queued' LIMIT 1") !== undefined,
  };
}

export function laneWrites({ db, now, addEvent }: Writing, reads: LaneReads): LaneWrites {
  const tell = (kind: string, id: number) => {
    const lane = db.get<{ branchId: number | null; runId: number; head: string }>(
      "SELECT branch_id AS branchId, run_id AS runId, head FROM lanes WHERE id = :id",
      { id },
    );
    if (lane !== undefined) addEvent({ kind, laneRunId: id, ...lane });
  };
  return {
    setLaneReason: (id, reason) =>
      db.change(
        `UPDATE lanes SET reason = :reason
         WHERE id = :id AND status = 'queued' AND reason <> :reason AND ${mayBeTold}`,
        { id, reason },
      ) > 0,

    claimLane(id, lease) {
      const claimed = db.change(
        `UPDATE lanes SET status = 'running', reason = 'running', claim_token = claim_token + 1,
           started_at = :now, heartbeat_at = :now, lease_expires_at = :expiresAt, ${cleared}
         WHERE id = :id AND status = 'queued'`,
        { id, now: lease.now, expiresAt: lease.expiresAt },
      );
      if (claimed === 0) return undefined;
      tell("lane_claimed", id);
      return reads.lane(id);
    },

    recordLaneProcess: (id, token, process, isolation) =>
      db.change(
        `UPDATE lanes SET pid = :pid, process_start = :startTime, boot_id = :bootId,
           isolation = :isolation WHERE ${ownClaim}`,
        {
          id,
          token,
          pid: process.pid,
          startTime: process.startTime,
          bootId: process.bootId,
          isolation,
        },
      ) === 1,

    heartbeat: (id, token, lease) =>
      db.change(
        `UPDATE lanes SET heartbeat_at = :now, lease_expires_at = :expiresAt WHERE ${ownClaim}`,
        { id, token, now: lease.now, expiresAt: lease.expiresAt },
      ) === 1,

    finishLane(id, token, end) {
      const finished = db.change(
        `UPDATE lanes SET status = :status, failure_kind = :failureKind, note = :note,
           finished_at = :now, lease_expires_at = NULL WHERE ${ownClaim}`,
        { id, token, ...endOf(end), now: now() },
      );
      if (finished === 0) return false;
      tell("lane_finished", id);
      return true;
    },

    recordExecutorIds: (id, token, ids) =>
      db.change(
        `UPDATE lanes SET executor_run_id = :runId, executor_target_id = :targetId WHERE ${ownClaim}`,
        { id, token, runId: ids.runId, targetId: ids.targetId },
      ) === 1,

    endLane(id, end) {
      const ended = db.change(
        `UPDATE lanes SET status = :status, failure_kind = :failureKind, note = :note,
           claim_token = claim_token + 1, finished_at = :now, lease_expires_at = NULL
         WHERE id = :id AND status IN ('queued', 'running')`,
        { id, ...endOf(end), now: now() },
      );
      if (ended > 0) tell("lane_finished", id);
    },

    requeueLane(id, reason) {
      const requeued = db.change(
        `UPDATE lanes SET status = 'queued', reason = :reason, claim_token = claim_token + 1,
           retry_count = retry_count + 1, created_at = :now, started_at = NULL,
           heartbeat_at = NULL, lease_expires_at = NULL, turn = :turn,
           onto = ${ontoOf("(SELECT subject FROM runs WHERE runs.id = lanes.run_id)", "lanes.branch_id")},
           ${cleared}
         WHERE id = :id`,
        { id, reason, turn: nextTurn(db), now: now() },
      );
      if (requeued > 0) tell("lane_requeued", id);
    },
  };
}
