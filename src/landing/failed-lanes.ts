import type { Lane, Run } from "../domain/checks.ts";
import { isLandError } from "../domain/errors.ts";
import type { Forge } from "../forges/forge.ts";
import { fitToShow } from "../text/untrusted.ts";
import type { FailedLane } from "./ends.ts";
import { partThatMatters } from "./log-part.ts";

const maxLanes = 3;
const maxBytesPerLane = 3 * 1024;
const tailBytes = 48 * 1024;

export interface Reading {
  readonly signal: AbortSignal;
  /** Known secrets. They are masked before a log is cut, since half of one would not be known. */
  readonly secrets?: (() => readonly string[]) | undefined;
}

/** The lanes that failed a run, at most three, each with the part of its log that matters. */
export async function failedLanes(
  forge: Forge,
  branchId: string,
  run: Run | undefined,
  reading: Reading,
): Promise<readonly FailedLane[]> {
  const failed = (run?.lanes ?? []).filter((lane) => lane.status === "failed");
  return Promise.all(
    failed.slice(0, maxLanes).map(async (lane) => ({
      lane: lane.lane,
      laneRun: lane.id,
      failureKind: lane.failureKind,
      log: await logOf(forge, branchId, lane, reading),
    })),
  );
}

/** A log that cannot be read does not hide that the lane failed. */
async function logOf(
  forge: Forge,
  branchId: string,
  lane: Lane,
  { signal, secrets }: Reading,
): Promise<string> {
  try {
    const part = await forge.log(
      { branchId, lane: undefined, laneRun: lane.id, offset: undefined, maxBytes: tailBytes },
      signal,
    );
    return partThatMatters(fitToShow(part.text, secrets?.()), maxBytesPerLane);
  } catch (error) {
    if (isLandError(error, "cancelled")) throw error;
    return "(its log could not be read now; `lane_logs` tries again)";
  }
}
