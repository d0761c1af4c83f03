import type { LaneActionAnswer } from "../../contract/ci.ts";
import { decidingRun } from "../../domain/checks.ts";
import { isActive } from "../../domain/status.ts";
import type { RunPlan } from "../ci/ci.ts";
import { RefusedError } from "../refused.ts";
import type { BranchRecord, LaneRecord, RunRecord } from "../store/records.ts";
import type { Reads, Writes } from "../store/store.ts";
import { headRuns, requireBranch } from "./branch-routes.ts";
import { notFound } from "./fault.ts";
import type { Call, Handlers } from "./handler.ts";
import {
  cancelLane,
  cancelRun,
  changeByHand,
  copyOf,
  failLane,
  noteLaneAct,
  noteRunAct,
  recoverLanes,
  requeueLane,
  rerunGoingOn,
} from "./lane-changes.ts";

type LaneRoutes = "rerunLane" | "failLane" | "cancelLane" | "requeueLane";

/** The ways out of stuck or failed CI. None of them lets a head land that no whole run tested. */
export const laneHandlers: Pick<
  Handlers,
  LaneRoutes | "rerunSuite" | "recoverRun" | "cancelRun" | "cancelBranch"
> = {
  rerunLane(call) {
    const { parts, caller } = call;
    const { run, already } = parts.store.write((tx) => {
      const lane = laneOfBranch(tx, call);
      const going = rerunGoingOn(tx, lane);
      if (going !== undefined) return { run: going, already: true };
      noteLaneAct(tx, "rerun_lane", lane, caller.npub);
      const run = tx.createRun({
        branchId: lane.branchId,
        subject: "head",
        head: lane.head,
        partial: true,
        rerunOf: lane.runId,
        reason: null,
        note: `Manual rerun of lane ${lane.lane} from branch CI run #${lane.runId} by ${caller.npub}`,
        status: "failed",
        lanes: [copyOf(lane)],
      });
      return { run, already: false };
    });
    return queued(call, run, already);
  },

  async rerunSuite(call) {
    const { parts, caller, id } = call;
    const { read } = parts.store;
    const branch = requireBranch(read, id("branch_id"));
    const going = unfinishedSuiteRerun(read, branch);
    if (going !== undefined) return queued(call, going, true);
    const before = finishedRun(read, branch);
    // Without lanes there is nothing to copy: what kept them away may be gone, so CI plans anew.
    const plan =
      read.lanesOfRun(before.id).length > 0
        ? undefined
        : await parts.ci.plan(branch.head, branch.mergeBase);
    const { run, already } = parts.store.write((tx) => {
      const now = requireBranch(tx, branch.id);
      const meanwhile = unfinishedSuiteRerun(tx, now);
      if (meanwhile !== undefined) return { run: meanwhile, already: true };
      const again = finishedRun(tx, now);
      if (again.head !== branch.head) throw notFound("branch run");
      noteRunAct(tx, "rerun_suite", again.id, caller.npub, "again");
      const run = tx.createRun({
        branchId: branch.id,
        subject: "head",
        head: branch.head,
        partial: false,
        rerunOf: again.id,
        ...(plan ?? copiedPlan(tx, again)),
        note: `${plan?.note == null ? "" : `${plan.note} · `}Manual rerun of branch CI run #${again.id} by ${caller.npub}`,
      });
      return { run, already: false };
    });
    return queued(call, run, already);
  },

  failLane: (call) => changeLane(call, (tx, lane) => failLane(tx, lane, call.caller.npub)),

  cancelLane: (call) => changeLane(call, (tx, lane) => cancelLane(tx, lane, call.caller.npub)),

  requeueLane: (call) =>
    changeLane(call, (tx, lane) =>
      requeueLane(tx, lane, call.caller.npub, {
        now: call.parts.clock.now(),
        may: isRequeuable(lane),
        ...(failedByItself(lane) ? { whyNot: ownFailure } : {}),
      }),
    ),

  recoverRun(call) {
    const { parts, id, caller } = call;
    const branchId = id("branch_id");
    const runId = id("run_id");
    const count = parts.store.write((tx) => {
      const run = tx.run(runId);
      if (run === undefined || run.branchId !== branchId) throw notFound("branch run");
      const now = parts.clock.now();
      return recoverLanes(tx, runId, caller.npub, { now, may: isRequeuable });
    });
    parts.log.info({ branchId, runId, count, by: caller.npub }, "run recovered");
    parts.ci.wake();
    return {
      status: "ok",
      branch_id: branchId,
      run_id: runId,
      nightly_run_id: null,
      recovered_lane_count: count,
    };
  },

  cancelRun(call) {
    const { parts, id, caller } = call;
    const branchId = id("branch_id");
    const runId = id("run_id");
    const count = parts.store.write((tx) => {
      if (tx.run(runId)?.branchId !== branchId) throw notFound("branch run");
      return cancelRun(tx, runId, caller.npub);
    });
    return cancelled(call, { branchId, runId, count });
  },

  cancelBranch(call) {
    const { parts, id, caller } = call;
    const branchId = id("branch_id");
    const count = parts.store.write((tx) => {
      const runs = tx.unfinishedRuns(requireBranch(tx, branchId).id);
      return runs.reduce((sum, run) => sum + cancelRun(tx, run.id, caller.npub), 0);
    });
    return cancelled(call, { branchId, runId: null, count });
  },
};

function cancelled<N extends "cancelRun" | "cancelBranch">(
  { parts, caller }: Call<N>,
  done: { readonly branchId: number; readonly runId: number | null; readonly count: number },
) {
  parts.log.info({ ...done, by: caller?.npub }, "run cancelled");
  parts.ci.wake();
  return {
    status: "ok" as const,
    branch_id: done.branchId,
    run_id: done.runId,
    nightly_run_id: null,
    cancelled_lane_count: done.count,
  };
}

/** Applies a change to one lane and its run, and tells CI. */
function changeLane<N extends "failLane" | "cancelLane" | "requeueLane">(
  call: Call<N>,
  change: (tx: Writes, lane: LaneRecord) => void,
): LaneActionAnswer {
  const { parts, caller } = call as Call<"failLane">;
  const { lane, answer } = changeByHand(
    parts,
    caller.npub,
    "lane",
    (tx) => laneOfBranch(tx, call),
    change,
  );
  return { ...answer, branch_id: lane.branchId, nightly_run_id: null };
}

function queued<N extends "rerunLane" | "rerunSuite">(
  call: Call<N>,
  run: RunRecord,
  already: boolean,
) {
  const { parts, caller } = call;
  const branchId = call.id("branch_id");
  parts.log.info({ branchId, run: run.id, already, by: caller?.npub }, "run again");
  parts.ci.wake();
  return {
    status: "ok",
    branch_id: branchId,
    rerun_suite_id: run.id,
    ...(already ? { already } : {}),
  };
}

function laneOfBranch(read: Reads, call: Pick<Call<"failLane">, "id">): LaneRecord {
  const lane = read.lane(call.id("lane_run_id"));
  if (lane === undefined || lane.branchId !== call.id("branch_id")) {
    throw notFound("branch lane");
  }
  return lane;
}

/** The run that decides about the branch's head, which must have ended. */
function finishedRun(read: Reads, branch: BranchRecord): RunRecord {
  const run = decidingRun(branch.head, headRuns(read, branch));
  if (run === undefined) throw notFound("branch run");
  if (isActive(run.status)) {
    throw new RefusedError(409, `run #${run.id} is still ${run.status}`);
  }
  return run;
}

/** A rerun of the whole suite that goes on is what another one would be. */
function unfinishedSuiteRerun(read: Reads, branch: BranchRecord): RunRecord | undefined {
  const run = decidingRun(branch.head, headRuns(read, branch));
  return run !== undefined && isActive(run.status) && run.rerunOf !== null ? run : undefined;
}

function copiedPlan(read: Reads, run: RunRecord): RunPlan {
  const lanes = read.lanesOfRun(run.id).map(copyOf);
  return { lanes, status: "failed", reason: null, note: null };
}

function isRequeuable(lane: LaneRecord): boolean {
  return isActive(lane.status) || (lane.status === "failed" && !failedByItself(lane));
}

const ownFailure =
  "it failed by itself, and one lane run again must not make its run green; rerun the lane to " +
  "look at it, or the suite to decide anew";

/** Whether the lane itself was red, rather than lost, stopped or kept from running. */
function failedByItself({ status, failureKind }: LaneRecord): boolean {
  return status === "failed" && (failureKind === "test_failure" || failureKind === "timeout");
}
