import { type Canonical, short } from "./canonical.ts";
import { isAncestor } from "./commits.ts";
import { finishRecords, refuseUnsettled, settleMove, settleMoves } from "./moves.ts";
import { changeRefs, readRefs } from "./refs.ts";
import { refuseWhileFrozen } from "./target.ts";
import type { Turn } from "./turns.ts";

/**
 * Moves the target to what people merged at the mirror, by fast-forward alone. Nobody here tested
 * it, which the journal and the audit trail say. False where the target is elsewhere by now.
 */
export async function importTarget(
  canonical: Canonical,
  { from, to }: { from: string; to: string },
  turn: Turn,
): Promise<boolean> {
  const { git, store, targetRef } = canonical;
  await settleMoves(canonical, turn);
  refuseUnsettled(canonical);
  const tip = (await readRefs(git, [targetRef])).get(targetRef);
  refuseWhileFrozen(canonical, tip);
  if (tip !== from || !(await isAncestor(git, from, to))) return false;
  const entry = store.write((tx) =>
    tx.addJournal({
      kind: "import",
      branchId: null,
      head: null,
      targetBefore: from,
      targetAfter: to,
      state: "intended",
      by: null,
      reason: `imported, untested: ${short(from)}..${short(to)} of the mirror`,
      forced: false,
    }),
  );
  try {
    await changeRefs(git, [{ kind: "move", ref: targetRef, from, to }]);
  } catch (error) {
    // Also a git that was cut off may have moved it: the ref itself tells.
    if (await settleMove(canonical, entry, turn)) return true;
    throw error;
  }
  finishRecords(canonical, entry);
  return true;
}
