import type { Database } from "./database.ts";
import type { TutorialRecord } from "./records.ts";
import type { Reads, Writes } from "./store.ts";
import type { Writing } from "./writing.ts";

/** Tutorials and single settings. */
export function noteReads(db: Database): Pick<Reads, "tutorial" | "setting"> {
  return {
    tutorial: (branchId) =>
      db.get<TutorialRecord>(
        `SELECT branch_id AS branchId, head, document, by, at FROM tutorials
         WHERE branch_id = :branchId ORDER BY id DESC LIMIT 1`,
        { branchId },
      ),
    setting: (name) =>
      db.get<{ value: string }>("SELECT value FROM settings WHERE name = :name", { name })?.value,
  };
}

export function noteWrites({
  db,
  now,
  addEvent,
}: Writing): Pick<Writes, "putTutorial" | "setSetting"> {
  return {
    putTutorial(tutorial) {
      const { branchId, head, document, by } = tutorial;
      db.change("DELETE FROM tutorials WHERE branch_id = :branchId AND head = :head", {
        branchId,
        head,
      });
      db.change(
        `INSERT INTO tutorials (branch_id, head, document, by, at)
         VALUES (:branchId, :head, :document, :by, :at)`,
        { branchId, head, document, by, at: now() },
      );
      addEvent({ kind: "tutorial_ready", branchId, head });
    },
    setSetting(name, value) {
      db.change(
        `INSERT INTO settings (name, value) VALUES (:name, :value)
         ON CONFLICT (name) DO UPDATE SET value = :value`,
        { name, value },
      );
    },
  };
}
