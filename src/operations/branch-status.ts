import { z } from "zod";
import { branchStates } from "../domain/status.ts";
import type { ForgeBranch } from "../forges/forge.ts";
import { obstacleIn } from "../git/obstacles.ts";
import type { WorkingState } from "../git/working-copy.ts";
import { lanesNeedOwner } from "../landing/changed-lanes.ts";
import { ownersWay, watchesTarget } from "../landing/frozen.ts";
import { fixAndLand } from "../landing/planner.ts";
import { onTarget } from "../landing/refusals.ts";
import { branch, input } from "./arguments.ts";
import { checksShape, renderChecks, viewBranchChecks } from "./checks-view.ts";
import { defineOperation } from "./operation.ts";
import {
  branchShape,
  findSubject,
  lines,
  placeLine,
  type Subject,
  shownName,
  subjectOf,
  titleOf,
  unknownBranch,
} from "./subject.ts";

const result = z.object({
  ...branchShape,
  state: z.enum([...branchStates, "unpushed"]),
  title: z.string().optional(),
  target: z.string(),
  /** The head the forge knows. */
  head: z.string().optional(),
  /** Whose key pushed that head, where it came over SSH. */
  pushed_by: z.string().optional(),
  merge_commit: z.string().optional(),
  /** Whether the forge's mirror has the merge, and when the forge last looked. */
  mirror: z.object({ state: z.string(), checked_at: z.string().optional() }).optional(),
  problem: z.string().optional(),
  /** Why landing stands still for everybody. */
  frozen: z.string().optional(),
  target_note: z.string().optional(),
  ...z.object(checksShape).partial().shape,
  /** What is in the work tree, where this branch is checked out there. */
  local: z
    .object({
      head: z.string().optional(),
      uncommitted: z.int(),
      untracked: z.int(),
      operation: z.string().optional(),
    })
    .optional(),
  url: z.string().optional(),
  next: z.string(),
});
type StatusView = z.infer<typeof result>;

export const branchStatus = defineOperation({
  faces: { tool: "branch_status", command: "status" },
  summary: "Shows a branch on the forge: state, head, CI lanes, and what to do next.",
  input: input({ branch }),
  hints: { readOnly: true, destructive: false, idempotent: true },
  result,
  async handle(context, given) {
    const subject = await findSubject(context, given);
    const { known } = subject;
    if (known === undefined) await requireHere(subject);
    const { target, frozen, note } = await standingOfTarget(subject, context.signal);
    const facts = {
      ...subjectOf(subject),
      target,
      ...(frozen === undefined ? {} : { frozen: shownName(frozen, 500) }),
      ...(note === undefined ? {} : { target_note: note }),
      ...(subject.local === undefined ? {} : { local: viewLocal(subject.local) }),
    };
    const seen = { subject, target, isFrozen: frozen !== undefined };
    if (known === undefined) {
      return { ...facts, state: "unpushed" as const, next: nextStep(seen, undefined) };
    }
    const checks = viewBranchChecks(known);
    return {
      ...facts,
      state: known.state,
      title: shownName(known.title, 200),
      head: known.head,
      ...(known.pushedBy === undefined ? {} : { pushed_by: shownName(known.pushedBy, 80) }),
      ...(known.mergeCommit === undefined ? {} : { merge_commit: known.mergeCommit }),
      ...(known.mirror === undefined ? {} : { mirror: viewMirror(known.mirror) }),
      ...(known.problem === undefined ? {} : { problem: shownName(known.problem, 500) }),
      ...checks,
      url: subject.forge.url(known.id),
      next: nextStep(seen, checks.ci),
    };
  },
  render: (answer) =>
    lines(
      `${titleOf(answer)}: ${answer.state}, target ${answer.target}`,
      answer.title,
      answer.head !== undefined && `head ${answer.head}${pushedBy(answer)}`,
      answer.merge_commit !== undefined && `merge commit ${answer.merge_commit}`,
      answer.mirror !== undefined && renderMirror(answer.mirror),
      answer.problem !== undefined && `problem: ${answer.problem}`,
      answer.frozen !== undefined && `Landing stands still: ${answer.frozen}`,
      answer.target_note,
      renderChecks(answer),
      answer.local !== undefined && renderLocal(answer.local),
      answer.url,
      `Next: ${answer.next}`,
      placeLine(answer),
    ),
});

function pushedBy({ pushed_by }: StatusView): string {
  return pushed_by === undefined ? "" : ` · pushed by ${pushed_by}`;
}

function viewMirror({ state, checkedAt }: NonNullable<ForgeBranch["mirror"]>) {
  return { state, ...(checkedAt === undefined ? {} : { checked_at: checkedAt }) };
}

function renderMirror({ state, checked_at }: NonNullable<StatusView["mirror"]>): string {
  const looked = checked_at === undefined ? "never looked at yet" : `looked at ${checked_at}`;
  const known: Readonly<Record<string, string>> = {
    seen: "has it",
    not_seen: "not seen there yet",
  };
  return `mirror: ${known[state] ?? "not known whether it has it"} (${looked})`;
}

function viewLocal(state: WorkingState): NonNullable<StatusView["local"]> {
  return {
    ...(state.head === undefined ? {} : { head: state.head }),
    uncommitted: state.trackedCount,
    untracked: state.untrackedCount,
    ...(state.operation === undefined ? {} : { operation: state.operation.kind }),
  };
}

function renderLocal(local: NonNullable<StatusView["local"]>): string {
  const operation = local.operation === undefined ? "" : `, ${local.operation} in progress`;
  return `here: ${local.head ?? "no commit"}, ${local.uncommitted} uncommitted, ${local.untracked} untracked${operation}`;
}

/** A branch that is neither here nor on the forge is none. */
async function requireHere(subject: Subject): Promise<void> {
  if (subject.local !== undefined) return;
  if ((await subject.worktree.copy.localTip(subject.name)) !== undefined) return;
  throw unknownBranch(subject, shownName(subject.name));
}

async function standingOfTarget(
  { forge }: Subject,
  signal: AbortSignal,
): Promise<{ target: string; frozen: string | undefined; note: string | undefined }> {
  const capabilities = await forge.capabilities(signal);
  const queue = watchesTarget(capabilities) ? await forge.queue({ limit: 0 }, signal) : undefined;
  return { target: capabilities.target, frozen: queue?.frozen, note: queue?.targetNote };
}

interface Seen {
  readonly subject: Subject;
  readonly target: string;
  readonly isFrozen: boolean;
}

function nextStep({ subject, target, isFrozen }: Seen, ci: StatusView["ci"]): string {
  const { known, local } = subject;
  if (known?.state === "merged") {
    return local !== undefined && local.head !== known.head
      ? "It was merged; there are commits here since. `land_branch` lands them as a new change."
      : "It was merged; nothing to do.";
  }
  if (isFrozen) return ownersWay;
  if (known === undefined && subject.name === target) return onTarget(target).next;
  if (known?.problem !== undefined) return "Solve the problem, then `land_branch`.";
  const isOtherHead = known !== undefined && local?.head !== undefined && local.head !== known.head;
  if (known?.state === "open" && ci === "failed" && !isOtherHead) {
    return fixAndLand;
  }
  const obstacle = local === undefined ? undefined : obstacleIn(local);
  if (obstacle !== undefined) return `${obstacle.why} ${obstacle.next}`;
  if (known === undefined) return "`land_branch` pushes it, waits for CI and lands it.";
  if (known.state === "closed") return "It was closed. Push it again (`land_branch`) to reopen it.";
  if (isOtherHead) {
    return "The work tree is at another head than the forge: `land_branch` pushes and lands it.";
  }
  if (ci === "green") return lanesNeedOwner(known) ?? "`land_branch` (or `merge_branch`) lands it.";
  return "`land_branch` or `wait_for_ci` waits for CI.";
}
