import { z } from "zod";
import { LandError } from "../domain/errors.ts";
import { obstacleError, obstacleIn, operationObstacle } from "../git/obstacles.ts";
import type { RebaseAnswer, WorkingState } from "../git/working-copy.ts";
import { frozenNow, frozenObstacle } from "../landing/frozen.ts";
import { rebaseNext } from "../landing/steps.ts";
import { input, target, yesOrNo } from "./arguments.ts";
import { conflictShape, renderConflict, viewConflict } from "./conflicts.ts";
import { defineOperation, type OperationContext } from "./operation.ts";
import {
  lines,
  openPlace,
  type Place,
  placeLine,
  placeOf,
  placeShape,
  shownName,
} from "./subject.ts";
import { refuseTarget, targetOf } from "./target.ts";

export const rebaseBranch = defineOperation({
  faces: { tool: "rebase_branch", command: "rebase" },
  summary:
    "Fetches the target and rebases the checked-out branch onto it. On `conflict` resolve, `git add`, then call with `continue`, or `abort`.",
  input: input({ target, continue: yesOrNo, abort: yesOrNo }),
  hints: { readOnly: false, destructive: false, idempotent: true },
  result: z.object({
    ...placeShape,
    branch: z.string(),
    state: z.enum(["up_to_date", "rebased", "conflict", "aborted"]),
    target: z.string(),
    head: z.string().optional(),
    ...conflictShape,
    next: z.string().optional(),
  }),
  async handle(context, given) {
    const place = await openPlace(context, given.worktree);
    const name = await targetOf(place, given.target, context.signal);
    const before = await place.worktree.copy.state(context.signal);
    const answer = await rebase(context, place, { ...given, target: name, before });
    const after = await place.worktree.copy.state(context.signal);
    const facts = {
      ...placeOf(place),
      branch: shownName(before.branch ?? after.branch ?? "HEAD"),
      state: answer.state,
      target: name,
    };
    if (answer.state !== "conflict") return { ...facts, head: answer.head };
    return {
      ...facts,
      ...viewConflict(answer.files, place.worktree.secrets?.() ?? []),
      next: rebaseNext(answer.files),
    };
  },
  render: (answer) =>
    lines(
      `${answer.branch}: ${answer.state}${answer.head === undefined ? "" : ` at ${answer.head}`} (target ${answer.target})`,
      renderConflict(answer),
      answer.next !== undefined && `Next: ${answer.next}`,
      placeLine(answer),
    ),
});

interface Wanted {
  readonly continue?: boolean | undefined;
  readonly abort?: boolean | undefined;
  readonly target: string;
  readonly before: WorkingState;
}

async function rebase(
  context: OperationContext,
  place: Place,
  wanted: Wanted,
): Promise<RebaseAnswer> {
  const { copy, remote } = place.worktree;
  if (wanted.continue === true && wanted.abort === true) {
    throw new LandError("bad_argument", "`continue` and `abort` exclude each other.", {
      state: "Nothing was done.",
      next: "Give one of them.",
    });
  }
  if (wanted.continue === true || wanted.abort === true) {
    requireOurRebase(wanted.before);
    return wanted.abort === true
      ? copy.abortRebase(context.signal)
      : copy.continueRebase(context.signal);
  }
  if (wanted.before.operation?.phase === "stopped") {
    return { state: "conflict", files: wanted.before.conflicts };
  }
  const obstacle = obstacleIn(wanted.before);
  if (obstacle !== undefined) throw obstacleError(obstacle);
  refuseTarget(wanted.before.branch, wanted.target);
  const { signal } = context;
  const frozen = await frozenNow(place.forge, await place.forge.capabilities(signal), signal);
  if (frozen !== undefined) throw obstacleError(frozenObstacle(frozen));
  const { after } = await copy.fetch(remote, wanted.target, context.signal);
  if (after === undefined) {
    throw new LandError("not_found", `The forge has no branch ${wanted.target} to rebase onto.`, {
      state: "Nothing was done.",
      next: "`land doctor` tells what is wrong with this forge.",
    });
  }
  return copy.rebase(after, context.signal);
}

function requireOurRebase(state: WorkingState): void {
  if (state.operation?.ours === true) return;
  const foreign = operationObstacle(state);
  if (foreign !== undefined) throw obstacleError(foreign);
  throw new LandError("bad_argument", "No rebase is in progress here.", {
    state: "Nothing was done.",
    next: "Call `rebase_branch` without `continue` or `abort`.",
  });
}
