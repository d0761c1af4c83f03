import type { Database } from "./database.ts";
import type { JournalRecord } from "./records.ts";
import type { Reads, Writes } from "./store.ts";
import { flag, type Writing } from "./writing.ts";

const columns = `id, kind, branch_id AS branchId, head, target_before AS targetBefore,
  target_after AS targetAfter, state, by, reason, forced, at`;

type JournalRow = Omit<JournalRecord, "forced"> & { readonly forced: number };
const toEntry = (row: JournalRow): JournalRecord => ({ ...row, forced: row.forced === 1 });

export function journalReads(db: Database): Pick<Reads, "lastTargetMove" | "intendedMoves"> {
  return {
    lastTargetMove() {
      const row = db.get<JournalRow>(
        `SELECT ${columns} FROM journal
         WHERE state = 'done' AND target_after IS NOT NULL ORDER BY id DESC LIMIT 1`,
      );
      return row === undefined ? undefined : toEntry(row);
    },
    intendedMoves: () =>
      db
        .all<JournalRow>(`SELECT ${columns} FROM journal WHERE state = 'intended' ORDER BY id`)
        .map(toEntry),
  };
}

export function journalWrites({
  db,
  now,
}: Writing): Pick<Writes, "addJournal" | "setJournalState"> {
  return {
    addJournal(entry) {
      const row = db.changed<JournalRow>(
        `INSERT INTO journal (kind, branch_id, head, target_before, target_after, state, by, reason, forced, at)
         VALUES (:kind, :branchId, :head, :targetBefore, :targetAfter, :state, :by, :reason, :forced, :at)
         RETURNING ${columns}`,
        {
          kind: entry.kind,
          branchId: entry.branchId,
          head: entry.head,
          targetBefore: entry.targetBefore,
          targetAfter: entry.targetAfter,
          state: entry.state,
          by: entry.by,
          reason: entry.reason,
          forced: flag(entry.forced),
          at: now(),
        },
      );
      if (row === undefined) throw new Error(`A ${entry.kind} could not be journalled.`);
      return toEntry(row);
    },
    setJournalState(id, state) {
      db.change("UPDATE journal SET state = :state WHERE id = :id", { id, state });
    },
  };
}
