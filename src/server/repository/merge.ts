import type { JournalRecord } from "../store/records.ts";
import { branchRef, type Canonical, pinRef } from "./canonical.ts";
import { writeCommit } from "./commits.ts";
import { refuseWhileDiverged } from "./diverged.ts";
import { openHead } from "./head.ts";
import { type IngestMemory, ingestPass } from "./ingest.ts";
import { type Landable, landable, targetMoved } from "./landable.ts";
import { finishRecords, refuseUnsettled, settleMove, settleMoves } from "./moves.ts";
import { changeRefs } from "./refs.ts";
import type { MergeRequest } from "./repository.ts";
import { removeStaleLocks } from "./stale-locks.ts";
import { refuseWhileFrozen } from "./target.ts";
import type { Turn } from "./turns.ts";

/** Lands a branch or refuses to. Either refs and records both change, or neither does. */
export async function mergeBranch(
  canonical: Canonical,
  memory: IngestMemory,
  request: MergeRequest,
  turn: Turn,
): Promise<{ mergeCommit: string }> {
  await settleMoves(canonical, turn);
  refuseUnsettled(canonical);
  let open = await openHead(canonical, request, "merged");
  refuseWhileFrozen(canonical, open.target);
  if (open.branch.head !== open.head) {
    // A push that was named before it was taken in.
    await ingestPass(canonical, memory, turn);
    open = await openHead(canonical, request, "merged");
    refuseWhileFrozen(canonical, open.target);
  }
  await refuseWhileDiverged(canonical, open.head);
  const landing = await landable(canonical, open, request.force !== undefined);
  const mergeCommit = await writeCommit(canonical.git, {
    tree: landing.tree,
    parents: [landing.target, landing.head],
    message: `Merge branch '${landing.branch.name}' into ${canonical.config.target}\n`,
    at: canonical.clock.now(),
  });
  await publish(canonical, request, landing, mergeCommit, turn);
  return { mergeCommit };
}

async function publish(
  canonical: Canonical,
  request: MergeRequest,
  landing: Landable,
  mergeCommit: string,
  turn: Turn,
): Promise<void> {
  const { branch, head, target } = landing;
  const { git, targetRef } = canonical;
  const pin = pinRef(branch.id, head);
  await changeRefs(git, [{ kind: "set", ref: pin, to: head }]);
  const entry = canonical.store.write((tx) =>
    tx.addJournal({
      kind: "merge",
      branchId: branch.id,
      head,
      targetBefore: target,
      targetAfter: mergeCommit,
      state: "intended",
      by: request.by,
      reason: request.force?.reason ?? null,
      forced: request.force !== undefined,
    }),
  );
  try {
    await changeRefs(git, [
      { kind: "verify", ref: pin, at: head },
      { kind: "move", ref: targetRef, from: target, to: mergeCommit },
      { kind: "delete", ref: branchRef(branch.name), from: head },
    ]);
  } catch (error) {
    // Also a git that was cut off may have moved the refs: the refs themselves tell.
    if (await settleMove(canonical, entry, turn)) return;
    throw await reasonOf(canonical, request, entry, error);
  }
  finishRecords(canonical, entry);
}

/** Why a ref transaction failed: most likely a ref moved since it was read. */
async function reasonOf(
  canonical: Canonical,
  request: MergeRequest,
  entry: JournalRecord,
  error: unknown,
): Promise<unknown> {
  try {
    const { head, target } = await openHead(canonical, request, "merged");
    if (target === undefined || target !== entry.targetBefore) {
      refuseWhileFrozen(canonical, target);
      if (target !== undefined) return targetMoved(canonical.config.target, head, target);
    }
    // Nothing moved, so git itself could not; a lock that was left lying is the likely cause.
    await removeStaleLocks(canonical);
    return error;
  } catch (refusal) {
    return refusal;
  }
}
