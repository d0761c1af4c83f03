import { RefusedError } from "../refused.ts";
import { branchRef } from "../repository/canonical.ts";
import { expectedTarget } from "../repository/target.ts";
import type { NightlyRecord } from "../store/records.ts";
import type { Clock, Store } from "../store/store.ts";
import type { Ci, RunPlan } from "./ci.ts";

export interface NightlyParts {
  readonly config: { readonly target: string };
  readonly store: Store;
  readonly ci: Pick<Ci, "planNightly" | "wake">;
  readonly clock: Clock;
}

export interface NightlyWish {
  /** The schedule's slot; a slot that has its nightly keeps it. Undefined: now, whatever was. */
  readonly slot: string | undefined;
  /** npub of who asked; null for the schedule. */
  readonly by: string | null;
}

/**
 * Queues the nightly lanes of the target's manifest at the target's commit. A manifest that is
 * missing or broken gives a finished nightly that says so. Throws RefusedError 409 where the forge
 * has no target yet.
 */
export async function queueNightly(
  parts: NightlyParts,
  { slot, by }: NightlyWish,
): Promise<NightlyRecord> {
  const { config, store, ci, clock } = parts;
  // The forge's own record: a ref that was moved by hand is not what landed.
  const head = expectedTarget(store.read);
  if (head === null) throw new RefusedError(409, `there is no ${config.target} to test yet`);
  const plan = await ci.planNightly(head);
  const nightly = store.write((tx) => {
    const made = slot === undefined ? undefined : tx.nightlyAt(slot);
    if (made !== undefined) return made;
    const run = tx.createNightly({
      ...plan,
      at: slot ?? clock.now().toISOString(),
      sourceRef: branchRef(config.target),
      summary: plan.lanes.length === 0 ? plan.note : null,
      head,
      partial: false,
      rerunOf: null,
      note: noteOf(plan, by),
    });
    tx.addAudit({ npub: by, action: "nightly", runId: run.id, head });
    return tx.nightly(run.id);
  });
  if (nightly === undefined) throw new Error("the nightly run was not kept");
  ci.wake();
  return nightly;
}

function noteOf(plan: RunPlan, by: string | null): string | null {
  const asked = by === null ? [] : [`Asked for by ${by}`];
  const lines = [...(plan.note === null ? [] : [plan.note]), ...asked];
  return lines.length === 0 ? null : lines.join("\n");
}
