import { branchRef, type Canonical, pinRef } from "./canonical.ts";
import { openHead } from "./head.ts";
import { finishRecords, settleMove, settleMoves } from "./moves.ts";
import { changeRefs } from "./refs.ts";
import type { CloseRequest } from "./repository.ts";
import type { Turn } from "./turns.ts";

/** Ends an open branch without landing it. Its head stays under a private ref. */
export async function closeBranch(
  canonical: Canonical,
  request: CloseRequest,
  turn: Turn,
): Promise<void> {
  const { git, store } = canonical;
  await settleMoves(canonical, turn);
  const { branch, head } = await openHead(canonical, request, "closed");
  const pin = pinRef(branch.id, head);
  await changeRefs(git, [{ kind: "set", ref: pin, to: head }]);
  const entry = store.write((tx) =>
    tx.addJournal({
      kind: "close",
      branchId: branch.id,
      head,
      targetBefore: null,
      targetAfter: null,
      state: "intended",
      by: request.by,
      reason: request.reason ?? null,
      forced: false,
    }),
  );
  try {
    await changeRefs(git, [
      { kind: "verify", ref: pin, at: head },
      { kind: "delete", ref: branchRef(branch.name), from: head },
    ]);
  } catch (error) {
    if (await settleMove(canonical, entry, turn)) return;
    await openHead(canonical, request, "closed");
    throw error;
  }
  finishRecords(canonical, entry);
}
