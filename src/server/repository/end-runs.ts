import type { Writes } from "../store/store.ts";

/** Why a branch's unfinished lanes are given up. */
export type GivenUp =
  | { readonly kind: "superseded"; readonly by: string }
  | { readonly kind: "cancelled"; readonly note: string };

/** Ends the unfinished lanes of a branch; answers whether there were any. */
export function endUnfinishedRuns(tx: Writes, branchId: number, why: GivenUp): boolean {
  const runs = tx
    .unfinishedRuns(branchId)
    .filter((run) => why.kind === "cancelled" || run.head !== why.by);
  const note =
    why.kind === "superseded" ? `superseded by the newer head ${why.by.slice(0, 12)}` : why.note;
  for (const run of runs) {
    for (const lane of tx.lanesOfRun(run.id)) {
      if (lane.status !== "queued" && lane.status !== "running") continue;
      tx.endLane(lane.id, { status: "failed", failureKind: why.kind, note });
    }
    tx.refoldRun(run.id, why.kind === "superseded" ? "superseded" : undefined);
  }
  return runs.length > 0;
}
