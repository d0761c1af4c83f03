import type { Database } from "./database.ts";
import type { EventRecord, NewEvent } from "./records.ts";
import type { Reads } from "./store.ts";

const columns =
  "seq, kind, branch_id AS branchId, run_id AS runId, lane_run_id AS laneRunId, head, at";

/** Events beyond the newest so many are dropped by a sweep; a client further behind reads anew. */
const keptEvents = 20_000;

type EventReads = Pick<Reads, "eventsAfter" | "lastEventAt" | "newestEventSeq" | "oldestEventSeq">;

export function eventReads(db: Database): EventReads {
  return {
    eventsAfter: (seq, limit) =>
      db.all<EventRecord>(
        `SELECT ${columns} FROM events WHERE seq > :seq ORDER BY seq LIMIT :limit`,
        { seq, limit },
      ),
    lastEventAt: (what) =>
      db.get<{ at: string }>(
        "SELECT at FROM events WHERE kind GLOB :kinds ORDER BY seq DESC LIMIT 1",
        { kinds: `${what}_*` },
      )?.at ?? null,
    newestEventSeq: () =>
      db.get<{ seq: number | null }>("SELECT max(seq) AS seq FROM events")?.seq ?? 0,
    oldestEventSeq: () =>
      db.get<{ seq: number | null }>("SELECT min(seq) AS seq FROM events")?.seq ?? 0,
  };
}

export function insertEvent(db: Database, event: NewEvent, at: string): void {
  db.change(
    `INSERT INTO events (kind, branch_id, run_id, lane_run_id, head, at)
     VALUES (:kind, :branchId, :runId, :laneRunId, :head, :at)`,
    {
      kind: event.kind,
      branchId: event.branchId ?? null,
      runId: event.runId ?? null,
      laneRunId: event.laneRunId ?? null,
      head: event.head ?? null,
      at,
    },
  );
}

export function sweepEvents(db: Database): void {
  db.change("DELETE FROM events WHERE seq <= (SELECT max(seq) FROM events) - :kept", {
    kept: keptEvents,
  });
}
