import { z } from "zod";
import type { BranchRef } from "../forges/forge.ts";
import { lanesNeedOwner } from "../landing/changed-lanes.ts";
import { fixAndLand } from "../landing/planner.ts";
import { type WaitForCiAnswer, waitForCi as wait } from "../landing/wait-ci.ts";
import { branch, head, input, maxSeconds } from "./arguments.ts";
import { checksShape, renderChecks, viewChecks } from "./checks-view.ts";
import { failedLaneShape, renderFailedLanes, viewFailedLanes } from "./failed-lanes.ts";
import { landingDeps } from "./landing-deps.ts";
import { defineOperation, type OperationContext } from "./operation.ts";
import {
  branchShape,
  findSubject,
  lines,
  placeLine,
  readBranchArgument,
  refuseTargetItself,
  type Subject,
  subjectOf,
  titleOf,
} from "./subject.ts";

const states = ["green", "failed", "waiting", "none", "superseded"] as const;
const { run, note, isolation, lanes, more_lanes } = checksShape;

export const waitForCi = defineOperation({
  faces: { tool: "wait_for_ci", command: "wait" },
  summary:
    "Waits until CI has judged exactly one head. `waiting` and `none` (no run yet): call again. Only `green` can land.",
  input: input({
    branch,
    head,
    max_seconds: maxSeconds,
  }),
  hints: { readOnly: true, destructive: false, idempotent: true },
  result: z.object({
    ...branchShape,
    state: z.enum(states),
    head: z.string(),
    ...{ run, note, isolation, lanes, more_lanes },
    failed: z.array(failedLaneShape).optional(),
    next: z.string(),
  }),
  async handle(context, given) {
    const subject = await findSubject(context, given);
    if (subject.known === undefined) await refuseTargetItself(subject, context.signal);
    const { head: wanted, pushed } = await headToWaitFor(context, subject, given.head);
    const seen = await wait(
      { ...landingDeps(context, subject), lookEveryMs: context.lookEveryMs },
      {
        branch: refOf(subject, given.branch),
        head: wanted,
        pushed,
        maxSeconds: given.max_seconds ?? context.waitSeconds,
      },
    );
    const { ci: _verdict, ...checks } = viewChecks(
      seen.head,
      seen.run === undefined ? [] : [seen.run],
      seen.failed.length === 0 ? undefined : laneBytesBesideLogs,
    );
    const secrets = subject.worktree.secrets?.() ?? [];
    return {
      ...subjectOf({ ...subject, known: seen.branch ?? subject.known }),
      state: seen.state,
      head: seen.head,
      ...checks,
      ...(seen.failed.length === 0 ? {} : { failed: viewFailedLanes(seen.failed, secrets) }),
      next: nextStep(seen, subject.local?.head),
    };
  },
  render: (answer) =>
    lines(
      `${titleOf(answer)}: ${answer.state} · head ${answer.head}`,
      renderChecks({ ...answer, ci: answer.state === "waiting" ? "pending" : answer.state }),
      answer.failed !== undefined && renderFailedLanes(answer.failed),
      `Next: ${answer.next}`,
      placeLine(answer),
    ),
});

/**
 * The head in the work tree, where it is pushed and the forge has yet to notice; else the one that
 * the forge has. What CI said of the head before is no answer about the one that was just pushed.
 */
async function headToWaitFor(
  context: OperationContext,
  subject: Subject,
  given: string | undefined,
): Promise<{ head: string | undefined; pushed?: boolean }> {
  if (given !== undefined) return { head: given };
  const { known, local } = subject;
  if (known === undefined || local?.head === undefined || local.head === known.head) {
    return { head: known === undefined ? local?.head : undefined };
  }
  const { copy, remote } = subject.worktree;
  try {
    const tip = await copy.remoteTip(remote, subject.name, context.signal);
    if (tip === local.head) return { head: tip, pushed: true };
  } catch {
    // Then the forge's own word is all there is; the answer says which head it is about.
  }
  return { head: undefined };
}

/** By number only where a number was named: a name that is pushed again gets a new one. */
function refOf(subject: Subject, given: string | undefined): BranchRef {
  const named = given === undefined ? undefined : readBranchArgument(given);
  return named !== undefined && "id" in named ? named : { name: subject.name };
}

/** Where failed lanes are shown with their logs, the list of all lanes has less room. */
const laneBytesBesideLogs = 600;

/** What to do about an answer; `here` is the head in the work tree, where the branch is checked out. */
function nextStep(seen: WaitForCiAnswer, here: string | undefined): string {
  const { state, branch, head } = seen;
  if (state === "none" && branch !== undefined && branch.state !== "open") {
    return `The branch is ${branch.state} and this head has no run, nor will it get one: see \`branch_status\`.`;
  }
  if (here === undefined || here === head) {
    const asked = state === "green" && branch?.head === head ? lanesNeedOwner(branch) : undefined;
    return asked ?? nextSteps[state];
  }
  return `This is not the head in the work tree, ${here}: \`push_branch\` (or \`land_branch\`) hands that to CI.`;
}

const nextSteps: Readonly<Record<(typeof states)[number], string>> = {
  green: "`merge_branch` or `land_branch`.",
  failed: fixAndLand,
  waiting: "Not settled yet: call `wait_for_ci` again.",
  none: "No run for this head yet: call again; if it stays so, see `branch_status` and `recover_ci` with `wake`.",
  superseded: "Its run was given up for a newer head: wait for that one.",
};
