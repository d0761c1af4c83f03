import type { BranchRecord } from "../store/records.ts";
import type { Reads, Writes } from "../store/store.ts";
import { type Canonical, wordsOf } from "./canonical.ts";
import { subjectsOf } from "./commits.ts";
import { mendDamagedRefs } from "./damaged-refs.ts";
import { endUnfinishedRuns } from "./end-runs.ts";
import { type Look, lookAt } from "./look.ts";
import { settleMoves } from "./moves.ts";
import { type BranchListing, listBranches } from "./refs.ts";
import { Retries } from "./retries.ts";
import { expectedTarget, watchTarget } from "./target.ts";
import type { Turn } from "./turns.ts";

/** What passes remember of each other; losing it costs a few looks more. */
export interface IngestMemory {
  readonly retries: Retries;
  /** Names that could not be read and were told. */
  readonly told: Set<string>;
}

export const newIngestMemory = (): IngestMemory => ({ retries: new Retries(), told: new Set() });

interface Arrival {
  readonly name: string;
  readonly head: string;
  readonly known: BranchRecord | undefined;
}

/**
 * One pass: brings the store in line with the refs. Where nothing changed it costs one git process.
 * Throws only where the refs cannot be listed at all.
 */
export async function ingestPass(
  canonical: Canonical,
  memory: IngestMemory,
  turn: Turn,
): Promise<void> {
  await settleMoves(canonical, turn);
  const unsettled = canonical.store.read.intendedMoves();
  let listing = await listBranches(canonical.git);
  if (await mendDamagedRefs(canonical, listing.damaged)) {
    listing = await listBranches(canonical.git);
  }
  // A move that git made and the store does not know yet explains the target, and a missing ref.
  if (unsettled.length === 0) watchTarget(canonical, listing.tips.get(canonical.config.target));
  const ending = new Set(unsettled.map((entry) => entry.branchId));
  // Never the ref itself: one that was moved by hand would choose fewer lanes for what comes.
  const target = expectedTarget(canonical.store.read) ?? undefined;
  const open = new Map(canonical.store.read.openBranches().map((each) => [each.name, each]));
  tellUnreadable(canonical, memory, listing.unreadable);
  for (const branch of open.values()) {
    if (!ending.has(branch.id)) recordAbsence(canonical, memory, branch, listing);
  }
  const arrivals = arrivalsIn(canonical, memory, listing, open, target);
  if (arrivals.length === 0) return;
  const heads = arrivals.map((arrival) => arrival.head);
  // Where they cannot be read together, each branch is looked at by itself.
  const subjects = await subjectsOf(canonical.git, heads).catch(() => undefined);
  for (const arrival of arrivals) {
    const look = await lookAt(canonical, arrival.head, target, subjects);
    takeIn(canonical, memory, arrival, look, target);
  }
}

/** Branches whose head is new to the store, or that had a problem worth another look. */
function arrivalsIn(
  { config, clock }: Canonical,
  { retries }: IngestMemory,
  listing: BranchListing,
  open: ReadonlyMap<string, BranchRecord>,
  target: string | undefined,
): readonly Arrival[] {
  const arrivals: Arrival[] = [];
  for (const [name, head] of listing.tips) {
    if (name === config.target) continue;
    const known = open.get(name);
    const settled =
      known?.head === head &&
      (known.problem === null || !retries.isDue(known.id, head, target, clock.now()));
    if (!settled) arrivals.push({ name, head, known });
  }
  return arrivals;
}

function takeIn(
  canonical: Canonical,
  memory: IngestMemory,
  arrival: Arrival,
  look: Look,
  target: string | undefined,
): void {
  const { log } = canonical;
  let recorded = tryRecord(canonical, arrival, look);
  if (recorded instanceof Error) {
    const problem = `The head could not be recorded: ${recorded.message}`;
    log.warn({ branch: arrival.name, head: arrival.head }, problem);
    recorded = tryRecord(canonical, arrival, { ...look, plan: null, problem, lasting: false });
  }
  if (recorded instanceof Error) {
    log.warn({ branch: arrival.name, head: arrival.head }, recorded.message);
    return;
  }
  if (recorded.changedCi) canonical.ci.wake();
  if (recorded.branch.problem === null) {
    memory.retries.forget(recorded.branch.id);
    return;
  }
  const { head } = arrival;
  memory.retries.failed(recorded.branch.id, {
    ...{ head, target, lasting: look.problem !== null && look.lasting },
    now: canonical.clock.now(),
  });
}

interface Recorded {
  readonly branch: BranchRecord;
  readonly changedCi: boolean;
}

/** Records a head and its run in one transaction, so that no head is ever seen without its run. */
function tryRecord(canonical: Canonical, arrival: Arrival, look: Look): Recorded | Error {
  try {
    return canonical.store.write((tx) => {
      const branch = recordHead(tx, canonical.config.target, arrival, look);
      const ended = endUnfinishedRuns(tx, branch.id, { kind: "superseded", by: arrival.head });
      const queued = recordRun(tx, branch, look);
      return { branch, changedCi: ended || queued };
    });
  } catch (error) {
    return error instanceof Error ? error : new Error(wordsOf(error));
  }
}

function recordHead(tx: Writes, target: string, arrival: Arrival, look: Look): BranchRecord {
  const { name, head, known } = arrival;
  const { title, mergeBase, problem } = look;
  if (known === undefined) return tx.openBranch({ name, title, target, head, mergeBase, problem });
  tx.moveBranch(known.id, { title, head, mergeBase, problem });
  return { ...known, title, head, mergeBase, problem };
}

function recordRun(tx: Writes, branch: BranchRecord, look: Look): boolean {
  if (look.plan === null || hasRun(tx, branch)) return false;
  const { plan } = look;
  tx.createRun({
    branchId: branch.id,
    subject: "head",
    head: branch.head,
    partial: false,
    rerunOf: null,
    reason: plan.reason,
    note: plan.note,
    status: plan.status,
    lanes: plan.lanes,
  });
  return true;
}

/**
 * Whether the branch's newest run is a whole one of its head. An older one is not taken up again
 * after the branch moved back, since clients of the reference judge by the newest run.
 */
function hasRun(read: Pick<Reads, "runsOfBranch">, branch: BranchRecord): boolean {
  const [newest] = read.runsOfBranch(branch.id, 1);
  return (
    newest !== undefined &&
    newest.head === branch.head &&
    newest.subject === "head" &&
    !newest.partial &&
    newest.reason !== "superseded"
  );
}

/** Closes the record of a branch whose ref is gone, and marks one whose ref is damaged. */
function recordAbsence(
  { store, ci, log, config }: Canonical,
  { retries }: IngestMemory,
  branch: BranchRecord,
  { tips, damaged }: BranchListing,
): void {
  if (tips.has(branch.name) && branch.name !== config.target) return;
  try {
    if (damaged.has(branch.name)) {
      const problem = "The branch's ref is damaged in the forge's repository. Push it again.";
      if (branch.problem === problem) return;
      store.write((tx) => tx.moveBranch(branch.id, { ...branch, problem }));
      return;
    }
    const ended = store.write((tx) => {
      const note = "the branch was deleted";
      tx.endBranch(branch.id, { state: "closed", mergeCommit: null, by: null, reason: note });
      const { id: branchId, head } = branch;
      tx.addAudit({ npub: null, action: "close", branchId, head, detail: note });
      return endUnfinishedRuns(tx, branch.id, { kind: "cancelled", note });
    });
    retries.forget(branch.id);
    if (ended) ci.wake();
  } catch (error) {
    log.warn({ branch: branch.name, error: wordsOf(error) }, "a branch could not be closed");
  }
}

function tellUnreadable(
  { store, log }: Canonical,
  { told }: IngestMemory,
  names: readonly string[],
): void {
  for (const name of names) {
    if (told.has(name)) continue;
    told.add(name);
    store.write((tx) => tx.addEvent({ kind: "branch_problem" }));
    log.warn({ branch: name }, "a branch whose name is not UTF-8 is not taken in");
  }
}
