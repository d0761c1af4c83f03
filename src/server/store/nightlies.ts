import type { Database } from "./database.ts";
import type { NightlyRecord, RunRecord } from "./records.ts";
import type { Reads, Writes } from "./store.ts";
import type { Writing } from "./writing.ts";

const columns =
  "run_id AS runId, scheduled_for AS scheduledFor, source_ref AS sourceRef, summary, day";

type NightlyReads = Pick<
  Reads,
  "nightly" | "nightlyAt" | "nightlyOfDay" | "newestNightlyDay" | "nightlies"
>;
type NightlyWrites = Pick<Writes, "createNightly">;

export function nightlyReads(db: Database): NightlyReads {
  return {
    nightly: (runId) =>
      db.get<NightlyRecord>(`SELECT ${columns} FROM nightlies WHERE run_id = :runId`, { runId }),
    nightlyAt: (scheduledFor) =>
      db.get<NightlyRecord>(
        `SELECT ${columns} FROM nightlies WHERE scheduled_for = :scheduledFor`,
        {
          scheduledFor,
        },
      ),
    nightlyOfDay: (day) =>
      db.get<NightlyRecord>(`SELECT ${columns} FROM nightlies WHERE day = :day`, { day }),
    newestNightlyDay: (today) =>
      db.get<{ day: string }>(
        "SELECT day FROM nightlies WHERE day <= :today ORDER BY day DESC LIMIT 1",
        { today },
      )?.day,
    nightlies: ({ limit, before }) =>
      db.all<NightlyRecord>(
        `SELECT ${columns} FROM nightlies WHERE scheduled_for < :before
         ORDER BY scheduled_for DESC LIMIT :limit`,
        // Whatever a time begins with, it comes before this.
        { limit, before: before ?? "~" },
      ),
  };
}

export function nightlyWrites(
  { db }: Writing,
  { createRun, nightlyAt }: Pick<Writes, "createRun"> & Pick<Reads, "nightlyAt">,
): NightlyWrites {
  return {
    createNightly({ at, day, sourceRef, summary, ...run }): RunRecord {
      let scheduledFor = at;
      // Two asked for in the same millisecond are two all the same.
      while (nightlyAt(scheduledFor) !== undefined) {
        scheduledFor = new Date(Date.parse(scheduledFor) + 1).toISOString();
      }
      const made = createRun({ ...run, branchId: null, subject: "nightly" });
      db.change(
        `INSERT INTO nightlies (run_id, scheduled_for, source_ref, summary, day)
         VALUES (:runId, :scheduledFor, :sourceRef, :summary, :day)`,
        { runId: made.id, scheduledFor, sourceRef, summary, day: day ?? null },
      );
      return made;
    },
  };
}
