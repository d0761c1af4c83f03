import { z } from "zod";
import { LandError } from "../domain/errors.ts";
import type { BranchRef, Forge, ForgeBranch } from "../forges/forge.ts";
import { obstacleError, operationObstacle } from "../git/obstacles.ts";
import type { WorkingState } from "../git/working-copy.ts";
import { onTarget } from "../landing/refusals.ts";
import { headBytes } from "../text/bytes.ts";
import { oneLine } from "../text/control.ts";
import type { OperationContext } from "./operation.ts";
import type { Worktree } from "./worktree.ts";

/** What each answer says of where it was given: the work tree's path and the forge's name. */
export const placeShape = { worktree: z.string(), forge: z.string() };
/** The branch an answer speaks of; `number` is missing while the forge does not know it. */
export const branchShape = { ...placeShape, branch: z.string(), number: z.string().optional() };

export interface Place {
  readonly worktree: Worktree;
  readonly forge: Forge;
}

/** Opens the work tree and its forge. */
export async function openPlace(
  context: OperationContext,
  path: string | undefined,
): Promise<Place> {
  const worktree = await context.worktree(path);
  return { worktree, forge: await worktree.forge(context.signal) };
}

/** The branch that is checked out there, for answers that are about no branch in particular. */
export async function branchHere(place: Place, signal: AbortSignal): Promise<{ branch?: string }> {
  const branch = await place.worktree.copy.branch(signal);
  return branch === undefined ? {} : { branch: shownName(branch) };
}

export function placeOf(place: Place): { worktree: string; forge: string } {
  return { worktree: place.worktree.path, forge: place.forge.name };
}

/**
 * What a branch argument names. Only digits, also after `#`, are a number; `refs/heads/42` and
 * `heads/42` are the branch of that name.
 */
export function readBranchArgument(argument: string): BranchRef {
  const text = argument.trim();
  const number = /^#?(\d{1,18})$/.exec(text)?.[1];
  if (number !== undefined) return { id: number.replace(/^0+(?=\d)/, "") };
  return { name: text.replace(/^(refs\/)?heads\//, "") };
}

/** The short name of the branch that an argument names. Throws `not_found` for an unknown number. */
export async function branchNameOf(
  place: Place,
  argument: string,
  signal: AbortSignal,
): Promise<string> {
  const ref = readBranchArgument(argument);
  if ("name" in ref) return ref.name;
  const known = await place.forge.branch(ref, signal);
  if (known === undefined) throw unknownBranch(place, `#${ref.id}`);
  const newest = await place.forge.branch({ name: known.name }, signal);
  if (newest === undefined || newest.id === known.id) return known.name;
  throw new LandError(
    "branch_not_open",
    `#${known.id} is an older record of ${shownName(known.name)}; its newest is #${newest.id}.`,
    { state: "Nothing was done.", next: `Name #${newest.id}, if that is what you mean.` },
  );
}

/** A branch that an operation is about, here and on the forge. */
export interface Subject extends Place {
  readonly name: string;
  /** The forge's newest record of it, or undefined where it knows none. */
  readonly known: ForgeBranch | undefined;
  /** The work tree, where this is the branch that is checked out there. */
  readonly local: WorkingState | undefined;
}

/** Finds the branch that an argument names; without one, the branch that is checked out. */
export async function findSubject(
  context: OperationContext,
  given: { worktree?: string | undefined; branch?: string | undefined },
): Promise<Subject> {
  const place = await openPlace(context, given.worktree);
  const state = await place.worktree.copy.state(context.signal);
  const ref = given.branch === undefined ? checkedOut(state) : readBranchArgument(given.branch);
  const known = await place.forge.branch(ref, context.signal);
  const name = "name" in ref ? ref.name : known?.name;
  if (name === undefined) throw unknownBranch(place, "id" in ref ? `#${ref.id}` : "");
  const local = state.branch === name ? state : undefined;
  return { ...place, name, known, local };
}

function checkedOut(state: WorkingState): BranchRef {
  if (state.branch !== undefined) return { name: state.branch };
  const operation = operationObstacle(state);
  if (operation !== undefined) throw obstacleError(operation);
  throw new LandError("detached_head", "No branch is checked out here (detached HEAD).", {
    state: "Nothing was done.",
    next: "Name a branch with `branch`, or check one out with `git switch <branch>`.",
  });
}

/** The subject, which the forge must know. */
export async function findKnownSubject(
  context: OperationContext,
  given: { worktree?: string | undefined; branch?: string | undefined },
): Promise<Subject & { readonly known: ForgeBranch }> {
  const subject = await findSubject(context, given);
  if (subject.known === undefined) {
    await refuseTargetItself(subject, context.signal);
    throw unknownBranch(subject, shownName(subject.name));
  }
  return { ...subject, known: subject.known };
}

/** The target has no CI and no record of its own, however long one waits for them. */
export async function refuseTargetItself(subject: Subject, signal: AbortSignal): Promise<void> {
  const { target } = await subject.forge.capabilities(signal);
  if (subject.name === target) throw obstacleError(onTarget(target));
}

export function subjectOf(subject: Subject): {
  worktree: string;
  forge: string;
  branch: string;
  number?: string;
} {
  return {
    ...placeOf(subject),
    branch: shownName(subject.name),
    ...(subject.known === undefined ? {} : { number: subject.known.id }),
  };
}

/** A branch name or title fit to show: one line, capped. Names may be hostile. */
export function shownName(name: string, max = 250): string {
  return headBytes(oneLine(name), max).text;
}

/** `feature/x (#20)`, for the first line of an answer. */
export function titleOf(answer: { branch: string; number?: string | undefined }): string {
  return answer.number === undefined ? answer.branch : `${answer.branch} (#${answer.number})`;
}

/** The last line of each text: where the answer was given. */
export function placeLine(answer: { worktree: string; forge: string }): string {
  return `worktree ${answer.worktree} · forge ${answer.forge}`;
}

/** Joins the lines of an answer that are there. */
export function lines(...parts: readonly (string | undefined | false)[]): string {
  return parts.filter((part) => part !== undefined && part !== false && part !== "").join("\n");
}

/** `name`: as it may be shown; with `#` before it, a number. */
export function unknownBranch(place: Place, name: string): LandError {
  const isNumber = /^#\d+$/.test(name);
  return new LandError("not_found", `The forge ${place.forge.name} knows no branch ${name}.`, {
    state: "Nothing was done.",
    next: isNumber
      ? `See \`list_branches\`. A branch that is called ${name.slice(1)} is named refs/heads/${name.slice(1)}.`
      : "Push it first (`push_branch`, or `land_branch` for everything), or see `list_branches`.",
  });
}
