import { canonicalOf, type RepositoryParts } from "./canonical.ts";
import { closeBranch } from "./close.ts";
import { importTarget } from "./import.ts";
import { ingestPass, newIngestMemory } from "./ingest.ts";
import { mergeBranch } from "./merge.ts";
import { openRepository } from "./open.ts";
import { ingestWithAuthors } from "./push-notes.ts";
import type { CanonicalRepository } from "./repository.ts";
import { frozenWords, settleTarget } from "./target.ts";
import { Turns } from "./turns.ts";

/**
 * The canonical repository over git and the store. Everything that changes refs or branch records
 * takes turns, so that no pass ever sees a merge half done.
 */
export function createRepository(parts: RepositoryParts): CanonicalRepository {
  const canonical = canonicalOf(parts);
  const turns = new Turns();
  const memory = newIngestMemory();
  let waitingPass: Promise<void> | undefined;

  return {
    open: () => turns.take((turn) => openRepository(canonical, turn)),
    ingest() {
      // A pass that has not begun sees all that is there now, so later callers share it.
      waitingPass ??= turns.take((turn) => {
        waitingPass = undefined;
        return ingestWithAuthors(canonical, () => ingestPass(canonical, memory, turn));
      });
      return waitingPass;
    },
    merge: (request) => turns.take((turn) => mergeBranch(canonical, memory, request, turn)),
    close: (request) => turns.take((turn) => closeBranch(canonical, request, turn)),
    settleTarget: (action, by) => turns.take((turn) => settleTarget(canonical, action, by, turn)),
    importTarget: (move) => turns.take((turn) => importTarget(canonical, move, turn)),
    frozen: () => frozenWords(parts.store.read),
  };
}
