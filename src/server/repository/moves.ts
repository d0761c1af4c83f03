import { RefusedError } from "../refused.ts";
import type { AuditAction, JournalRecord } from "../store/records.ts";
import type { Writes } from "../store/store.ts";
import { branchRef, type Canonical, pinRef, short, wordsOf } from "./canonical.ts";
import { isAncestor } from "./commits.ts";
import { endUnfinishedRuns } from "./end-runs.ts";
import { changeRefs, readRefs } from "./refs.ts";
import { removeStaleLocks } from "./stale-locks.ts";
import type { Turn } from "./turns.ts";

/**
 * Brings every journalled move to its end: where git made it, the store follows; where git did not
 * and now cannot any more, it is abandoned. Doing it twice is the same as once.
 */
export async function settleMoves(canonical: Canonical, turn: Turn): Promise<void> {
  for (const entry of canonical.store.read.intendedMoves()) {
    try {
      await settleMove(canonical, entry, turn);
    } catch (error) {
      // The entry stays as it is for the next turn; what others want does not wait for it.
      canonical.log.warn({ entry, error: wordsOf(error) }, "a journalled move is not settled yet");
      await removeStaleLocks(canonical);
    }
  }
}

/** Refuses while an earlier move is not settled: what refs and records say does not fit together. */
export function refuseUnsettled({ store }: Canonical): void {
  const [entry] = store.read.intendedMoves();
  if (entry === undefined) return;
  const branch = entry.branchId === null ? undefined : store.read.branch(entry.branchId);
  const what = branch === undefined ? "" : ` of branch #${branch.id} ${branch.name}`;
  throw new RefusedError(
    409,
    `an earlier ${entry.kind}${what} is not settled yet: git could not be asked or the store not ` +
      "be written. The forge tries again every few seconds; ask again in a moment",
  );
}

/** Settles one entry and answers whether git made the move. */
export async function settleMove(
  canonical: Canonical,
  entry: JournalRecord,
  _turn: Turn,
): Promise<boolean> {
  // A git that we started and lost sight of may be about to commit. Its transaction demands the
  // pin, so once the pin is gone and the move still did not happen, it never will.
  const happened =
    (await hasHappened(canonical, entry)) ||
    ((await dropPin(canonical, entry)) && (await hasHappened(canonical, entry)));
  if (!happened) {
    canonical.store.write((tx) => tx.setJournalState(entry.id, "abandoned"));
    return false;
  }
  await finishRefs(canonical, entry);
  finishRecords(canonical, entry);
  return true;
}

/** Closes the books on a move that git made: journal, branch, lanes and events as one. */
export function finishRecords({ store, ci }: Canonical, entry: JournalRecord): void {
  const endedLanes = store.write((tx) => {
    let ended = false;
    noteMove(tx, entry);
    if (entry.branchId !== null) {
      const merged = entry.kind === "merge";
      const note = merged ? "the branch was merged" : "the branch was closed";
      ended = endUnfinishedRuns(tx, entry.branchId, { kind: "cancelled", note });
      tx.endBranch(entry.branchId, {
        state: merged ? "merged" : "closed",
        mergeCommit: merged ? entry.targetAfter : null,
        by: entry.by,
        reason: entry.reason,
      });
    }
    tx.setJournalState(entry.id, "done");
    if (entry.targetAfter !== null) {
      tx.addEvent({ kind: "target_moved", branchId: entry.branchId, head: entry.targetAfter });
    }
    return ended;
  });
  if (endedLanes) ci.wake();
}

/** The move's line in the audit trail, once however often its books are closed. */
function noteMove(tx: Writes, entry: JournalRecord): void {
  const action = entry.forced && entry.kind === "merge" ? "force" : auditActions[entry.kind];
  const open = tx.intendedMoves().some(({ id }) => id === entry.id);
  if (action === undefined || !open) return;
  const merged = entry.kind === "merge" ? `as ${short(entry.targetAfter)}` : undefined;
  const moved = entry.kind === "restore" ? `to ${short(entry.targetAfter)}` : undefined;
  const detail = [merged ?? moved, entry.reason].filter((part) => part != null).join(": ");
  tx.addAudit({
    npub: entry.by,
    action,
    branchId: entry.branchId,
    head: entry.head,
    ...(detail === "" ? {} : { detail }),
  });
}

/** `accept` is noted where it happens, which is in the store alone. */
const auditActions: Readonly<Partial<Record<JournalRecord["kind"], AuditAction>>> = {
  merge: "merge",
  close: "close",
  restore: "target_restored",
  import: "target_imported",
};

async function hasHappened(canonical: Canonical, entry: JournalRecord): Promise<boolean> {
  const { git, targetRef } = canonical;
  const name = branchNameOf(canonical, entry);
  const refs = await readRefs(git, [targetRef, ...(name === undefined ? [] : [branchRef(name)])]);
  if (entry.kind === "close") return name !== undefined && !refs.has(branchRef(name));
  const tip = refs.get(targetRef);
  if (tip === undefined || entry.targetAfter === null) return false;
  if (tip === entry.targetAfter) return true;
  // Somebody may have moved the target on by hand since; our commit lies below it then.
  return entry.kind === "merge" && (await isAncestor(git, entry.targetAfter, tip));
}

async function dropPin({ git }: Canonical, entry: JournalRecord): Promise<boolean> {
  if (entry.branchId === null || entry.head === null) return false;
  await changeRefs(git, [{ kind: "drop", ref: pinRef(entry.branchId, entry.head) }]);
  return true;
}

/** git moves several refs one after the other, so a kill may have left the branch's. */
async function finishRefs(canonical: Canonical, entry: JournalRecord): Promise<void> {
  const { git, log } = canonical;
  const name = branchNameOf(canonical, entry);
  if (name === undefined || entry.branchId === null || entry.head === null) return;
  await changeRefs(git, [{ kind: "set", ref: pinRef(entry.branchId, entry.head), to: entry.head }]);
  const ref = branchRef(name);
  if ((await readRefs(git, [ref])).get(ref) !== entry.head) return;
  await changeRefs(git, [{ kind: "delete", ref, from: entry.head }]).catch((error: unknown) => {
    // A push came in between: what it brought is taken in as a branch of its own.
    log.warn({ ref, error }, "the ref of a landed branch moved before it could be deleted");
  });
}

function branchNameOf({ store }: Canonical, entry: JournalRecord): string | undefined {
  return entry.branchId === null ? undefined : store.read.branch(entry.branchId)?.name;
}
