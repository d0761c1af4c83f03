import { decidingRun, type Lane, type Run } from "../domain/checks.ts";
import { LandError } from "../domain/errors.ts";
import type { ForgeBranch } from "../forges/forge.ts";
import { shownName } from "./subject.ts";

/** A lane of a run. */
export interface FoundLane {
  readonly run: Run;
  readonly lane: Lane;
}

/**
 * Finds the lane that arguments mean: by the id of its run, else by name in the newest run of the
 * branch's head, else the first that failed, else the only one. Throws `not_found` or
 * `bad_argument` naming the lanes there are. Undefined where only a lane run's id was given that the
 * branch's runs do not show; the forge may still know it.
 */
export function findLane(
  branch: ForgeBranch,
  wanted: { lane?: string | undefined; lane_run?: string | undefined },
): FoundLane | undefined {
  const all = newestFirst(branch).flatMap((run) => run.lanes.map((lane) => ({ run, lane })));
  if (wanted.lane_run !== undefined) {
    const found = all.find(({ lane }) => lane.id === wanted.lane_run);
    if (found === undefined || wanted.lane === undefined || found.lane.lane === wanted.lane) {
      return found;
    }
    throw new LandError(
      "bad_argument",
      `Lane run ${wanted.lane_run} is of lane ${shownName(found.lane.lane)}, not of ${shownName(wanted.lane)}.`,
      { state: "Nothing was done.", next: "Give `lane` or `lane_run` alone." },
    );
  }
  if (wanted.lane !== undefined) {
    const found = all.find(({ lane }) => lane.lane === wanted.lane);
    if (found !== undefined) return found;
    throw new LandError("not_found", `This branch has no lane ${shownName(wanted.lane)}.`, {
      state: `Its lanes: ${laneList(all.map(({ lane }) => lane))}.`,
      next: "Call again with one of these as `lane`.",
    });
  }
  return findWithoutName(branch);
}

function findWithoutName(branch: ForgeBranch): FoundLane {
  const run = decidingRun(branch.head, branch.runs) ?? branch.runs[0];
  if (run === undefined) {
    throw new LandError("not_found", "There is no CI run for this branch yet.", {
      next: "`wait_for_ci` waits for it.",
    });
  }
  const lane =
    run.lanes.find((candidate) => candidate.status === "failed") ??
    (run.lanes.length === 1 ? run.lanes[0] : undefined);
  if (lane !== undefined) return { run, lane };
  if (run.lanes.length === 0) {
    throw new LandError("not_found", `Run ${run.id} has no lanes, so there is no log.`, {
      state:
        run.note ??
        (run.reason === undefined ? `It is ${run.status}.` : `It is ${run.status}: ${run.reason}.`),
      next: "`branch_status` says more.",
    });
  }
  throw new LandError("bad_argument", "No lane failed; name the one you mean with `lane`.", {
    state: `Lanes of run ${run.id}: ${laneList(run.lanes)}.`,
    next: "Call again with one of these as `lane`.",
  });
}

/** Runs of the branch's head first, then the others; each part newest first. */
function newestFirst(branch: ForgeBranch): readonly Run[] {
  const ofHead = branch.runs.filter((run) => run.head === branch.head);
  return [...ofHead, ...branch.runs.filter((run) => run.head !== branch.head)];
}

function laneList(lanes: readonly Lane[]): string {
  const named = new Map<string, string>();
  for (const lane of lanes) if (!named.has(lane.lane)) named.set(lane.lane, lane.status);
  const words = [...named]
    .slice(0, 30)
    .map(([name, status]) => `${shownName(name, 100)} (${status})`);
  return words.join(", ") || "none";
}
