import { ontoOf } from "./lane-order.ts";
import type { LaneDefinition, RunRecord } from "./records.ts";
import type { Writing } from "./writing.ts";

type NewLane = LaneDefinition & { readonly rerunOf?: number | null };

/** Queues a run's lanes, in the manifest's order, behind those the branch already waits for. */
export function insertLanes(
  { db, now }: Writing,
  run: Pick<RunRecord, "id" | "branchId" | "head" | "subject">,
  lanes: readonly NewLane[],
): void {
  if (lanes.length === 0) return;
  const first = firstTurn(db, run.branchId);
  const at = now();
  lanes.forEach((lane, index) => {
    db.change(
      `INSERT INTO lanes (run_id, branch_id, head, lane, title, entrypoint, command, paths, inputs,
         env, concurrency_group, timeout_seconds, target_key, turn, onto, status, reason, rerun_of, created_at)
       VALUES (:runId, :branchId, :head, :lane, :title, :entrypoint, :command, :paths, :inputs,
         :env, :concurrencyGroup, :timeoutSeconds, :targetKey, :turn, ${ontoOf(":subject", ":branchId")}, 'queued', 'queued', :rerunOf, :at)`,
      {
        runId: run.id,
        branchId: run.branchId,
        subject: run.subject,
        head: run.head,
        lane: lane.lane,
        title: lane.title,
        entrypoint: lane.entrypoint,
        command: JSON.stringify(lane.command),
        paths: JSON.stringify(lane.paths),
        inputs: JSON.stringify(lane.inputs),
        env: JSON.stringify(lane.env),
        concurrencyGroup: lane.concurrencyGroup,
        timeoutSeconds: lane.timeoutSeconds,
        targetKey: lane.targetKey,
        turn: first + index,
        rerunOf: lane.rerunOf ?? null,
        at,
      },
    );
  });
}

/**
 * Where a branch joins the queue: with those who are served next, so that it need not wait for all
 * lanes of the others; and after what is being served, so that newcomers never hold anybody up.
 */
function firstTurn(db: Writing["db"], branchId: number | null): number {
  const own = db.get<{ turn: number | null }>(
    "SELECT max(turn) AS turn FROM lanes WHERE status = 'queued' AND branch_id = :branchId",
    { branchId },
  )?.turn;
  return Math.max(nextTurn(db), (own ?? -1) + 1);
}

/** The turn after the latest that was served. */
export function nextTurn(db: Writing["db"]): number {
  const served = db.get<{ turn: number | null }>(
    "SELECT max(turn) AS turn FROM lanes WHERE started_at IS NOT NULL",
  )?.turn;
  return (served ?? -1) + 1;
}
