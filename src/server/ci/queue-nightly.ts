import { RefusedError } from "../refused.ts";
import { branchRef } from "../repository/canonical.ts";
import { expectedTarget } from "../repository/target.ts";
import type { NightlyRecord } from "../store/records.ts";
import type { Clock, Store } from "../store/store.ts";
import type { Ci, RunPlan } from "./ci.ts";
import { dayOf } from "./nightly-slot.ts";

export interface NightlyParts {
  readonly config: { readonly target: string };
  readonly store: Store;
  readonly ci: Pick<Ci, "planNightly" | "wake">;
  readonly clock: Clock;
}

export interface NightlyWish {
  /** The schedule's slot; a day that has its nightly keeps it. Undefined: now, whatever was. */
  readonly slot: string | undefined;
  /** The slot had passed before the forge could keep it. */
  readonly caughtUp?: boolean;
  /** npub of who asked; null for the schedule. */
  readonly by: string | null;
}

/**
 * Queues the nightly lanes of the target's manifest at the target's commit. A manifest that is
 * missing or broken gives a finished nightly that says so. Throws RefusedError 409 where the forge
 * has no target yet.
 */
export async function queueNightly(parts: NightlyParts, wish: NightlyWish): Promise<NightlyRecord> {
  const { config, store, ci, clock } = parts;
  const { slot, by } = wish;
  const day = slot === undefined ? undefined : dayOf(slot);
  // The forge's own record: a ref that was moved by hand is not what landed.
  const head = expectedTarget(store.read);
  if (head === null) throw new RefusedError(409, `there is no ${config.target} to test yet`);
  const plan = await ci.planNightly(head);
  const nightly = store.write((tx) => {
    const made = day === undefined ? undefined : tx.nightlyOfDay(day);
    if (made !== undefined) return made;
    const run = tx.createNightly({
      ...plan,
      at: slot ?? clock.now().toISOString(),
      day,
      sourceRef: branchRef(config.target),
      summary: plan.lanes.length === 0 ? plan.note : (caughtUpWords(wish) ?? null),
      head,
      partial: false,
      rerunOf: null,
      note: noteOf(plan, wish),
    });
    tx.addAudit({ npub: by, action: "nightly", runId: run.id, head });
    return tx.nightly(run.id);
  });
  if (nightly === undefined) throw new Error("the nightly run was not kept");
  ci.wake();
  return nightly;
}

function noteOf(plan: RunPlan, wish: NightlyWish): string | null {
  const asked = wish.by === null ? null : `Asked for by ${wish.by}`;
  const lines = [plan.note, caughtUpWords(wish), asked].filter((line) => line != null);
  return lines.length === 0 ? null : lines.join("\n");
}

function caughtUpWords({ slot, caughtUp = false }: NightlyWish): string | undefined {
  return caughtUp ? `Caught up: ${slot} had passed before the forge could begin.` : undefined;
}
