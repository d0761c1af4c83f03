import type { Git } from "../../git/git.ts";
import { RefusedError } from "../refused.ts";
import type { Reads, Writes } from "../store/store.ts";
import { type Canonical, short } from "./canonical.ts";
import { changeRefs, type RefChange, readRefs } from "./refs.ts";
import type { Turn } from "./turns.ts";

const frozenSetting = "landing_frozen";

/** Why landing stands still for everybody, or null. */
export function frozenWords(read: Pick<Reads, "setting">): string | null {
  return read.setting(frozenSetting) || null;
}

/** What the journal says the target is; null where the forge has not made it yet. */
export function expectedTarget(read: Pick<Reads, "lastTargetMove">): string | null {
  return read.lastTargetMove()?.targetAfter ?? null;
}

/**
 * Compares the target's ref with the journal. A value that no entry explains freezes landing; the
 * explained one thaws it. Answers why landing stands still, or null.
 */
export function watchTarget(canonical: Canonical, tip: string | undefined): string | null {
  const { store, config } = canonical;
  const expected = expectedTarget(store.read);
  const words =
    expected === (tip ?? null) ? null : outsideWords(config.target, expected, tip ?? null);
  const before = frozenWords(store.read);
  if (words === before) return words;
  store.write((tx) => {
    tx.setSetting(frozenSetting, words ?? "");
    tx.addEvent({ kind: words === null ? "landing_thawed" : "landing_frozen", head: tip ?? null });
  });
  if (words !== null) canonical.log.warn({ expected, tip }, words);
  return words;
}

function outsideWords(target: string, expected: string | null, tip: string | null): string {
  const left = expected === null ? "had not made it yet" : `left it at ${expected}`;
  const now = tip === null ? "it is gone now" : `it is at ${tip} now`;
  return (
    `The target ${target} was changed outside the forge: the forge ${left}, and ${now}. ` +
    "Nothing lands until the owner accepts the new value or restores the old one."
  );
}

/** Refuses while landing stands still. `tip` is the target as just read. */
export function refuseWhileFrozen(canonical: Canonical, tip: string | undefined): void {
  const words = watchTarget(canonical, tip);
  if (words === null) return;
  throw new RefusedError(
    409,
    words,
    "target_moved_outside",
    tip === undefined ? {} : { target_sha: tip },
  );
}

/**
 * The owner's way out of a target moved by hand. `accept` takes the new value as the forge's own,
 * `restore` brings the old one back and keeps the other under a private ref. Where nothing has to
 * be settled it only answers the target's sha.
 */
export async function settleTarget(
  canonical: Canonical,
  action: "accept" | "restore",
  by: string,
  _turn: Turn,
): Promise<string> {
  const { git, store, targetRef } = canonical;
  const tip = (await readRefs(git, [targetRef])).get(targetRef) ?? null;
  const expected = expectedTarget(store.read);
  if (tip !== null && tip === expected) {
    watchTarget(canonical, tip);
    return tip;
  }
  return action === "accept"
    ? acceptTarget(canonical, tip, expected, by)
    : restoreTarget(canonical, tip, expected, by);
}

function acceptTarget(
  canonical: Canonical,
  tip: string | null,
  expected: string | null,
  by: string,
): string {
  const { store, config } = canonical;
  if (tip === null) {
    throw new RefusedError(409, `there is no ${config.target} to accept; restore it instead`);
  }
  store.write((tx) => {
    tx.addJournal({ ...ownersMove("accept", expected, tip, by), state: "done" });
    tx.addAudit({ npub: by, action: "target_accepted", detail: `at ${short(tip)}` });
    thaw(tx, tip);
  });
  return tip;
}

async function restoreTarget(
  canonical: Canonical,
  tip: string | null,
  expected: string | null,
  by: string,
): Promise<string> {
  const { git, store, targetRef, config } = canonical;
  if (expected === null) {
    throw new RefusedError(
      409,
      `the forge has never made ${config.target}, so there is nothing to restore; accept it instead`,
    );
  }
  const entry = store.write((tx) =>
    tx.addJournal({ ...ownersMove("restore", tip, expected, by), state: "intended" }),
  );
  try {
    const keep = tip !== null && (await isThere(git, tip));
    await changeRefs(git, restoringChanges(targetRef, tip, expected, keep));
  } catch (error) {
    store.write((tx) => tx.setJournalState(entry.id, "abandoned"));
    throw new RefusedError(
      409,
      `the target was not restored: ${short(expected)} could not be set, or somebody changed it ` +
        `meanwhile; look again and repeat (${error instanceof Error ? error.message : error})`,
    );
  }
  store.write((tx) => {
    tx.setJournalState(entry.id, "done");
    tx.addAudit({ npub: by, action: "target_restored", detail: `to ${short(expected)}` });
    thaw(tx, expected);
  });
  return expected;
}

/** `keep`: the value set by hand is kept under a private ref, which git does for what exists. */
function restoringChanges(
  ref: string,
  tip: string | null,
  expected: string,
  keep: boolean,
): RefChange[] {
  if (tip === null) return [{ kind: "create", ref, to: expected }];
  return [
    ...(keep ? [{ kind: "set", ref: `refs/land/outside/${tip}`, to: tip } as const] : []),
    { kind: "move", ref, from: tip, to: expected },
  ];
}

async function isThere(git: Git, object: string): Promise<boolean> {
  const answer = await git.run({ args: ["cat-file", "-e", object], answers: [0, 1, 128] });
  return answer.exitCode === 0;
}

function ownersMove(
  kind: "accept" | "restore",
  targetBefore: string | null,
  targetAfter: string,
  by: string,
) {
  return {
    kind,
    branchId: null,
    head: null,
    targetBefore,
    targetAfter,
    by,
    reason: null,
    forced: false,
  } as const;
}

function thaw(tx: Writes, target: string): void {
  tx.setSetting(frozenSetting, "");
  tx.addEvent({ kind: "target_moved", head: target });
  tx.addEvent({ kind: "landing_thawed", head: target });
}
