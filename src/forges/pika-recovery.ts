import {
  cancelRunAnswer,
  laneActionAnswer,
  pauseAnswer,
  recoverAnswer,
  rerunAnswer,
  resetHealthAnswer,
  resumeAnswer,
  wakeAnswer,
} from "../contract/ci.ts";
import { targetAnswer } from "../contract/forge.ts";
import { paths } from "../contract/paths.ts";
import { LandError } from "../domain/errors.ts";
import type { RecoveryRequest } from "./forge.ts";
import { capabilitiesOf } from "./pika-capabilities.ts";
import { recoverNightly } from "./pika-nightly.ts";
import { findLane, runOf } from "./pika-shapes.ts";
import { isId, type PikaWire, unknownBranch } from "./pika-wire.ts";
import { plainWords } from "./plain-words.ts";
import { already, cancelledWords, laneWords, recoveredWords } from "./recovery-words.ts";
import { whereRunsAre } from "./wire-errors.ts";

/** Carries a recovery action out and says in one line what was done. */
export async function recover(
  wire: PikaWire,
  request: RecoveryRequest,
  signal: AbortSignal | undefined,
): Promise<string> {
  await refuseUnsupported(wire, request, signal);
  refuseNoNumber("lane run", request.laneRun);
  refuseNoNumber("run", request.run);
  if (request.nightly !== undefined) return recoverNightly(wire, request, request.nightly, signal);
  switch (request.action) {
    case "wake":
      await wire.post(wakePath(request), wakeAnswer, { repeatable: true }, signal);
      return "The forge looks at its branches and lanes now.";
    case "reset_target":
      return resetTarget(wire, request, signal);
    case "rerun_suite": {
      const id = branchIdOf(request);
      const answer = await wire.post(paths.rerunSuite(id), rerunAnswer, {}, signal);
      return `All lanes of branch #${id} run again${already(answer)} as run #${answer.rerun_suite_id}.`;
    }
    case "pause":
      return pause(wire, signal);
    case "resume":
      return resume(wire, signal);
    case "reset_health":
      return resetHealth(wire, request, signal);
    case "cancel_run":
      return cancelRun(wire, request, signal);
    case "recover":
      return recoverRun(wire, request, signal);
    default:
      return actOnLane(wire, request, request.action, signal);
  }
}

function wakePath({ inPassing }: RecoveryRequest): string {
  return inPassing === true ? `${paths.wake()}?for=landing` : paths.wake();
}

async function pause(wire: PikaWire, signal: AbortSignal | undefined): Promise<string> {
  const answer = await wire.post(paths.pauseCi(), pauseAnswer, { repeatable: true }, signal);
  return `The scheduler starts no lanes since ${plainWords(answer.since, 40)}, paused by ${plainWords(answer.by, 80)}; ${answer.running} go on, ${answer.waiting} wait.`;
}

async function resume(wire: PikaWire, signal: AbortSignal | undefined): Promise<string> {
  const answer = await wire.post(paths.resumeCi(), resumeAnswer, { repeatable: true }, signal);
  return answer.changed
    ? `The scheduler starts lanes again; ${answer.waiting} wait.`
    : `The scheduler starts lanes already; it was not paused. ${answer.waiting} wait.`;
}

async function resetHealth(
  wire: PikaWire,
  request: RecoveryRequest,
  signal: AbortSignal | undefined,
): Promise<string> {
  const target = request.ciTarget;
  if (target === undefined) {
    throw new LandError("bad_argument", "Which CI target is meant was not said.", {
      state: "Nothing was changed.",
      next: "Name it; `inspect_queue` says what lanes wait for.",
    });
  }
  const how = { body: { target }, repeatable: true };
  const answer = await wire.post(paths.resetHealth(), resetHealthAnswer, how, signal);
  const name = plainWords(answer.target, 100);
  return answer.changed
    ? `CI target ${name} counts as healthy again; its lanes run on.`
    : `CI target ${name} counted as healthy already.`;
}

async function cancelRun(
  wire: PikaWire,
  request: RecoveryRequest,
  signal: AbortSignal | undefined,
): Promise<string> {
  const id = branchIdOf(request);
  const { run } = request;
  const path = run === undefined ? paths.cancelBranch(id) : paths.cancelRun(id, run);
  const answer = await wire.post(path, cancelRunAnswer, { repeatable: true }, signal);
  return cancelledWords(answer, run === undefined ? `branch #${id}` : `run #${run}`);
}

async function resetTarget(
  wire: PikaWire,
  request: RecoveryRequest,
  signal: AbortSignal | undefined,
): Promise<string> {
  const action = request.target ?? "restore";
  const answer = await wire.post(
    paths.target(),
    targetAnswer,
    { body: { action }, repeatable: true },
    signal,
  );
  return `The target is ${plainWords(answer.target_sha, 64)} (${action}); landing goes on.`;
}

async function recoverRun(
  wire: PikaWire,
  request: RecoveryRequest,
  signal: AbortSignal | undefined,
): Promise<string> {
  const id = branchIdOf(request);
  const run = request.run ?? (await newestRun(wire, id, signal));
  const answer = await wire.post(paths.recoverRun(id, run), recoverAnswer, {}, signal);
  return recoveredWords(answer, `run #${run}`);
}

type LaneAction = "rerun_lane" | "requeue" | "fail" | "cancel";

async function actOnLane(
  wire: PikaWire,
  request: RecoveryRequest,
  action: LaneAction,
  signal: AbortSignal | undefined,
): Promise<string> {
  const id = branchIdOf(request);
  const lane = request.laneRun ?? (await laneRunNamed(wire, id, request.lane, signal));
  if (action === "rerun_lane") {
    const answer = await wire.post(paths.rerunLane(id, lane), rerunAnswer, {}, signal);
    return `Lane run #${lane} runs again${already(answer)} as run #${answer.rerun_suite_id}, which decides nothing: only a whole run of the head does.`;
  }
  const path = {
    requeue: paths.requeueLane,
    fail: paths.failLane,
    cancel: paths.cancelLane,
  }[action](id, lane);
  const answer = await wire.post(path, laneActionAnswer, {}, signal);
  return laneWords(answer, `Lane run #${lane}`, action);
}

async function laneRunNamed(
  wire: PikaWire,
  id: string,
  lane: string | undefined,
  signal: AbortSignal | undefined,
): Promise<string> {
  if (lane === undefined) {
    throw new LandError("bad_argument", "Which lane is meant was not said.", {
      state: "Nothing was changed.",
      next: "Name it with `lane`, or its run with `lane_run`.",
    });
  }
  const found = findLane((await runsOf(wire, id, signal)).map(runOf), { lane });
  if (found !== undefined) return found.lane.id;
  throw new LandError("not_found", `Branch #${id} has no such lane among its newest runs.`, {
    state: "Nothing was changed.",
    next: "Look at the branch's status: it names the lanes and the ids of their runs.",
  });
}

async function newestRun(
  wire: PikaWire,
  id: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const newest = (await runsOf(wire, id, signal))[0];
  if (newest !== undefined) return String(newest.id);
  throw new LandError("not_found", `Branch #${id} has no run yet.`, {
    state: "Nothing was changed.",
    next: "Use `wake` to make the forge look at the branch now.",
  });
}

async function runsOf(wire: PikaWire, id: string, signal: AbortSignal | undefined) {
  const detail = await wire.detail(id, signal);
  if (detail === undefined) throw unknownBranch(id);
  return detail.ci_runs;
}

/** Runs are known by numbers; another word is no part of a path that anything is asked at. */
function refuseNoNumber(what: "lane run" | "run", id: string | undefined): void {
  if (id === undefined || isId(id)) return;
  throw new LandError("not_found", `The forge knows no ${what} ${plainWords(id, 40)}.`, {
    state: "Nothing was changed.",
    next: whereRunsAre,
  });
}

function branchIdOf(request: RecoveryRequest): string {
  if (request.branchId !== undefined) return request.branchId;
  throw new LandError("bad_argument", `\`${request.action}\` needs a branch.`, {
    state: "Nothing was changed.",
    next: "Name the branch, or call from a work tree that has it checked out.",
  });
}

async function refuseUnsupported(
  wire: PikaWire,
  request: RecoveryRequest,
  signal: AbortSignal | undefined,
): Promise<void> {
  // The target's name does not matter here.
  const can = capabilitiesOf(await wire.flavour(signal), "-").recovery;
  if (can.includes(request.action)) return;
  throw new LandError("unsupported", `This forge cannot do \`${request.action}\`.`, {
    state: "Nothing was changed.",
    next: can.length === 0 ? "Push a new head instead." : `It can do: ${can.join(", ")}.`,
  });
}
