import { z } from "zod";
import { fence, newNonce } from "../text/fence.ts";
import { capForJson } from "../text/json.ts";
import { fitToShow } from "../text/untrusted.ts";
import { lines, shownName } from "./subject.ts";

/** Bytes of log that an answer about failed CI carries in all; `lane_logs` has the rest. */
const logBytes = 2800;
const lanesWithLog = 4;
const lanesNamed = 10;

export const failedLaneShape = z.object({
  lane: z.string(),
  lane_run: z.string(),
  failure: z.string().optional(),
  /** Fenced: untrusted text. */
  log: z.string().optional(),
});
export type FailedLaneView = z.infer<typeof failedLaneShape>;

/** A lane that failed, as the landing reports it. */
export interface FailedLaneFacts {
  readonly lane: string;
  readonly laneRun: string;
  readonly failureKind: string | undefined;
  readonly log: string;
}

/** Failed lanes with the tails of the first few logs, masked, stripped, fenced and capped. */
export function viewFailedLanes(
  failed: readonly FailedLaneFacts[],
  secrets: readonly string[],
  nonce: string = newNonce(),
): FailedLaneView[] {
  const share = Math.floor(logBytes / Math.min(lanesWithLog, Math.max(1, failed.length)));
  return failed.slice(0, lanesNamed).map((lane, index) => {
    const log = index < lanesWithLog ? fitToShow(lane.log, secrets).trim() : "";
    const capped = capForJson(log, share, { keep: "tail", rest: "`lane_logs` has all of it" });
    return {
      lane: shownName(lane.lane, 60),
      lane_run: lane.laneRun,
      ...(lane.failureKind === undefined ? {} : { failure: lane.failureKind }),
      ...(log === ""
        ? {}
        : { log: fence(capped, `log of lane ${shownName(lane.lane, 60)}`, nonce) }),
    };
  });
}

export function renderFailedLanes(lanes_: readonly FailedLaneView[]): string {
  return lanes_
    .map((lane) =>
      lines(
        `lane ${lane.lane} failed${lane.failure === undefined ? "" : ` (${lane.failure})`}, lane_run ${lane.lane_run}`,
        lane.log,
      ),
    )
    .join("\n");
}
