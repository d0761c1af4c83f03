import { isActive, runStatusOf } from "../../domain/status.ts";
import type { Database } from "./database.ts";
import { insertLanes } from "./lane-queue.ts";
import type { LaneRecord, RunRecord } from "./records.ts";
import type { Reads, Writes } from "./store.ts";
import { flag, type Writing } from "./writing.ts";

export const runColumns = `id, branch_id AS branchId, subject, head, status, reason, note, partial,
  rerun_of AS rerunOf, created_at AS createdAt, started_at AS startedAt, finished_at AS finishedAt`;

export type RunRow = Omit<RunRecord, "partial"> & { readonly partial: number };
export const toRun = (row: RunRow): RunRecord => ({ ...row, partial: row.partial === 1 });

type RunReads = Pick<Reads, "run" | "runsOfBranch" | "runsOfHead" | "unfinishedRuns">;
type RunWrites = Pick<Writes, "createRun" | "refoldRun" | "noteRun">;

const keptNoteLines = 20;

export function runReads(db: Database): RunReads {
  return {
    run(id) {
      const row = db.get<RunRow>(`SELECT ${runColumns} FROM runs WHERE id = :id`, { id });
      return row === undefined ? undefined : toRun(row);
    },
    runsOfBranch: (branchId, limit) =>
      db
        .all<RunRow>(
          `SELECT ${runColumns} FROM runs WHERE branch_id = :branchId ORDER BY id DESC LIMIT :limit`,
          { branchId, limit },
        )
        .map(toRun),
    runsOfHead: (branchId, head) =>
      db
        .all<RunRow>(
          `SELECT ${runColumns} FROM runs WHERE branch_id = :branchId AND head = :head ORDER BY id DESC`,
          { branchId, head },
        )
        .map(toRun),
    unfinishedRuns: (branchId) =>
      db
        .all<RunRow>(
          `SELECT ${runColumns} FROM runs
           WHERE branch_id = :branchId AND status IN ('queued', 'running') ORDER BY id`,
          { branchId },
        )
        .map(toRun),
  };
}

export function runWrites(writing: Writing, reads: Pick<Reads, "run">): RunWrites {
  const { db, now, addEvent } = writing;
  return {
    createRun(run) {
      const at = now();
      const waits = run.lanes.length > 0;
      const row = db.changed<RunRow>(
        `INSERT INTO runs (branch_id, subject, head, status, reason, note, partial, rerun_of,
           created_at, finished_at)
         VALUES (:branchId, :subject, :head, :status, :reason, :note, :partial, :rerunOf, :at, :finishedAt)
         RETURNING ${runColumns}`,
        {
          branchId: run.branchId,
          subject: run.subject,
          head: run.head,
          status: waits ? "queued" : run.status,
          reason: run.reason,
          note: run.note,
          partial: flag(run.partial),
          rerunOf: run.rerunOf,
          at,
          finishedAt: waits ? null : at,
        },
      );
      if (row === undefined) throw new Error(`A run for ${run.head} could not be recorded.`);
      insertLanes(writing, row, run.lanes);
      const kind = waits ? "run_queued" : "run_finished";
      addEvent({ kind, branchId: row.branchId, runId: row.id, head: row.head });
      return toRun(row);
    },

    refoldRun(runId, reason) {
      const before = reads.run(runId);
      if (before === undefined) throw new Error(`Run #${runId} is not in the store.`);
      const lanes = db.all<{ status: LaneRecord["status"] }>(
        "SELECT status FROM lanes WHERE run_id = :runId",
        { runId },
      );
      const after = fold(before, lanes, reason, now());
      if (isSame(before, after)) return after;
      db.change(
        `UPDATE runs SET status = :status, reason = :reason, started_at = :startedAt,
           finished_at = :finishedAt WHERE id = :id`,
        {
          id: runId,
          status: after.status,
          reason: after.reason,
          startedAt: after.startedAt,
          finishedAt: after.finishedAt,
        },
      );
      if (isActive(before.status) && !isActive(after.status)) {
        addEvent({ kind: "run_finished", branchId: after.branchId, runId, head: after.head });
      }
      return after;
    },

    noteRun(runId, line) {
      const lines = (reads.run(runId)?.note ?? "").split("\n").filter((each) => each !== "");
      const note = [...lines, line].slice(-keptNoteLines).join("\n");
      db.change("UPDATE runs SET note = :note WHERE id = :id", { id: runId, note });
    },
  };
}

/** A run as its lanes say it is. One without lanes keeps the status that it was made with. */
function fold(
  run: RunRecord,
  lanes: readonly Pick<LaneRecord, "status">[],
  reason: RunRecord["reason"] | undefined,
  at: string,
): RunRecord {
  if (lanes.length === 0) return { ...run, reason: reason ?? run.reason };
  const status = runStatusOf(lanes.map((lane) => lane.status));
  const active = isActive(status);
  // A run that is taken up again has not been given up any longer.
  const kept = active && run.reason === "superseded" ? null : run.reason;
  return {
    ...run,
    status,
    reason: reason ?? kept,
    startedAt: status === "queued" ? null : (run.startedAt ?? at),
    finishedAt: active ? null : (run.finishedAt ?? at),
  };
}

function isSame(one: RunRecord, other: RunRecord): boolean {
  return (["status", "reason", "startedAt", "finishedAt"] as const).every(
    (field) => one[field] === other[field],
  );
}
