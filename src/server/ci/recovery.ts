import { endTagged, killOrphan, untilNoneLeft } from "../../process/ending.ts";
import type { LaneRecord } from "../store/records.ts";
import type { Store, Writes } from "../store/store.ts";
import { tagVariable } from "./lane-environment.ts";
import { claimOf, tagsOf } from "./tags.ts";

/** How often a lane that lost its worker is tried again before it counts as lost. */
export const maxRetries = 3;

/** A claim of a lane that has ended, but of which the system cannot end some process. */
export interface Lingering {
  readonly claim: LaneRecord;
  /** Resolves once none is left. */
  readonly gone: Promise<void>;
}

/**
 * Ends what lanes of an earlier process of this forge left running, and puts those lanes back into
 * the queue. To be called before any lane is started here: whatever carries this forge's tag then
 * is an orphan. Answers how many lanes were put back, and of which claims something is still there.
 */
export async function recoverOrphans(
  store: Store,
  instance: string,
): Promise<{ readonly lanes: number; readonly lingering: readonly Lingering[] }> {
  const lost = store.read.runningLanes();
  for (const lane of lost) if (lane.process !== null) killOrphan(lane.process);
  const left = await Promise.all(tagsOf(instance).map(endTagged));
  if (lost.length > 0) store.write((tx) => tryAgain(tx, lost));
  const tags = Map.groupBy(left.flat(), ({ value }) => value).keys();
  return { lanes: lost.length, lingering: [...tags].flatMap((tag) => lingering(store, tag)) };
}

function lingering(store: Store, value: string): readonly Lingering[] {
  const claim = claimOf(value);
  const lane = claim && store.read.lane(claim.id);
  if (claim === undefined || lane === undefined) return [];
  const gone = untilNoneLeft({ name: tagVariable, value, match: "exact" });
  return [{ claim: { ...lane, claimToken: claim.claimToken }, gone }];
}

/** Puts back running lanes whose lease ran out and that no worker here has. */
export function recoverLapsed(tx: Writes, now: string, ours: ReadonlySet<number>): void {
  tryAgain(
    tx,
    tx.lapsedLanes(now).filter((lane) => !ours.has(lane.id)),
  );
}

function tryAgain(tx: Writes, lanes: readonly LaneRecord[]): void {
  for (const lane of lanes) {
    if (tx.lane(lane.id)?.claimToken !== lane.claimToken) continue;
    if (lane.retryCount < maxRetries) tx.requeueLane(lane.id, "stale_recovered");
    else {
      const note = `lost with the forge while it ran, after it was put back ${lane.retryCount} times`;
      tx.endLane(lane.id, { status: "failed", failureKind: "lost", note });
    }
  }
  for (const runId of new Set(lanes.map((lane) => lane.runId))) tx.refoldRun(runId);
}
