import type { Database } from "./database.ts";
import type { MirrorLockRecord, MirrorRunRecord } from "./records.ts";
import type { Reads, Writes } from "./store.ts";
import type { Writing } from "./writing.ts";

const columns = `id, remote, trigger_source AS triggerSource, status, failure_kind AS failureKind,
  local_target AS localTarget, remote_target AS remoteTarget, lagging, synced,
  lagging_refs AS laggingRefs, error, started_at AS startedAt, finished_at AS finishedAt`;

/** More than are ever shown, so that failures in a row can be counted. */
const keptRuns = 64;

type RunRow = Omit<MirrorRunRecord, "laggingRefs"> & { readonly laggingRefs: string };
const toRun = (row: RunRow): MirrorRunRecord => ({
  ...row,
  laggingRefs: JSON.parse(row.laggingRefs) as readonly string[],
});

type MirrorReads = Pick<Reads, "mirrorRuns" | "mirrorRefs" | "mirrorTried" | "mirrorLock">;
type MirrorWrites = Pick<
  Writes,
  "takeMirrorLock" | "freeMirrorLock" | "addMirrorRun" | "setMirrorRefs" | "addMirrorTried"
>;

export function mirrorReads(db: Database): MirrorReads {
  return {
    mirrorRuns: (remote, limit) =>
      db
        .all<RunRow>(
          `SELECT ${columns} FROM mirror_runs WHERE remote = :remote ORDER BY id DESC LIMIT :limit`,
          { remote, limit },
        )
        .map(toRun),
    mirrorRefs: (remote) =>
      new Map(
        db
          .all<{ ref: string; sha: string }>(
            "SELECT ref, sha FROM mirror_refs WHERE remote = :remote",
            { remote },
          )
          .map(({ ref, sha }) => [ref, sha]),
      ),
    mirrorTried(remote) {
      const tried = new Map<string, Set<string>>();
      const rows = db.all<{ ref: string; sha: string }>(
        "SELECT ref, sha FROM mirror_tried WHERE remote = :remote",
        { remote },
      );
      for (const { ref, sha } of rows) tried.set(ref, (tried.get(ref) ?? new Set()).add(sha));
      return tried;
    },
    mirrorLock: () =>
      db.get<MirrorLockRecord>(
        `SELECT token, pid, trigger_source AS triggerSource, started_at AS startedAt,
           expires_at AS expiresAt FROM mirror_lock`,
      ),
  };
}

export function mirrorWrites({ db, now }: Writing): MirrorWrites {
  return {
    takeMirrorLock({ token, pid, triggerSource, expiresAt }) {
      const taken = db.change(
        `INSERT INTO mirror_lock (id, token, pid, trigger_source, started_at, expires_at)
         VALUES (1, :token, :pid, :triggerSource, :now, :expiresAt)
         ON CONFLICT (id) DO UPDATE SET token = :token, pid = :pid,
           trigger_source = :triggerSource, started_at = :now, expires_at = :expiresAt
         WHERE mirror_lock.expires_at <= :now`,
        { token, pid, triggerSource, expiresAt, now: now() },
      );
      return taken === 1;
    },
    freeMirrorLock(token) {
      db.change("DELETE FROM mirror_lock WHERE :token IS NULL OR token = :token", { token });
    },
    addMirrorRun(run) {
      const row = db.changed<RunRow>(
        `INSERT INTO mirror_runs (remote, trigger_source, status, failure_kind, local_target,
           remote_target, lagging, synced, lagging_refs, error, started_at, finished_at)
         VALUES (:remote, :triggerSource, :status, :failureKind, :localTarget, :remoteTarget,
           :lagging, :synced, :laggingRefs, :error, :startedAt, :finishedAt)
         RETURNING ${columns}`,
        { ...run, laggingRefs: JSON.stringify(run.laggingRefs), finishedAt: now() },
      );
      if (row === undefined) throw new Error("An attempt of the mirror could not be recorded.");
      db.change("DELETE FROM mirror_runs WHERE id <= :id", { id: row.id - keptRuns });
      return toRun(row);
    },
    setMirrorRefs(remote, changes) {
      db.change("DELETE FROM mirror_refs WHERE remote <> :remote", { remote });
      db.change("DELETE FROM mirror_tried WHERE remote <> :remote", { remote });
      for (const [ref, sha] of changes) {
        db.change("DELETE FROM mirror_tried WHERE remote = :remote AND ref = :ref", {
          remote,
          ref,
        });
        if (sha === null) {
          db.change("DELETE FROM mirror_refs WHERE remote = :remote AND ref = :ref", {
            remote,
            ref,
          });
          continue;
        }
        db.change(
          `INSERT INTO mirror_refs (remote, ref, sha) VALUES (:remote, :ref, :sha)
           ON CONFLICT (remote, ref) DO UPDATE SET sha = :sha`,
          { remote, ref, sha },
        );
      }
    },
    addMirrorTried(remote, pushed) {
      for (const [ref, sha] of pushed) {
        db.change(
          "INSERT OR IGNORE INTO mirror_tried (remote, ref, sha) VALUES (:remote, :ref, :sha)",
          {
            ...{ remote, ref, sha },
          },
        );
      }
    },
  };
}
