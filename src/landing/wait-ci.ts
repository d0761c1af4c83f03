import { decidingRun, judgeHead, type Run, type Verdict } from "../domain/checks.ts";
import { LandError } from "../domain/errors.ts";
import type { BranchRef, Forge, ForgeBranch } from "../forges/forge.ts";
import type { FailedLane } from "./ends.ts";
import { failedLanes } from "./failed-lanes.ts";
import { patiently } from "./patience.ts";
import { isOnlyCancelled, runLine, seenThroughCancel, waitForRecord } from "./wait-for-record.ts";
import { type Clock, type SubscribeToChanges, timedWakes } from "./wakes.ts";

export interface WaitForCiDeps {
  readonly forge: Forge;
  readonly changes?: SubscribeToChanges | undefined;
  readonly clock?: Clock | undefined;
  readonly signal: AbortSignal;
  /** What is never shown, as far as it is known by now. */
  readonly secrets?: (() => readonly string[]) | undefined;
  /** How long it is at most from one look to the next, in milliseconds. */
  readonly lookEveryMs?: number | undefined;
  progress(message: string): void;
}

export interface WaitForCiRequest {
  readonly branch: BranchRef;
  /** Default: the head that the forge knows. */
  readonly head: string | undefined;
  readonly maxSeconds: number;
  /** The head is on the remote, so a record of the branch that ended is not the last one. */
  readonly pushed?: boolean | undefined;
}

/** What CI says of one head. `none`: no run for it by the time; `waiting`: its run goes on. */
export interface WaitForCiAnswer {
  readonly state: "green" | "failed" | "waiting" | "none" | "superseded";
  readonly branch: ForgeBranch | undefined;
  readonly head: string;
  readonly run: Run | undefined;
  /** Of a failed run: its failed lanes with the part of their logs that matters. */
  readonly failed: readonly FailedLane[];
}

interface Look {
  readonly branch: ForgeBranch | undefined;
  readonly head: string;
  readonly verdict: Verdict;
  readonly run: Run | undefined;
}

/**
 * Waits until CI has judged exactly one head, or the time is up. Throws `not_found` where neither
 * the forge knows the branch nor a head is named that it could still get to know.
 */
export async function waitForCi(
  deps: WaitForCiDeps,
  request: WaitForCiRequest,
): Promise<WaitForCiAnswer> {
  const clock = deps.clock ?? { now: () => Date.now() };
  const until = clock.now() + Math.max(0, request.maxSeconds) * 1000;
  const wakes = (deps.changes ?? timedWakes())();
  const during = { clock, wakes, signal: deps.signal, lookEveryMs: deps.lookEveryMs };
  const isSettled = (seen: Look) => isOver(seen, request.pushed === true);
  try {
    const first = await patiently(during, () => look(deps, request, request.head));
    let told = "";
    const tell = (seen: Look) => {
      const line = runLine(seen.run);
      if (line !== told) deps.progress(line);
      told = line;
      return seen;
    };
    tell(first);
    const again = () => look(deps, request, first.head).then(tell);
    let last = first;
    // What is over at the first look was not waited for, and is told as it is.
    while (!isSettled(last) && clock.now() < until) {
      last = await waitForRecord(during, until, again, isSettled);
      last = await seenThroughCancel(during, until, again, isCancelled, last);
    }
    return await answer(deps, last);
  } finally {
    wakes.close();
  }
}

async function look(
  deps: WaitForCiDeps,
  request: WaitForCiRequest,
  wanted: string | undefined,
): Promise<Look> {
  const { forge, signal } = deps;
  const branch = await forge.branch(request.branch, signal);
  const head = wanted ?? branch?.head;
  if (head === undefined) {
    throw new LandError("not_found", "The forge does not know this branch.", {
      next: "Push it first (`push_branch`).",
    });
  }
  const runs =
    branch === undefined || branch.head === head || decidingRun(head, branch.runs) !== undefined
      ? (branch?.runs ?? [])
      : await forge.checks(branch.id, head, signal);
  return { branch, head, verdict: judgeHead(head, runs), run: decidingRun(head, runs) };
}

/** No further waiting helps: CI has spoken, or the branch is over without a run for this head. */
function isOver({ verdict, branch }: Look, pushed: boolean): boolean {
  if (verdict === "none") return !pushed && branch !== undefined && branch.state !== "open";
  return verdict !== "pending";
}

function isCancelled({ branch, run }: Look): boolean {
  return isOnlyCancelled(branch, run);
}

async function answer(deps: WaitForCiDeps, seen: Look): Promise<WaitForCiAnswer> {
  const { branch, head, run, verdict } = seen;
  const failed =
    verdict === "failed" && branch !== undefined
      ? await failedLanes(deps.forge, branch.id, run, deps)
      : [];
  return { state: verdict === "pending" ? "waiting" : verdict, branch, head, run, failed };
}
