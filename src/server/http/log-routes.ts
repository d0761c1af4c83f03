import type { LaneRecord } from "../store/records.ts";
import type { Reads } from "../store/store.ts";
import { requireBranch, runsShown } from "./branch-routes.ts";
import { HttpFault } from "./fault.ts";
import type { Handlers } from "./handler.ts";
import { logViews, readLogRange } from "./lane-logs.ts";
import { waitsOf } from "./lane-waits.ts";
import type { Parts } from "./parts.ts";
import { runnerPartOf } from "./runner-routes.ts";
import { laneOnWire } from "./wire-lane.ts";

const defaultRangeBytes = 64 * 1024;

export const logHandlers: Pick<Handlers, "logs" | "laneLog"> = {
  async logs({ parts, id, query }) {
    const { read } = parts.store;
    const branch = requireBranch(read, id("branch_id"));
    const runs = runsShown(read, branch).map((run) => read.lanesOfRun(run.id));
    const lane = await chooseLane(parts, runs, query);
    if (lane === undefined) throw new HttpFault(404, { error: "no matching lane logs found" });
    const waits = waitsOf(parts, [lane]);
    const logs = await logViews(parts.config, [lane], true);
    const log = logs.get(lane.id) ?? { bytes: 0, text: null };
    return {
      branch_id: branch.id,
      branch_name: branch.name,
      run_id: lane.runId,
      lane: laneOnWire(lane, log, parts.clock.now(), waits.get(lane.id)),
      ...runnerPartOf(parts, lane, log.bytes),
    };
  },

  async laneLog({ parts, id, query }) {
    const lane = requireLane(parts.store.read, id("lane_run_id"));
    const range = await readLogRange(parts.config, lane, {
      offset: query.offset,
      maxBytes: query.max_bytes ?? defaultRangeBytes,
    });
    return {
      lane_run_id: lane.id,
      lane_id: lane.lane,
      run_id: lane.runId,
      branch_id: lane.branchId,
      status: lane.status,
      offset: range.offset,
      next_offset: range.nextOffset,
      total_bytes: range.totalBytes,
      text: range.text,
    };
  },
};

function requireLane(read: Reads, id: number): LaneRecord {
  const lane = read.lane(id);
  if (lane === undefined) throw new HttpFault(404, { error: "no matching lane logs found" });
  return lane;
}

/**
 * The lane a reader most likely means, among the shown runs: the named one; else the first failed
 * lane; else the first with something in its log; else the first.
 */
async function chooseLane(
  parts: Parts,
  runs: readonly (readonly LaneRecord[])[],
  named: { lane?: string | undefined; lane_run_id?: number | undefined },
): Promise<LaneRecord | undefined> {
  const lanes = runs.flat();
  if (named.lane_run_id !== undefined) return lanes.find((lane) => lane.id === named.lane_run_id);
  if (named.lane !== undefined) return lanes.find((lane) => lane.lane === named.lane);
  const failed = lanes.find((lane) => lane.status === "failed");
  if (failed !== undefined) return failed;
  const sizes = await logViews(parts.config, lanes, false);
  return lanes.find((lane) => (sizes.get(lane.id)?.bytes ?? 0) > 0) ?? lanes[0];
}
