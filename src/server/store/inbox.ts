import type { Database } from "./database.ts";
import type { InboxRecord } from "./records.ts";
import type { Reads, Writes } from "./store.ts";
import type { Writing } from "./writing.ts";

/** The newest tutorial of each branch, where it is about the branch's present head. */
const current = `SELECT tutorials.branch_id AS branch_id, max(tutorials.id) AS version,
    max(tutorials.at) AS at
  FROM tutorials JOIN branches ON branches.id = tutorials.branch_id
  WHERE tutorials.head = branches.head GROUP BY tutorials.branch_id`;

type InboxRow = Omit<InboxRecord, "needsReview"> & { readonly needsReview: number };

export function inboxReads(db: Database): Pick<Reads, "inbox"> {
  return {
    inbox: (npub) =>
      db
        .all<InboxRow>(
          `SELECT inbox.branch_id AS branchId, branches.state AS branchState,
             inbox.version IS NOT inbox.reviewed AS needsReview, inbox.reviewed_at AS reviewedAt,
             inbox.created_at AS createdAt, inbox.updated_at AS updatedAt
           FROM inbox JOIN branches ON branches.id = inbox.branch_id
           WHERE inbox.npub = :npub AND inbox.dismissed = 0 ORDER BY inbox.branch_id`,
          { npub },
        )
        .map((row) => ({ ...row, needsReview: row.needsReview === 1 })),
  };
}

type InboxWrites = Pick<Writes, "tellInboxes" | "fillInbox" | "dismissInbox" | "reviewInbox">;

export function inboxWrites({ db, now }: Writing): InboxWrites {
  return {
    tellInboxes(branchId) {
      db.change(
        `INSERT INTO inbox (npub, branch_id, version, created_at, updated_at)
         SELECT keys.npub, found.branch_id, found.version, found.at, found.at
         FROM keys JOIN (${current}) AS found
         WHERE keys.active = 1 AND found.branch_id = :branchId
         ON CONFLICT (npub, branch_id) DO UPDATE SET dismissed = 0, version = excluded.version,
           updated_at = excluded.updated_at
         WHERE inbox.version <> excluded.version`,
        { branchId },
      );
    },
    fillInbox: (npub) =>
      db.change(
        `INSERT INTO inbox (npub, branch_id, version, created_at, updated_at)
         SELECT :npub, found.branch_id, found.version, found.at, found.at
         FROM (${current}) AS found
         WHERE EXISTS (SELECT 1 FROM keys WHERE npub = :npub AND active = 1)
         ON CONFLICT (npub, branch_id) DO NOTHING`,
        { npub },
      ),
    dismissInbox(npub, branchIds) {
      const set = "UPDATE inbox SET dismissed = 1 WHERE npub = :npub AND dismissed = 0";
      if (branchIds === "all") return db.change(set, { npub });
      return [...new Set(branchIds)].reduce(
        (count, branchId) =>
          count + db.change(`${set} AND branch_id = :branchId`, { npub, branchId }),
        0,
      );
    },
    reviewInbox: (npub, branchId) =>
      db.change(
        `UPDATE inbox SET reviewed = version, reviewed_at = :now
         WHERE npub = :npub AND branch_id = :branchId AND dismissed = 0`,
        { npub, branchId, now: now() },
      ) > 0,
  };
}
