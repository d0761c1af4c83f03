import type { ExecutionReason } from "../../domain/status.ts";
import type { Database, Values } from "./database.ts";
import { isBefore, lastTarget, mayBeTold, turnsGivenWay } from "./lane-order.ts";
import type { PoolHead, TargetHealthRecord } from "./records.ts";
import type { Reads, Writes } from "./store.ts";
import type { Writing } from "./writing.ts";

type PoolReads = Pick<Reads, "poolNames" | "poolHead" | "targetHealth" | "targetsUnwell">;
type PoolWrites = Pick<Writes, "tellPool" | "putTargetHealth" | "removeTargetHealth">;

const healthColumns = `target, failures, since, why, opened_at AS openedAt,
  backoff_ms AS backoffMs, trial_lane AS trialLane, trial_token AS trialToken`;

/** Waiting lanes that have not been told a reason, by two looks at one index. */
const untoldLanes = ["<", ">"].map(
  (side) => `SELECT id FROM lanes INDEXED BY lanes_pool_reason
    WHERE status = 'queued' AND pool = :pool AND reason ${side} :reason
      AND id <> :except AND ${mayBeTold}`,
);

interface HeadRow extends Omit<PoolHead, "nightly"> {
  readonly nightly: number;
}

/** What a scheduler's pass reads: a few index look-ups for each pool, however many lanes wait. */
export function poolReads(db: Database): PoolReads {
  const lookUp = (index: string, condition: string) =>
    `SELECT id, turn AS rank, pool, onto = 'nightly' AS nightly,
       concurrency_group AS concurrencyGroup, target_key AS targetKey
     FROM lanes INDEXED BY ${index}
     WHERE status = 'queued' AND pool = :pool AND ${condition}
     ORDER BY turn, id LIMIT 1 OFFSET :passed`;
  const firstFresh = lookUp("lanes_pool_onto", "onto = :tip");
  const firstBehind = lookUp("lanes_pool", "turn < :before");
  const first = (sql: string, without: readonly number[], values: Values): HeadRow | undefined => {
    for (let passed = 0; ; passed += 1) {
      const head = db.get<HeadRow>(sql, { ...values, passed });
      if (head === undefined || !without.includes(head.id)) return head;
    }
  };
  return {
    poolNames() {
      const names: string[] = [];
      for (let name: string | undefined = ""; ; ) {
        // One look-up for each pool: the next name after the one before.
        name = db.get<{ pool: string }>(
          `SELECT pool FROM lanes INDEXED BY lanes_pool
           WHERE status = 'queued' AND pool > :name ORDER BY pool LIMIT 1`,
          { name },
        )?.pool;
        if (name === undefined) return names;
        names.push(name);
      }
    },

    poolHead(pool, without) {
      const tip = db.get<{ tip: string | null }>(`SELECT (${lastTarget}) AS tip`)?.tip ?? "";
      const fresh = first(firstFresh, without, { pool, tip });
      // Whoever has a turn before the first fresh lane's is not fresh, so its rank is known.
      const before = fresh?.rank ?? Number.MAX_SAFE_INTEGER;
      const behind = first(firstBehind, without, { pool, before });
      const late = behind && {
        ...behind,
        rank: behind.rank + (behind.nightly === 1 ? 0 : turnsGivenWay),
      };
      const head = late === undefined || (fresh && isBefore(fresh, late)) ? fresh : late;
      return head && { ...head, nightly: head.nightly === 1 };
    },

    targetHealth: (target) =>
      db.get<TargetHealthRecord>(
        `SELECT ${healthColumns} FROM target_health WHERE target = :target`,
        { target },
      ),
    targetsUnwell: () =>
      db.all<TargetHealthRecord>(`SELECT ${healthColumns} FROM target_health ORDER BY target`),
  };
}

export function poolWrites({ db, addEvent }: Writing): PoolWrites {
  return {
    tellPool(pool, reason: ExecutionReason, how) {
      let left = how.most;
      for (const untold of untoldLanes) {
        const values = { pool, reason, except: how.except ?? 0 };
        // Mostly there is none, which a look tells in a tenth of the time that a change takes.
        if (db.get(`${untold} LIMIT 1`, values) === undefined) continue;
        left -= db.change(`UPDATE lanes SET reason = :reason WHERE id IN (${untold} LIMIT :left)`, {
          ...values,
          left,
        });
      }
      return how.most - left;
    },

    putTargetHealth(health) {
      const before = db.get<{ openedAt: string | null }>(
        "SELECT opened_at AS openedAt FROM target_health WHERE target = :target",
        { target: health.target },
      );
      db.change(
        `INSERT OR REPLACE INTO target_health
           (target, failures, since, why, opened_at, backoff_ms, trial_lane, trial_token)
         VALUES (:target, :failures, :since, :why, :openedAt, :backoffMs, :trialLane, :trialToken)`,
        { ...health },
      );
      if (health.openedAt !== (before?.openedAt ?? null)) addEvent({ kind: "ci_target_blocked" });
    },

    removeTargetHealth(target) {
      const before = db.get<{ openedAt: string | null }>(
        "SELECT opened_at AS openedAt FROM target_health WHERE target = :target",
        { target },
      );
      if (before === undefined) return false;
      db.change("DELETE FROM target_health WHERE target = :target", { target });
      if (before.openedAt !== null) addEvent({ kind: "ci_target_freed" });
      return true;
    },
  };
}
