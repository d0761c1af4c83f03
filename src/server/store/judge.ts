import { judgeHead, type Lane, type Run, type Verdict } from "../../domain/checks.ts";
import type { LaneRecord, RunRecord } from "./records.ts";
import type { Reads } from "./store.ts";

type LaneSource = Pick<Reads, "lanesOfRun">;

/** A stored run with its lanes, in the domain's words. */
export function runView(read: LaneSource, run: RunRecord): Run {
  const lanes = read.lanesOfRun(run.id);
  return {
    id: String(run.id),
    head: run.head,
    status: run.status,
    reason: run.reason ?? undefined,
    note: run.note ?? undefined,
    partial: run.partial,
    lanes: lanes.map(laneView),
    isolation: lanes.find((lane) => lane.isolation !== null)?.isolation ?? undefined,
  };
}

function laneView(lane: LaneRecord): Lane {
  return {
    id: String(lane.id),
    lane: lane.lane,
    title: lane.title,
    status: lane.status,
    reason: lane.reason,
    failureKind: lane.failureKind ?? undefined,
    queuedAt: lane.createdAt,
    startedAt: lane.startedAt ?? undefined,
    finishedAt: lane.finishedAt ?? undefined,
  };
}

/** What CI says of exactly this head of a branch. */
export function verdictOn(
  read: LaneSource & Pick<Reads, "runsOfHead">,
  branchId: number,
  head: string,
): Verdict {
  const runs = read.runsOfHead(branchId, head).filter((run) => run.subject === "head");
  return judgeHead(
    head,
    runs.map((run) => runView(read, run)),
  );
}
