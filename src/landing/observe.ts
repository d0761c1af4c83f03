import { decidingRun, judgeHead } from "../domain/checks.ts";
import type { ForgeBranch } from "../forges/forge.ts";
import { obstacleIn } from "../git/obstacles.ts";
import type { WorkingCopy, WorkingState } from "../git/working-copy.ts";
import type { LandingCall, Remembered, RemoteSeen } from "./call.ts";
import { count } from "./call.ts";
import type { Facts, Overwrite, RecordFacts, RemoteFacts, Standing } from "./facts.ts";
import { patiently } from "./patience.ts";
import { followRebase, settledState } from "./settle-rebase.ts";

/** Looks at the work tree and the forge, and puts what the remote was last seen to have beside it. */
export async function observe(call: LandingCall): Promise<Facts> {
  const state = await settledState(call);
  call.branch ??= call.options.branch ?? state.branch;
  const { branch } = call;
  call.record = await readRecord(call);
  const checkedOut = branch !== undefined && state.branch === branch;
  call.untracked = checkedOut ? state : undefined;
  const head = checkedOut ? state.head : (call.remote?.tip ?? call.record?.head);
  pinHead(call, checkedOut || call.remote !== undefined ? head : undefined);
  if (checkedOut) await followRebase(call, branch, head);
  return {
    branch,
    target: call.forge.target,
    rule: call.forge.landingRule,
    checkedOut,
    unpushed:
      checkedOut || branch === undefined || head === undefined
        ? undefined
        : await unpushedTip(call, branch, head),
    head: checkedOut || call.remote !== undefined ? head : undefined,
    obstacle: checkedOut || branch === undefined ? obstacleIn(state) : undefined,
    conflict: conflictIn(state, branch),
    remote:
      call.remote === undefined ? undefined : await remoteFacts(call, call.remote, branch, head),
    record: recordFacts(call, head),
  };
}

/** Asks the forge for the branch's newest record, and notes one that is open. */
export async function readRecord(call: LandingCall): Promise<ForgeBranch | undefined> {
  const { branch } = call;
  if (branch === undefined) return undefined;
  const { forge, signal } = call.deps;
  // Once it is under way, a landing outlasts a forge that is gone for as long as it may wait.
  const until = call.tally.underWay ? call.endsAt : undefined;
  const record = await patiently({ ...call, signal, until }, () =>
    forge.branch({ name: branch }, signal),
  );
  if (record?.state === "open") count(call, { openRecord: record.id });
  return record;
}

function pinHead(call: LandingCall, head: string | undefined): void {
  if (call.tally.head === undefined && head !== undefined) count(call, { head });
}

/** The tip of a branch that is not checked out here, if landing `head` would leave commits behind. */
async function unpushedTip(
  call: LandingCall,
  branch: string,
  head: string,
): Promise<string | undefined> {
  const { copy } = call.deps;
  const tip = await copy.localTip(branch);
  const targetTip = call.remote?.targetTip;
  if (tip === undefined || tip === head || targetTip === undefined) return undefined;
  call.unpushed = await remembered(call.unpushed, [tip, head, targetTip], async () => {
    const had = (await copy.isAncestor(tip, head)) || (await copy.isAncestor(tip, targetTip));
    return had ? undefined : tip;
  });
  return call.unpushed.value;
}

function conflictIn(state: WorkingState, branch: string | undefined): Facts["conflict"] {
  const { operation } = state;
  const waits = operation?.phase !== "under_way" && operation?.phase !== "cut_off";
  const ours = operation?.kind === "rebase" && operation.ours && waits;
  return ours && state.branch === branch ? state.conflicts : undefined;
}

/** What the forge's record says, seen from the head that is being landed. */
function recordFacts(call: LandingCall, head: string | undefined): RecordFacts | undefined {
  const { record, merged } = call;
  // A name may have a newer record by now; the forge's own answer about this head stands.
  if (merged !== undefined && merged.head === head) {
    const { id, mergeCommit } = merged;
    return { id, head, mergeCommit, state: "merged", problem: undefined, ...unjudged };
  }
  if (record === undefined) return undefined;
  const { id, state, mergeCommit, problem } = record;
  const judged =
    head === undefined
      ? unjudged
      : { verdict: judgeHead(head, record.runs), note: decidingRun(head, record.runs)?.note };
  const { changedLanes } = record;
  return { id, state, head: record.head, mergeCommit, problem, changedLanes, ...judged };
}

const unjudged = { verdict: "none", note: undefined } as const;

async function remoteFacts(
  call: LandingCall,
  seen: RemoteSeen,
  branch: string | undefined,
  head: string | undefined,
): Promise<RemoteFacts> {
  const { targetTip, tip, verified } = seen;
  if (head === undefined || branch === undefined || targetTip === undefined) {
    return { targetTip, tip, verified, standing: "unrelated", overwrite: "nothing" };
  }
  const { copy } = call.deps;
  call.standing = await remembered(call.standing, [head, targetTip], () =>
    standingOf(copy, head, targetTip),
  );
  call.overwrite = await remembered(call.overwrite, [branch, head, tip, targetTip], () =>
    overwriteOf(copy, { branch, head, tip, targetTip }),
  );
  const [standing, overwrite] = [call.standing.value, call.overwrite.value];
  const sought = standing === "contained" && call.forge.head === "compared";
  const mergeOf = sought ? await copy.mergeOf(head, targetTip) : undefined;
  return { targetTip, tip, verified, standing, overwrite, mergeOf };
}

async function remembered<T>(
  before: Remembered<T> | undefined,
  about: readonly (string | undefined)[],
  find: () => Promise<T>,
): Promise<Remembered<T>> {
  const key = about.join(" ");
  return before?.key === key ? before : { key, value: await find() };
}

/** How a head stands to the target's tip. Both must be in the repository. */
export async function standingOf(
  copy: WorkingCopy,
  head: string,
  targetTip: string,
): Promise<Standing> {
  const base = await copy.mergeBase(head, targetTip);
  if (base === undefined) return "unrelated";
  if (base === head) return "contained";
  return base === targetTip ? "ahead" : "behind";
}

/** What a push of the head would do to what the remote has of the branch. */
export async function overwriteOf(
  copy: WorkingCopy,
  at: {
    readonly branch: string;
    readonly head: string;
    readonly tip: string | undefined;
    readonly targetTip: string;
  },
): Promise<Overwrite> {
  if (at.tip === undefined) return "creates";
  if (at.tip === at.head) return "nothing";
  if (!(await copy.knows(at.tip))) return "drops_foreign";
  if (await copy.isAncestor(at.tip, at.head)) return "adds";
  const ours = await copy.wasOurs(at.branch, at.tip, [at.targetTip, at.head]);
  return ours ? "replaces_ours" : "drops_foreign";
}

/**
 * Asks the remote for the target and the branch, fetching what is not here. `verify` is looked
 * for in the target's history.
 */
export async function lookAtRemote(
  at: {
    readonly copy: WorkingCopy;
    readonly remote: string;
    readonly target: string;
    readonly branch: string | undefined;
    readonly now: number;
  },
  verify: string | undefined,
  signal: AbortSignal,
): Promise<RemoteSeen> {
  const { copy, remote, target, branch } = at;
  const [{ before, after: targetTip }, told] = await Promise.all([
    copy.fetch(remote, target, signal),
    branch === undefined ? undefined : copy.remoteTip(remote, branch, signal),
  ]);
  const missing = branch !== undefined && told !== undefined && !(await copy.knows(told));
  const tip = missing ? (await copy.fetch(remote, branch, signal)).after : told;
  const verified =
    verify === undefined || targetTip === undefined
      ? undefined
      : { commit: verify, inTarget: await copy.isAncestor(verify, targetTip) };
  return { targetTip, tip, at: at.now, verified, targetMoved: before !== targetTip };
}
