import { decidingRun, judgeHead } from "../domain/checks.ts";
import { type ErrorCode, isLandError, isLandingRefusal, LandError } from "../domain/errors.ts";
import type { LandingAnswer } from "../forges/forge.ts";
import { count, type LandingCall, note } from "./call.ts";
import { frozenNow, frozenObstacle } from "./frozen.ts";
import { isFarBack } from "./in-line.ts";
import { lookAtRemote, readRecord } from "./observe.ts";
import { patiently } from "./patience.ts";
import { isOfThisLanding } from "./settle-rebase.ts";
import { type Awaited, conflictNext, type Ending, type Step, short } from "./steps.ts";
import {
  isOnlyCancelled,
  recordMark,
  runLine,
  safetyMs,
  seenThroughCancel,
  waitForRecord,
} from "./wait-for-record.ts";

/** Before the same thing is asked of the forge again. */
const askAgainMs = 500;
const maxCutOffs = 5;
const maxMovedPushes = 3;

/** Carries one step out. Answers an ending only where the step itself found one. */
export async function carryOut(call: LandingCall, step: Step): Promise<Ending | undefined> {
  if (step.do !== "fetch") count(call, { underWay: true });
  switch (step.do) {
    case "fetch":
      return await fetchFacts(call, undefined);
    case "rebase":
      return await rebase(call, step.onto);
    case "push":
      return await push(call, step.head, step.lease);
    case "wait":
      return await wait(call, step.on, step.head);
    case "request_landing":
      return await requestLanding(call, step.id, step.head);
    case "verify":
      return await verify(call, step.commit);
    case "end":
      return step.ending;
  }
}

function act(call: LandingCall): void {
  count(call, { acts: call.tally.acts + 1 });
}

async function fetchFacts(call: LandingCall, commit: string | undefined): Promise<undefined> {
  const { copy, remote, signal } = call.deps;
  const { target } = call.forge;
  const at = { copy, remote, target, branch: call.branch, now: call.clock.now() };
  call.remote = await patiently({ ...call, signal }, () => lookAtRemote(at, commit, signal));
  const { targetTip, targetMoved } = call.remote;
  if (targetTip !== undefined && targetMoved) {
    note(call, `fetched ${target}: ${short(targetTip)}`);
  }
  return undefined;
}

async function rebase(call: LandingCall, onto: string): Promise<Ending | undefined> {
  act(call);
  const { forge, signal } = call.deps;
  const frozen = await patiently({ ...call, signal }, () => frozenNow(forge, call.forge, signal));
  if (frozen !== undefined) return { state: "refused", ...frozenObstacle(frozen) };
  const answer = await call.deps.copy.rebase(onto, signal);
  if (answer.state === "conflict") {
    note(call, `rebasing onto ${call.forge.target} ${short(onto)} met a conflict`);
    return { state: "conflict", files: answer.files, next: conflictNext };
  }
  const rebases = call.tally.rebases + 1;
  const ours = answer.state !== "aborted" && (await isOfThisLanding(call, answer));
  count(call, ours ? { rebases, head: answer.head } : { rebases });
  note(call, `rebased onto ${call.forge.target} ${short(onto)}: ${short(answer.head)}`);
  return undefined;
}

async function push(
  call: LandingCall,
  head: string,
  lease: string | undefined,
): Promise<undefined> {
  act(call);
  const { copy, remote, signal } = call.deps;
  const { branch } = call;
  if (branch === undefined || branch === call.forge.target) {
    throw new LandError("on_target", "The target is never pushed to.");
  }
  const seen = call.remote;
  // Until it is known what came of it, what the remote has is not known either.
  call.remote = undefined;
  try {
    const request = { remote, branch, head, lease };
    await patiently({ ...call, signal }, () => copy.push(request, signal));
  } catch (error) {
    if (!isLandError(error, "remote_moved")) throw error;
    await pushMetAMove(call, `${head} ${lease ?? ""}`, error);
    return undefined;
  }
  if (seen !== undefined) call.remote = { ...seen, tip: head };
  note(call, `pushed ${short(head)}`);
  return undefined;
}

/** A remote that turns the same push down again and again did not move: it is told, not retried. */
async function pushMetAMove(call: LandingCall, key: string, error: LandError): Promise<void> {
  const times = call.movedPush?.key === key ? call.movedPush.times + 1 : 1;
  call.movedPush = { key, times };
  if (times >= maxMovedPushes) throw error;
  note(call, "the push met a branch that had moved; looking again");
  if (times > 1) await call.wakes.next(call.deps.signal, askAgainMs);
}

async function wait(call: LandingCall, on: Awaited, head: string): Promise<undefined> {
  const { forge, signal } = call.deps;
  const { branch } = call;
  if (on === "forge_head" && branch !== undefined && call.announced !== head) {
    call.announced = head;
    await patiently({ ...call, signal }, () => forge.ensureChange(branch, head, signal));
    await readRecord(call).then((record) => {
      call.record = record;
    });
    if (markOf(call, head) !== "unknown" && call.record?.head === head) return undefined;
  }
  const before = markOf(call, head);
  const until = Math.min(call.clock.now() + safetyMs, call.endsAt);
  const during = { ...call, signal, until: call.endsAt };
  const look = async () => {
    call.record = await readRecord(call);
    if (on === "ci") tellOfCi(call, head);
    return markOf(call, head);
  };
  const mark = await waitForRecord(during, until, look, (seen) => seen !== before);
  if (on === "ci") {
    const isCancelled = () => isOnlyCancelled(call.record, runOf(call, head));
    await seenThroughCancel(during, call.endsAt, look, isCancelled, mark);
  }
  await forgetOldRemote(call, head);
  return undefined;
}

/** Tells how far CI of a head is, where that changed since it was last told. */
function tellOfCi(call: LandingCall, head: string): void {
  const line = runLine(runOf(call, head));
  if (line !== call.told) call.deps.progress(line);
  call.told = line;
}

function runOf(call: LandingCall, head: string) {
  return decidingRun(head, call.record?.runs ?? []);
}

function markOf(call: LandingCall, head: string): string {
  return recordMark(call.record, judgeHead(head, call.record?.runs ?? []));
}

/**
 * What the remote had may be used for as long as the forge itself refuses a head that has fallen
 * behind; where only we compare, it is asked anew before each landing. A record that tells of
 * another head means that somebody moved the branch there.
 */
async function forgetOldRemote(call: LandingCall, head: string): Promise<void> {
  const now = call.clock.now();
  const movedThere = call.record?.state === "open" && call.record.head !== head;
  if (movedThere || call.forge.head === "compared") call.remote = undefined;
  else if (call.remote !== undefined && now - call.remote.at >= safetyMs) {
    call.remote = (await isFarBack(call, head)) ? { ...call.remote, at: now } : undefined;
  }
}

async function requestLanding(call: LandingCall, id: string, head: string): Promise<undefined> {
  act(call);
  tellOfCi(call, head);
  const { forge, signal } = call.deps;
  const { refusal } = call.tally;
  if (refusal?.head === head) await call.wakes.next(signal, askAgainMs);
  if (!(await standsStill(call))) return undefined;
  count(call, { requested: head });
  try {
    const request = { branchId: id, head, force: undefined };
    settle(call, id, head, await forge.requestLanding(request, signal));
  } catch (error) {
    if (!isLandError(error)) throw error;
    if (error.code === "forge_unreachable" || error.code === "timed_out") cutOff(call, error);
    else if (endsIt.includes(error.code) || isLandingRefusal(error)) turnedDown(call, head, error);
    else throw error;
  }
  return undefined;
}

/**
 * A forge that cannot refuse a head that fell behind is asked only where target and branch are
 * still, right before, what the step was planned on.
 */
async function standsStill(call: LandingCall): Promise<boolean> {
  if (call.forge.head === "pinned") return true;
  const before = call.remote;
  await fetchFacts(call, undefined);
  return call.remote?.targetTip === before?.targetTip && call.remote?.tip === before?.tip;
}

/** Looking again does not help against these either: the landing ends with the forge's words. */
const endsIt: readonly ErrorCode[] = ["not_found", "wrong_target"];

function settle(call: LandingCall, id: string, head: string, answer: LandingAnswer): void {
  if (answer.state === "queued") {
    count(call, { queued: head, refusal: undefined });
    note(call, `handed ${short(head)} to the queue`);
    return;
  }
  call.merged = { id, head, mergeCommit: answer.mergeCommit };
  note(call, `the forge merged ${short(head)} as ${short(answer.mergeCommit)}`);
}

/** The merge may have happened all the same; only looking again tells. */
function cutOff(call: LandingCall, error: LandError): void {
  call.cutOffs += 1;
  if (call.cutOffs > maxCutOffs) throw error;
  note(call, "the forge went away while it was asked to land; looking what came of it");
  call.remote = undefined;
}

function turnedDown(call: LandingCall, head: string, error: LandError): void {
  const before = call.tally.refusal;
  const targetTip = call.remote?.targetTip;
  const again =
    before?.head === head && before.code === error.code && before.targetTip === targetTip;
  const times = again ? before.times + 1 : 1;
  const { code, message: why, next } = error;
  count(call, { refusal: { code, why, next, head, targetTip, times } });
  call.deps.progress(`not landed yet: ${code}`);
  // Whatever it was, it was decided on newer facts than ours.
  call.remote = undefined;
}

async function verify(call: LandingCall, commit: string): Promise<undefined> {
  act(call);
  if (call.tally.verifications > 0) await call.wakes.next(call.deps.signal, askAgainMs);
  count(call, { verifications: call.tally.verifications + 1 });
  await fetchFacts(call, commit);
  if (call.remote?.verified?.inTarget === true) note(call, "verified on the remote");
  return undefined;
}
