import type { Database, Values } from "./database.ts";
import type { AuditRecord, Pusher } from "./records.ts";
import type { Reads, Writes } from "./store.ts";
import type { Writing } from "./writing.ts";

const columns = `audit.id, audit.at, audit.npub, audit.name, audit.action,
  audit.branch_id AS branchId, branches.name AS branchName, audit.run_id AS runId,
  audit.lane_run_id AS laneRunId, audit.head, audit.subject, audit.result, audit.detail`;

/** Beyond this a reason is cut; the journal has it whole. */
const maxDetail = 2000;

export function auditReads(db: Database): Pick<Reads, "audit" | "pusher"> {
  return {
    audit: (filter) => listAudit(db, filter),
    pusher: (branchId, head) =>
      db.get<Pusher>(
        `SELECT npub, name FROM audit
         WHERE branch_id = :branchId AND action = 'push' AND result = 'ok' AND head = :head
           AND npub IS NOT NULL
         ORDER BY id DESC LIMIT 1`,
        { branchId, head },
      ),
  };
}

function listAudit(
  db: Database,
  { branch, npub, action, before, limit }: Parameters<Reads["audit"]>[0],
): readonly AuditRecord[] {
  const conditions: string[] = [];
  const values: Values = { limit };
  if (branch !== undefined) {
    conditions.push(
      `audit.branch_id IN (SELECT id FROM branches WHERE name = :branch UNION SELECT :branchId)`,
    );
    values.branch = branch;
    values.branchId = /^\d{1,15}$/.test(branch) ? Number(branch) : null;
  }
  if (npub !== undefined) {
    conditions.push("audit.npub = :npub");
    values.npub = npub;
  }
  if (action !== undefined) {
    conditions.push("audit.action = :action");
    values.action = action;
  }
  if (before !== undefined) {
    conditions.push("audit.id < :before");
    values.before = before;
  }
  const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
  return db.all<AuditRecord>(
    `SELECT ${columns} FROM audit LEFT JOIN branches ON branches.id = audit.branch_id
     ${where} ORDER BY audit.id DESC LIMIT :limit`,
    values,
  );
}

export function auditWrites({ db, now }: Writing): Pick<Writes, "addAudit"> {
  return {
    addAudit(act) {
      db.change(
        `INSERT INTO audit
           (at, npub, name, action, branch_id, run_id, lane_run_id, head, subject, result, detail)
         VALUES (:at, :npub, (SELECT name FROM keys WHERE npub = :npub), :action, :branchId, :runId,
           :laneRunId, :head, :subject, :result, :detail)`,
        {
          at: now(),
          npub: act.npub,
          action: act.action,
          branchId: act.branchId ?? null,
          runId: act.runId ?? null,
          laneRunId: act.laneRunId ?? null,
          head: act.head ?? null,
          subject: act.subject ?? null,
          result: act.result ?? "ok",
          detail: act.detail?.slice(0, maxDetail) ?? null,
        },
      );
    },
  };
}
