import { ensureBareRepository, fetchSeed } from "./bare.ts";
import type { Canonical } from "./canonical.ts";
import { settleMoves } from "./moves.ts";
import { changeRefs, readRefs } from "./refs.ts";
import { removeStaleLocks } from "./stale-locks.ts";
import { expectedTarget, watchTarget } from "./target.ts";
import type { Turn } from "./turns.ts";

/** Set once the forge has seen its repository; from then on only the journal explains the target. */
const openedSetting = "repository_opened";

/** Makes or mends the repository and brings what was cut off to its end. Twice is once. */
export async function openRepository(canonical: Canonical, turn: Turn): Promise<void> {
  const { store, clock } = canonical;
  await ensureBareRepository(canonical);
  await removeStaleLocks(canonical);
  await settleMoves(canonical, turn);
  await beginTarget(canonical);
  if (store.read.setting(openedSetting) === undefined) {
    store.write((tx) => tx.setSetting(openedSetting, clock.now().toISOString()));
  }
}

async function beginTarget(canonical: Canonical): Promise<void> {
  const { git, store, targetRef, config } = canonical;
  const tip = (await readRefs(git, [targetRef])).get(targetRef);
  const neverMade = expectedTarget(store.read) === null;
  if (neverMade && tip === undefined && config.seed) await seedTarget(canonical, config.seed);
  else if (neverMade && tip !== undefined && store.read.setting(openedSetting) === undefined) {
    // A repository that was there before this store: its target is where we begin.
    journalCreation(canonical, tip, "done");
  } else watchTarget(canonical, tip);
}

async function seedTarget(
  canonical: Canonical,
  seed: { readonly fromRepository: string; readonly sha: string },
): Promise<void> {
  const { git, store, targetRef } = canonical;
  await fetchSeed(canonical, seed);
  const entry = journalCreation(canonical, seed.sha, "intended");
  try {
    await changeRefs(git, [{ kind: "create", ref: targetRef, to: seed.sha }]);
  } catch (error) {
    store.write((tx) => tx.setJournalState(entry.id, "abandoned"));
    throw error;
  }
  store.write((tx) => {
    tx.setJournalState(entry.id, "done");
    tx.addEvent({ kind: "target_moved", head: seed.sha });
  });
}

function journalCreation({ store }: Canonical, sha: string, state: "intended" | "done") {
  return store.write((tx) =>
    tx.addJournal({
      kind: "create",
      branchId: null,
      head: null,
      targetBefore: null,
      targetAfter: sha,
      state,
      by: null,
      reason: null,
      forced: false,
    }),
  );
}
