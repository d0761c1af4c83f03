import { decidingRun } from "../domain/checks.ts";
import { type ErrorCode, isLandError, LandError } from "../domain/errors.ts";
import { count, type LandingCall, type LandingDeps, note } from "./call.ts";
import { carryOut } from "./carry-out.ts";
import type { LandingEnd, LandingOptions } from "./ends.ts";
import { type Facts, freshTally, type Tally } from "./facts.ts";
import { failedLanes } from "./failed-lanes.ts";
import { frozenNow, frozenObstacle } from "./frozen.ts";
import { observe } from "./observe.ts";
import { patiently } from "./patience.ts";
import { nextStep } from "./planner.ts";
import { planFrom } from "./simulate.ts";
import type { Ending } from "./steps.ts";
import { unpinnedNote } from "./unpinned.ts";
import { timedWakes } from "./wakes.ts";

/**
 * Lands a branch: observe, ask the planner for the next step, carry it out, observe again, until
 * an end. Safe to ask again at any time, also after it was cut off anywhere.
 * Throws a LandError (with the trail in `facts.trail`) where it cannot know how things stand.
 */
export async function land(deps: LandingDeps, options: LandingOptions): Promise<LandingEnd> {
  const clock = deps.clock ?? { now: () => Date.now() };
  const startedAt = clock.now();
  // Before anything is read, so that no change after the first look goes by unheard.
  const wakes = (deps.changes ?? timedWakes())();
  const trail: string[] = [];
  try {
    const during = { clock, wakes, signal: deps.signal };
    const forge = await patiently(during, () => deps.forge.capabilities(deps.signal));
    const call: LandingCall = {
      deps,
      options,
      forge,
      clock,
      wakes,
      endsAt: startedAt + Math.max(0, options.maxSeconds) * 1000,
      trail,
      branch: undefined,
      tally: freshTally,
      remote: undefined,
      standing: undefined,
      overwrite: undefined,
      unpushed: undefined,
      record: undefined,
      untracked: undefined,
      merged: undefined,
      announced: undefined,
      movedPush: undefined,
      cutOffs: 0,
      told: "",
    };
    return await loop(call);
  } catch (error) {
    throw withTrail(error, trail, deps.signal);
  } finally {
    wakes.close();
  }
}

async function loop(call: LandingCall): Promise<LandingEnd> {
  for (;;) {
    call.deps.signal.throwIfAborted();
    const facts = await observe(call);
    const tally: Tally = { ...call.tally, timeLeftMs: call.endsAt - call.clock.now() };
    const step = nextStep(facts, tally, call.options);
    if (call.options.dryRun && step.do !== "fetch") return planned(call, facts, tally, step);
    const ending = await carryOut(call, step).catch((error: unknown) => refusalIn(error));
    if (ending !== undefined) return reached(call, facts, await completed(call, facts, ending));
  }
}

function planned(
  call: LandingCall,
  facts: Facts,
  tally: Tally,
  step: ReturnType<typeof nextStep>,
): LandingEnd | Promise<LandingEnd> {
  if (step.do === "end") {
    return completed(call, facts, step.ending).then((ending) => reached(call, facts, ending));
  }
  const plan = planFrom(facts, tally, call.options);
  return { ...reachedSoFar(call, facts), state: "planned", plan };
}

/** What the work tree or the remote refused while a step was carried out is an end, not a fault. */
function refusalIn(error: unknown): Ending {
  if (isLandError(error) && refusals.has(error.code)) {
    return {
      state: "refused",
      code: error.code,
      why: error.state === undefined ? error.message : `${error.message} ${error.state}`,
      next: error.next ?? "Put that right, then land again.",
    };
  }
  throw error;
}

const refusals = new Set<ErrorCode>([
  "detached_head",
  "uncommitted_changes",
  "operation_in_progress",
  "unrelated_histories",
  "unsupported_repository",
  "push_rejected",
  "remote_moved",
]);

type CompleteEnding =
  | Exclude<Ending, { state: "ci_failed" }>
  | (Extract<Ending, { state: "ci_failed" }> & {
      readonly lanes: Extract<LandingEnd, { state: "ci_failed" }>["lanes"];
    });

async function completed(call: LandingCall, facts: Facts, ending: Ending): Promise<CompleteEnding> {
  if (ending.state === "refused" && signsOfHands.has(ending.code)) {
    return (await movedByHand(call)) ?? ending;
  }
  if (ending.state === "landed" && facts.head !== undefined) {
    const unpinned = await unpinnedNote(call.deps.copy, call.forge, {
      head: facts.head,
      mergeCommit: ending.mergeCommit,
    });
    return { ...ending, ...(unpinned === undefined ? {} : { unpinned }) };
  }
  if (ending.state !== "ci_failed") return ending;
  const { forge } = call.deps;
  const { record } = call;
  if (record === undefined || facts.head === undefined) return { ...ending, lanes: [] };
  const run = decidingRun(facts.head, record.runs);
  return { ...ending, lanes: await failedLanes(forge, record.id, run, call.deps) };
}

/** A target that has the head without a landing of it, or is gone, may have been moved by hand. */
const signsOfHands = new Set(["nothing_to_land", "not_found"]);

async function movedByHand(call: LandingCall): Promise<CompleteEnding | undefined> {
  const { forge, signal } = call.deps;
  const frozen = await patiently({ ...call, signal }, () => frozenNow(forge, call.forge, signal));
  return frozen === undefined ? undefined : { state: "refused", ...frozenObstacle(frozen) };
}

function reached(call: LandingCall, facts: Facts, ending: CompleteEnding): LandingEnd {
  if (ending.state === "landed") note(call, ending.already ? "landed already" : "landed");
  count(call, { underWay: true });
  return { ...reachedSoFar(call, facts), ...ending };
}

function reachedSoFar(call: LandingCall, facts: Facts) {
  return {
    branch: facts.branch ?? "",
    number: facts.record?.id,
    head: facts.head ?? call.tally.head ?? "",
    target: facts.target,
    trail: call.trail,
    ...untrackedIn(call),
  };
}

function untrackedIn({ untracked: seen }: LandingCall): Pick<LandingEnd, "untracked"> {
  if (seen === undefined || seen.untrackedCount === 0) return {};
  return { untracked: { named: seen.untracked.slice(0, 5), count: seen.untrackedCount } };
}

/** Tells how far it got and that asking again is safe, without hiding the error's own words. */
function withTrail(error: unknown, trail: readonly string[], signal: AbortSignal): unknown {
  if (!isLandError(error)) {
    if (!signal.aborted) return error;
    return cancelled(trail, error);
  }
  if (error.code === "cancelled") return cancelled(trail, error);
  return new LandError(error.code, error.message, {
    state: error.state ?? soFar(trail),
    next: error.next ?? "Land again; it goes on from where it is.",
    facts: { ...error.facts, trail },
    cause: error,
  });
}

function cancelled(trail: readonly string[], cause: unknown): LandError {
  return new LandError("cancelled", "The landing was cancelled.", {
    state: soFar(trail),
    next: "Land again; it goes on from where it is.",
    facts: { trail },
    cause,
  });
}

function soFar(trail: readonly string[]): string {
  return trail.length === 0 ? "Nothing was changed." : `Done before: ${trail.join("; ")}.`;
}
