import type { LaneActionAnswer } from "../../contract/ci.ts";
import { isActive } from "../../domain/status.ts";
import { RefusedError } from "../refused.ts";
import type { AuditAction, LaneDefinition, LaneRecord, RunRecord } from "../store/records.ts";
import type { Reads, Writes } from "../store/store.ts";
import type { Parts } from "./parts.ts";

/** What a person may do to a lane, of a branch's run or of a nightly. Each throws RefusedError 409. */

/**
 * The rerun of a lane that goes on, or is the lane itself: whoever names a lane by its name means
 * the newest. Undefined where another one may begin.
 */
export function rerunGoingOn(read: Reads, lane: LaneRecord): RunRecord | undefined {
  const own = read.run(lane.runId);
  if (!isActive(lane.status)) return read.unfinishedRerunOf(lane.id);
  if (own?.partial === true && lane.rerunOf !== null) return own;
  throw new RefusedError(409, `lane ${lane.lane} is still ${lane.status}`);
}

/** An end that somebody gives a lane. */
type EndByHand = Parameters<Writes["endLane"]>[1] & { readonly status: "failed" };

/**
 * Ends a lane by hand; false where that was done before, so that it changes nothing. A lane that
 * came to another end is refused.
 */
function endByHand(tx: Writes, lane: LaneRecord, end: EndByHand): boolean {
  if (isActive(lane.status)) {
    tx.endLane(lane.id, end);
    return true;
  }
  if (lane.status === end.status && lane.failureKind === end.failureKind) return false;
  const how = lane.failureKind === null ? "" : ` (${lane.failureKind})`;
  throw new RefusedError(409, `lane ${lane.lane} is already ${lane.status}${how}`);
}

export function cancelLane(tx: Writes, lane: LaneRecord, by: string): void {
  const end = { status: "failed", failureKind: "cancelled", note: cancelledBy(by) } as const;
  if (endByHand(tx, lane, end)) noteLaneAct(tx, "cancel_lane", lane, by);
}

/** Ends the lanes of a run that wait or run. Answers how many. */
export function cancelRun(tx: Writes, runId: number, by: string): number {
  const lanes = tx.lanesOfRun(runId).filter((lane) => isActive(lane.status));
  for (const { id } of lanes) {
    tx.endLane(id, { status: "failed", failureKind: "cancelled", note: cancelledBy(by) });
  }
  if (lanes.length > 0) {
    tx.refoldRun(runId);
    noteRunAct(tx, "cancel_run", runId, by, `(lanes ${lanes.length})`);
  }
  return lanes.length;
}

/**
 * Carries out a change of one lane by hand: in one transaction with its run's status, then told to
 * the log and to CI. `of`: what the lane belongs to, in the log's words.
 */
export function changeByHand(
  { store, log, ci }: Pick<Parts, "store" | "log" | "ci">,
  by: string,
  of: "lane" | "nightly lane",
  find: (tx: Writes) => LaneRecord,
  change: (tx: Writes, lane: LaneRecord) => void,
): LaneChange {
  const { before, after } = store.write((tx) => {
    const lane = find(tx);
    change(tx, lane);
    tx.refoldRun(lane.runId);
    return { before: lane, after: tx.lane(lane.id) ?? lane };
  });
  const facts = { lane: after.lane, laneRun: after.id, status: after.status, by };
  log.info(facts, `${of} changed by hand`);
  ci.wake();
  return {
    lane: after,
    answer: {
      status: "ok",
      lane_run_id: after.id,
      lane_status: after.status,
      ...(after.status === before.status ? { already: true } : {}),
    },
  };
}

interface LaneChange {
  readonly lane: LaneRecord;
  readonly answer: Omit<LaneActionAnswer, "branch_id" | "nightly_run_id">;
}

const cancelledBy = (by: string) => `Cancelled by ${by}.`;

export function failLane(tx: Writes, lane: LaneRecord, by: string): void {
  const note = `Manual fail by ${by}: marked ${lane.lane} failed for CI recovery.`;
  if (endByHand(tx, lane, { status: "failed", failureKind: null, note })) {
    noteLaneAct(tx, "fail_lane", lane, by);
  }
}

/**
 * Puts a lane back that `may` be; `whyNot` is added to the words of a refusal. One that waits already
 * keeps its place, and one whose worker lives goes on: it may be what the first asking began.
 */
export function requeueLane(
  tx: Writes,
  lane: LaneRecord,
  by: string,
  rule: { readonly now: Date; readonly may: boolean; readonly whyNot?: string },
): void {
  if (!rule.may) {
    const why = rule.whyNot === undefined ? "" : `: ${rule.whyNot}`;
    throw new RefusedError(409, `lane ${lane.lane} cannot be requeued from ${lane.status}${why}`);
  }
  if (lane.status === "queued" || isAtWork(lane, rule.now)) return;
  tx.requeueLane(lane.id, "queued");
  tx.noteRun(lane.runId, `Lane ${lane.lane} requeued by ${by}`);
  noteLaneAct(tx, "requeue_lane", lane, by);
}

/**
 * Puts a run's stale lanes back: those that ended as `may` allows, and those that seem to run but
 * whose worker is gone. Answers how many wait now; those that did before keep their place, and one
 * whose worker lives goes on, so that asking twice never ends what the first time began.
 */
export function recoverLanes(
  tx: Writes,
  runId: number,
  by: string,
  { now, may }: { readonly now: Date; readonly may: (lane: LaneRecord) => boolean },
): number {
  const lanes = tx.lanesOfRun(runId).filter((lane) => may(lane) && !isAtWork(lane, now));
  const moved = lanes.filter((lane) => lane.status !== "queued");
  for (const lane of moved) tx.requeueLane(lane.id, "queued");
  if (moved.length > 0) {
    tx.refoldRun(runId);
    tx.noteRun(runId, `Recovered by ${by}`);
    noteRunAct(tx, "recover_run", runId, by, `(lanes ${moved.length})`);
  }
  return lanes.length;
}

function isAtWork({ status, leaseExpiresAt }: LaneRecord, now: Date): boolean {
  return status === "running" && (leaseExpiresAt ?? "") > now.toISOString();
}

/** The audit trail's line on something done to a lane. */
export function noteLaneAct(tx: Writes, action: AuditAction, lane: LaneRecord, by: string): void {
  const { id: laneRunId, branchId, runId, head } = lane;
  const detail = `${runWords(branchId, runId)} (lane ${lane.lane})`;
  tx.addAudit({ npub: by, action, branchId, runId, laneRunId, head, detail });
}

/** The audit trail's line on something done to a run, of a branch or nightly; `what` was done. */
export function noteRunAct(
  tx: Writes,
  action: AuditAction,
  runId: number,
  by: string,
  what: string,
): void {
  const run = tx.run(runId);
  const { branchId = null, head = null } = run ?? {};
  const detail = `${runWords(branchId, runId)} ${what}`;
  tx.addAudit({ npub: by, action, branchId, runId, head, detail });
}

/** Runs without a branch are nightlies. */
function runWords(branchId: number | null, runId: number): string {
  return `${branchId === null ? "nightly" : "run"} #${runId}`;
}

/** A lane's definition again. Which paths chose it does not matter any more. */
export function copyOf(lane: LaneRecord): LaneDefinition & { rerunOf: number } {
  return {
    lane: lane.lane,
    title: lane.title,
    entrypoint: lane.entrypoint,
    command: lane.command,
    paths: [],
    inputs: [],
    env: lane.env,
    concurrencyGroup: lane.concurrencyGroup,
    timeoutSeconds: lane.timeoutSeconds,
    targetKey: lane.targetKey,
    rerunOf: lane.id,
  };
}
