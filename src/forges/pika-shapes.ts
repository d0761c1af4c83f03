import type { BranchListAnswer, DetailAnswer, WireLane, WireRun } from "../contract/branch.ts";
import type { QueueAnswer } from "../contract/ci.ts";
import type { Lane, Run } from "../domain/checks.ts";
import {
  type BranchState,
  branchStates,
  type RunReason,
  runReasons,
  runStatuses,
} from "../domain/status.ts";
import type { BranchLine, ForgeBranch, QueueView } from "./forge.ts";
import { plainWords } from "./plain-words.ts";

/** Wire shapes of the pika contract turned into domain words. Pure. */

/** A time in any of the contract's four forms as ISO 8601 UTC; unreadable ones stay as they are. */
export function isoTime(text: string): string {
  const sql = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}(?:\.\d+)?)$/.exec(text);
  const date = new Date(sql === null ? text : `${sql[1]}T${sql[2]}Z`);
  return Number.isNaN(date.getTime()) ? plainWords(text, 40) : date.toISOString();
}

/** One branch with its runs; undefined where its state or head is nothing that this kit knows. */
export function branchOf(detail: DetailAnswer): ForgeBranch | undefined {
  const { branch } = detail;
  const state = knownState(branch.branch_state);
  if (state === undefined || !isObjectId(branch.head_sha)) return undefined;
  return {
    id: String(branch.branch_id),
    name: branch.branch_name,
    title: plainWords(branch.title),
    state,
    target: branch.target_branch,
    head: branch.head_sha,
    mergeCommit: isObjectId(branch.merge_commit_sha) ? branch.merge_commit_sha : undefined,
    updatedAt: isoTime(branch.updated_at),
    runs: detail.ci_runs.map(runOf),
    problem: optionalWords(branch.problem),
    ...(branch.mirror === undefined ? {} : { mirror: sightingOf(branch.mirror) }),
    pushedBy: optionalWords(branch.pushed_by_name ?? branch.pushed_by, 80),
    changedLanes: branch.changed_lanes?.slice(0, 200).map((lane) => plainWords(lane, 200)),
  };
}

function sightingOf({ state, checked_at }: NonNullable<DetailAnswer["branch"]["mirror"]>) {
  return { state, checkedAt: checked_at === null ? undefined : isoTime(checked_at) };
}

/** The lines of a list; branches in a state that this kit does not know are left out. */
export function branchLinesOf(answer: BranchListAnswer): BranchLine[] {
  return answer.branches.flatMap((branch) => {
    const state = knownState(branch.branch_state);
    if (state === undefined) return [];
    return {
      id: String(branch.branch_id),
      name: branch.branch_name,
      title: plainWords(branch.title),
      state,
      head: branch.head_sha,
      ci: plainWords(branch.ci_status, 60),
      updatedAt: isoTime(branch.updated_at),
    };
  });
}

export function runOf(run: WireRun): Run {
  return {
    id: String(run.id),
    head: run.source_head_sha,
    status: runStatus(run.status),
    reason: runReason(run.reason),
    note: optionalWords(run.note, 2000),
    // The reference names no part runs: there, each rerun holds one lane alone.
    partial: run.partial ?? run.rerun_of_run_id !== null,
    lanes: run.lanes.map(laneOf),
    isolation: optionalWords(run.lanes.find((lane) => lane.isolation != null)?.isolation, 60),
  };
}

export function laneOf(lane: WireLane): Lane {
  return {
    id: String(lane.id),
    lane: plainWords(lane.lane_id, 200),
    title: plainWords(lane.title, 200),
    status: runStatus(lane.status),
    reason: optionalWords(lane.execution_reason, 60),
    failureKind: optionalWords(lane.failure_kind, 60),
    note: optionalWords(lane.note, 500),
    waitsFor: optionalWords(lane.waits_for, 300),
    until: lane.waits_until == null ? undefined : isoTime(lane.waits_until),
    queuedAt: isoTime(lane.created_at),
    startedAt: lane.started_at === null ? undefined : isoTime(lane.started_at),
    finishedAt: lane.finished_at === null ? undefined : isoTime(lane.finished_at),
  };
}

export function queueOf(answer: QueueAnswer): QueueView {
  return {
    running: answer.running,
    waiting: answer.waiting,
    matching: answer.matching,
    waitingByReason: answer.waiting_by_reason,
    limit: answer.limit ?? undefined,
    frozen: optionalWords(answer.frozen),
    ...(answer.target_note == null ? {} : { targetNote: plainWords(answer.target_note, 500) }),
    lanes: answer.lanes.map((lane) => ({
      branchId: lane.branch_id === null ? undefined : String(lane.branch_id),
      branch: lane.branch_name ?? undefined,
      laneRun: String(lane.lane_run_id),
      lane: plainWords(lane.lane_id, 200),
      status: runStatus(lane.status),
      reason: plainWords(lane.reason, 60),
      place: lane.place ?? undefined,
      waitsFor: optionalWords(lane.waits_for, 300),
      since: isoTime(lane.since),
      until: lane.until == null ? undefined : isoTime(lane.until),
      estimate: optionalWords(lane.estimate, 120),
    })),
  };
}

/** A lane run of a branch, found by its name or its id. */
export interface FoundLane {
  readonly run: Run;
  readonly lane: Lane;
}

/**
 * The lane run that is meant: the one of that id; else the newest of that name; else the first
 * failed lane of the newest run that has one, then the newest that began, then any.
 */
export function findLane(
  runs: readonly Run[],
  wanted: { lane?: string | undefined; laneRun?: string | undefined },
): FoundLane | undefined {
  const all = runs.flatMap((run) => run.lanes.map((lane) => ({ run, lane })));
  if (wanted.laneRun !== undefined) return all.find(({ lane }) => lane.id === wanted.laneRun);
  if (wanted.lane !== undefined) return all.find(({ lane }) => lane.lane === wanted.lane);
  return (
    all.find(({ lane }) => lane.status === "failed") ??
    all.find(({ lane }) => lane.startedAt !== undefined) ??
    all[0]
  );
}

/**
 * Words that the reference lists for a failure become `failed`. Nothing but `success` ever counts
 * as success, and what is unknown stays as it is.
 */
export function runStatus(status: string): string {
  if ((runStatuses as readonly string[]).includes(status)) return status;
  return failedWords.has(status) ? "failed" : plainWords(status, 60);
}

const failedWords = new Set(["error", "lost", "timed_out", "timeout", "cancelled"]);

/** Whether a text can be an object id, and so may be handed to git. */
function isObjectId(text: string | null): text is string {
  return text !== null && /^[0-9a-f]{40}$|^[0-9a-f]{64}$/.test(text);
}

function knownState(state: string): BranchState | undefined {
  return branchStates.find((known) => known === state);
}

function runReason(reason: string | null | undefined): RunReason | undefined {
  return runReasons.find((known) => known === reason);
}

export function optionalWords(text: string | null | undefined, max = 500): string | undefined {
  return text === null || text === undefined || text === "" ? undefined : plainWords(text, max);
}
