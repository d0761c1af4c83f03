import type { ExecutionReason } from "../../domain/status.ts";
import type { Database } from "./database.ts";
import { queueOrder } from "./lane-order.ts";
import type { WaitingLane } from "./records.ts";
import { type RunRow, runColumns, toRun } from "./runs.ts";
import type { Reads } from "./store.ts";

type QueueReads = Pick<
  Reads,
  | "waitingLanes"
  | "waitingByReason"
  | "laneDurations"
  | "unfinishedRerunOf"
  | "unfinishedNightlyRerunOf"
>;

/** Reads for those who look at the queue, beside those that the scheduler works with. */
export function queueReads(db: Database): QueueReads {
  const firstRun = (condition: string, id: number) => {
    const row = db.get<RunRow>(
      `SELECT ${runColumns} FROM runs
       WHERE status IN ('queued', 'running') AND ${condition} ORDER BY id DESC LIMIT 1`,
      { id },
    );
    return row === undefined ? undefined : toRun(row);
  };
  return {
    waitingLanes: () =>
      db.list<Required<WaitingLane>, WaitingLane>(
        `SELECT id, branch_id AS branchId, lane, reason, concurrency_group AS concurrencyGroup,
           target_key AS targetKey, created_at AS createdAt
         FROM lanes WHERE status = 'queued' ORDER BY ${queueOrder}`,
        ({ id, branchId, lane, reason, concurrencyGroup, targetKey, createdAt }) => {
          return { id, branchId, lane, reason, concurrencyGroup, targetKey, createdAt };
        },
      ),
    waitingByReason: () =>
      db.all<{ reason: ExecutionReason; lanes: number }>(
        `SELECT reason, count(*) AS lanes FROM lanes WHERE status = 'queued'
         GROUP BY reason ORDER BY lanes DESC, reason`,
      ),
    laneDurations: (lane, most) =>
      db
        .all<{ startedAt: string; finishedAt: string }>(
          `SELECT started_at AS startedAt, finished_at AS finishedAt FROM lanes
           WHERE status = 'success' AND lane = :lane
             AND started_at IS NOT NULL AND finished_at IS NOT NULL
           ORDER BY id DESC LIMIT :most`,
          { lane, most },
        )
        .map(({ startedAt, finishedAt }) =>
          Math.max(0, Date.parse(finishedAt) - Date.parse(startedAt)),
        ),
    unfinishedRerunOf: (id) =>
      firstRun("partial = 1 AND id IN (SELECT run_id FROM lanes WHERE rerun_of = :id)", id),
    unfinishedNightlyRerunOf: (id) =>
      firstRun("partial = 0 AND subject = 'nightly' AND rerun_of = :id", id),
  };
}
