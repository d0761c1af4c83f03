import type { Database, Values } from "./database.ts";
import type { BranchRecord } from "./records.ts";
import type { Reads, Writes } from "./store.ts";
import type { Writing } from "./writing.ts";

const columns = `id, name, title, state, target, head, merge_base AS mergeBase,
  merge_commit AS mergeCommit, updated_at AS updatedAt, created_at AS createdAt,
  ended_by AS endedBy, end_reason AS endReason, problem`;

type BranchReads = Pick<Reads, "branch" | "branchByName" | "openBranches" | "branches">;
type BranchWrites = Pick<Writes, "openBranch" | "moveBranch" | "endBranch">;

export function branchReads(db: Database): BranchReads {
  return {
    branch: (id) => db.get<BranchRecord>(`SELECT ${columns} FROM branches WHERE id = :id`, { id }),
    branchByName: (name) =>
      db.get<BranchRecord>(
        `SELECT ${columns} FROM branches WHERE name = :name ORDER BY id DESC LIMIT 1`,
        { name },
      ),
    openBranches: () =>
      db.all<BranchRecord>(`SELECT ${columns} FROM branches WHERE state = 'open' ORDER BY id`),
    branches: (filter) => listBranches(db, filter),
  };
}

function listBranches(
  db: Database,
  { state, limit, before }: Parameters<Reads["branches"]>[0],
): readonly BranchRecord[] {
  const conditions: string[] = [];
  const values: Values = { limit };
  if (state !== undefined) {
    conditions.push("state = :state");
    values.state = state;
  }
  if (before !== undefined) {
    conditions.push("(updated_at, id) < (:updatedAt, :id)");
    values.updatedAt = before.updatedAt;
    values.id = before.id;
  }
  const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
  return db.all<BranchRecord>(
    `SELECT ${columns} FROM branches ${where} ORDER BY updated_at DESC, id DESC LIMIT :limit`,
    values,
  );
}

export function branchWrites({ db, now, addEvent }: Writing, reads: BranchReads): BranchWrites {
  const tellProblem = (branch: BranchRecord) => {
    if (branch.problem === null) return;
    addEvent({ kind: "branch_problem", branchId: branch.id, head: branch.head });
  };
  return {
    openBranch(branch) {
      const opened = db.changed<BranchRecord>(
        `INSERT INTO branches (name, title, state, target, head, merge_base, problem, created_at, updated_at)
         VALUES (:name, :title, 'open', :target, :head, :mergeBase, :problem, :now, :now)
         RETURNING ${columns}`,
        {
          name: branch.name,
          title: branch.title,
          target: branch.target,
          head: branch.head,
          mergeBase: branch.mergeBase,
          problem: branch.problem,
          now: now(),
        },
      );
      if (opened === undefined) throw new Error(`Branch ${branch.name} could not be recorded.`);
      addEvent({ kind: "branch_opened", branchId: opened.id, head: opened.head });
      tellProblem(opened);
      return opened;
    },

    moveBranch(id, change) {
      const before = reads.branch(id);
      if (before === undefined || before.state !== "open") return;
      const moved = before.head !== change.head;
      const told = moved || before.problem !== change.problem;
      db.change(
        `UPDATE branches SET title = :title, head = :head, merge_base = :mergeBase,
           problem = :problem, updated_at = :updatedAt WHERE id = :id`,
        {
          id,
          title: change.title,
          head: change.head,
          mergeBase: change.mergeBase,
          problem: change.problem,
          updatedAt: told ? now() : before.updatedAt,
        },
      );
      if (before.mergeBase !== change.mergeBase) {
        db.change("UPDATE lanes SET onto = :onto WHERE branch_id = :id AND status = 'queued'", {
          id,
          onto: change.mergeBase ?? "",
        });
      }
      if (moved) addEvent({ kind: "branch_moved", branchId: id, head: change.head });
      if (told) tellProblem({ ...before, head: change.head, problem: change.problem });
    },

    endBranch(id, end) {
      const before = reads.branch(id);
      if (before === undefined || before.state !== "open") return;
      db.change(
        `UPDATE branches SET state = :state, merge_commit = :mergeCommit, ended_by = :by,
           end_reason = :reason, problem = NULL, updated_at = :now WHERE id = :id`,
        {
          id,
          state: end.state,
          mergeCommit: end.mergeCommit,
          by: end.by,
          reason: end.reason,
          now: now(),
        },
      );
      addEvent({ kind: `branch_${end.state}`, branchId: id, head: before.head });
    },
  };
}
