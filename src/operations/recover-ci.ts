import { z } from "zod";
import { decidingRun } from "../domain/checks.ts";
import { LandError } from "../domain/errors.ts";
import { type RecoveryAction, type RecoveryRequest, recoveryActions } from "../forges/forge.ts";
import { ownersWay } from "../landing/frozen.ts";
import { branch, input, oneOf, text } from "./arguments.ts";
import { findLane } from "./find-lane.ts";
import { defineOperation, type OperationContext } from "./operation.ts";
import { movedOutside, settle } from "./settle-target.ts";
import {
  branchHere,
  findKnownSubject,
  lines,
  openPlace,
  type Place,
  placeLine,
  placeOf,
  placeShape,
  shownName,
  subjectOf,
  titleOf,
} from "./subject.ts";

/** Actions on one lane run; the others are about a run, a branch or the whole forge. */
const laneActions: ReadonlySet<RecoveryAction> = new Set([
  "rerun_lane",
  "requeue",
  "fail",
  "cancel",
]);
/** Actions on a run that may be named. */
const runActions: ReadonlySet<RecoveryAction> = new Set(["recover", "cancel_run"]);
const forgeActions: ReadonlySet<RecoveryAction> = new Set([
  "wake",
  "pause",
  "resume",
  "reset_target",
  "reset_health",
]);

export const recoverCi = defineOperation({
  faces: { tool: "recover_ci", command: "recover" },
  summary:
    "Gets stuck CI going. On a lane: rerun_lane, requeue, fail, cancel. On a run: recover (stopped and lost lanes anew), cancel_run. On a branch or nightly: rerun_suite. On the forge: wake, pause, resume, reset_target, reset_health. One rerun lane never turns a red branch green.",
  input: input({
    action: oneOf(recoveryActions),
    branch,
    lane: text(500).optional(),
    lane_run: text(100).optional(),
    run: text(100).optional(),
    nightly: text(100).optional(),
    ci_target: text(500).optional(),
  }),
  hints: { readOnly: false, destructive: true, idempotent: false },
  result: z.object({
    ...placeShape,
    branch: z.string().optional(),
    number: z.string().optional(),
    action: z.enum(recoveryActions),
    lane: z.string().optional(),
    lane_run: z.string().optional(),
    run: z.string().optional(),
    nightly: z.string().optional(),
    done: z.string(),
    next: z.string(),
  }),
  async handle(context, asked) {
    const given = plainNumbers(asked);
    refuseStray(given);
    const place = await openPlace(context, given.worktree);
    await requireSupported(place, given.action, context.signal);
    const request = await requestOf(context, place, given);
    const done =
      given.action === "reset_target"
        ? await restoreTarget(context, place)
        : await place.forge.recover(request, context.signal);
    return {
      ...placeOf(place),
      ...request.about,
      action: given.action,
      ...(request.lane === undefined ? {} : { lane: shownName(request.lane, 100) }),
      ...(request.laneRun === undefined ? {} : { lane_run: request.laneRun }),
      ...(request.run === undefined ? {} : { run: request.run }),
      ...(request.nightly === undefined ? {} : { nightly: request.nightly }),
      done: shownName(done, 500),
      next: nextAfter(given),
    };
  },
  render: (answer) =>
    lines(
      answer.done,
      [
        `action ${answer.action}`,
        answer.branch !== undefined &&
          `branch ${titleOf({ branch: answer.branch, number: answer.number })}`,
        answer.lane !== undefined && `lane ${answer.lane}`,
        answer.lane_run !== undefined && `lane_run ${answer.lane_run}`,
        answer.run !== undefined && `run ${answer.run}`,
        answer.nightly !== undefined && `nightly ${answer.nightly}`,
      ]
        .filter((part) => part !== false)
        .join(" · "),
      `Next: ${answer.next}`,
      placeLine(answer),
    ),
});

function nextAfter({ action, nightly }: Given): string {
  // It decides nothing, so that neither the branch's status nor a wait for its CI shows it.
  if (action === "rerun_lane" && nightly === undefined) {
    return "`lane_logs` with `lane` shows that lane's new run; it decides nothing.";
  }
  if (nightly !== undefined) {
    return `\`land nightly ${nightly}\`, or the forge's page of it, shows the effect.`;
  }
  if (action === "pause") return "`recover_ci` with `resume`, when lanes may begin again.";
  if (action === "cancel_run") return "`rerun_suite` when CI is wanted after all.";
  if (action === "cancel" || action === "fail") return "`requeue` when it is wanted after all.";
  return forgeActions.has(action) ? "`inspect_queue` shows the effect." : "`wait_for_ci`.";
}

interface Given {
  readonly action: RecoveryAction;
  readonly worktree?: string | undefined;
  readonly branch?: string | undefined;
  readonly lane?: string | undefined;
  readonly lane_run?: string | undefined;
  readonly run?: string | undefined;
  readonly nightly?: string | undefined;
  readonly ci_target?: string | undefined;
}

/** Runs and nightlies are written with `#` in what people are told. */
function plainNumbers(given: Given): Given {
  const plain = (number: string | undefined) => number?.trim().replace(/^#/, "");
  const { lane_run, run, nightly } = given;
  return { ...given, lane_run: plain(lane_run), run: plain(run), nightly: plain(nightly) };
}

/** An argument that the action would leave aside: whoever gave it meant something else. */
function refuseStray(given: Given): void {
  const { action } = given;
  const fits = {
    run: runActions.has(action),
    lane: laneActions.has(action),
    lane_run: laneActions.has(action),
    ci_target: action === "reset_health",
    nightly: !forgeActions.has(action),
  };
  const names = Object.keys(fits) as (keyof typeof fits)[];
  const stray = names.find((name) => given[name] !== undefined && !fits[name]);
  if (stray === undefined) return;
  throw new LandError("bad_argument", `\`${action}\` is about no \`${stray}\`.`, {
    state: "Nothing was done.",
    next: `Leave \`${stray}\` out, or take an action that is about one.`,
  });
}

async function requireSupported(
  place: Place,
  action: RecoveryAction,
  signal: AbortSignal,
): Promise<void> {
  const { recovery } = await place.forge.capabilities(signal);
  if (recovery.includes(action)) return;
  throw new LandError("unsupported", `The forge ${place.forge.name} cannot do ${action}.`, {
    state: "Nothing was done.",
    next:
      action === "reset_target"
        ? ownersWay
        : `What it can do: ${recovery.join(", ") || "nothing of this kind"}.`,
    facts: { possible: recovery },
  });
}

/** Puts back a target that was moved outside the forge: the owner's right, so a person is asked. */
async function restoreTarget(context: OperationContext, place: Place): Promise<string> {
  const frozen = await movedOutside(place, context.signal);
  return frozen === undefined
    ? "The target is where the forge left it; there was nothing to reset."
    : settle(context, place, "restore", frozen);
}

/** What the arguments mean on the forge, and which branch they are about. */
async function requestOf(
  context: OperationContext,
  place: Place,
  given: Given,
): Promise<RecoveryRequest & { about: { branch?: string; number?: string } }> {
  const nothing = {
    ...{ lane: undefined, laneRun: undefined, run: undefined },
    ...(given.ci_target === undefined ? {} : { ciTarget: given.ci_target }),
  };
  if (given.nightly !== undefined) return ofNightly(given, given.nightly);
  if (forgeActions.has(given.action) && given.branch === undefined) {
    return {
      action: given.action,
      branchId: undefined,
      ...nothing,
      about: await branchHere(place, context.signal),
    };
  }
  const subject = await findKnownSubject(context, given);
  const { branch: name, number } = subjectOf(subject);
  const about = { branch: name, ...(number === undefined ? {} : { number }) };
  const request = { action: given.action, branchId: subject.known.id, ...nothing, about };
  if (laneActions.has(given.action)) {
    const found = findLane(subject.known, given);
    const lane = found?.lane.lane ?? given.lane;
    return { ...request, lane, laneRun: found?.lane.id ?? given.lane_run };
  }
  if (given.action === "cancel_run") return { ...request, run: given.run };
  if (given.action !== "recover") return request;
  const run = given.run ?? decidingRun(subject.known.head, subject.known.runs)?.id;
  if (run !== undefined) return { ...request, run };
  throw new LandError("not_found", "There is no CI run for this branch's head yet.", {
    state: "Nothing was done.",
    next: "`rerun_suite` or `wake` may start one; `inspect_queue` shows what waits.",
    facts: { possible: (await place.forge.capabilities(context.signal)).recovery },
  });
}

/** A nightly is on no branch's account. */
function ofNightly(given: Given, nightly: string): RecoveryRequest & { about: object } {
  if (given.branch !== undefined || given.run !== undefined) {
    throw new LandError("bad_argument", "`nightly` is instead of `branch` and `run`.", {
      state: "Nothing was done.",
      next: "Call again with one of them.",
    });
  }
  const lane = { lane: given.lane, laneRun: given.lane_run };
  return {
    action: given.action,
    branchId: undefined,
    ...lane,
    run: undefined,
    nightly,
    about: {},
  };
}
