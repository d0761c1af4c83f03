import { z } from "zod";
import { decidingRun, judgeHead, type Lane, type Run } from "../domain/checks.ts";
import type { ForgeBranch } from "../forges/forge.ts";
import { itemsWithin } from "../text/json.ts";
import { lines, shownName } from "./subject.ts";

/** Room for the lanes of a run; `more_lanes` counts the rest. */
const laneBytes = 2500;

/** What CI says of one head: the verdict and the lanes of the run that decides. */
export const checksShape = {
  ci: z.enum(["green", "failed", "pending", "none", "superseded"]),
  run: z.string().optional(),
  note: z.string().optional(),
  isolation: z.string().optional(),
  lanes: z
    .array(
      z.object({
        lane: z.string(),
        lane_run: z.string(),
        status: z.string(),
        why: z.string().optional(),
        waits_for: z.string().optional(),
        until: z.string().optional(),
      }),
    )
    .optional(),
  more_lanes: z.int().optional(),
};
const checks = z.object(checksShape);
export type ChecksView = z.infer<typeof checks>;
const someChecks = checks.partial();

/**
 * Judges a head and shows its deciding run. Failed lanes come first, then running ones; `room` is
 * for their list, in bytes.
 */
export function viewChecks(head: string, runs: readonly Run[], room = laneBytes): ChecksView {
  const run = decidingRun(head, runs);
  const view: ChecksView = { ci: judgeHead(head, runs) };
  if (run === undefined) return view;
  const sorted = run.lanes.toSorted((a, b) => weight(a.status) - weight(b.status));
  const lanes = itemsWithin(sorted.map(viewLane), room);
  const note = noteOf(run);
  return {
    ...view,
    run: run.id,
    ...(note === undefined ? {} : { note }),
    ...(run.isolation === undefined ? {} : { isolation: run.isolation }),
    lanes,
    ...(sorted.length > lanes.length ? { more_lanes: sorted.length - lanes.length } : {}),
  };
}

function viewLane(lane: Lane): NonNullable<ChecksView["lanes"]>[number] {
  const why = whyOf(lane);
  return {
    lane: shownName(lane.lane, 100),
    lane_run: lane.id,
    status: lane.status,
    ...(why === undefined ? {} : { why: shownName(why, 100) }),
    ...(lane.waitsFor === undefined ? {} : { waits_for: shownName(lane.waitsFor, 240) }),
    ...(lane.until === undefined ? {} : { until: lane.until }),
  };
}

export function renderChecks(view: z.infer<typeof someChecks>): string {
  if (view.ci === undefined) return "";
  const run = view.run === undefined ? "" : ` · run ${view.run}`;
  const isolation = view.isolation === undefined ? "" : ` · isolation ${view.isolation}`;
  const lanes = (view.lanes ?? []).map((lane) => {
    const why = lane.why === undefined ? "" : ` (${lane.why})`;
    const wait = lane.waits_for === undefined ? "" : `, waits for ${lane.waits_for}`;
    const until = lane.until === undefined ? "" : ` until ${lane.until}`;
    return `  ${lane.lane}: ${lane.status}${why}${wait}${until}, lane_run ${lane.lane_run}`;
  });
  return lines(
    `ci ${view.ci}${run}${isolation}`,
    view.note,
    ...lanes,
    view.more_lanes !== undefined && `  and ${view.more_lanes} more`,
  );
}

/** The commit that CI decides about, and its view, for a branch that the forge knows. */
export function viewBranchChecks(branch: ForgeBranch): ChecksView {
  return viewChecks(branch.head, branch.runs);
}

/** Why a lane is where it is, where its status does not say so itself. */
export function whyOf({ status, reason, failureKind, note }: Lane): string | undefined {
  if (status === "failed") return failureKind;
  if (status === "skipped") return note;
  return status === "success" || reason === status ? undefined : reason;
}

const reasonNotes: Readonly<Record<string, string>> = {
  nothing_selected: "The manifest selects no lane for the changed paths.",
  manifest_missing: "There is no CI manifest (ci/forge-lanes.toml) at this head.",
  manifest_broken: "The CI manifest (ci/forge-lanes.toml) at this head is broken.",
  untested_by_choice: "The owner chose to land without CI.",
  superseded: "Given up for a newer head.",
};

function noteOf(run: Run): string | undefined {
  const reason = run.reason === undefined ? undefined : (reasonNotes[run.reason] ?? run.reason);
  // A line for each thing that was noted.
  const note =
    run.note === undefined ? undefined : shownName(run.note.replaceAll("\n", " · "), 600);
  return [reason, note].filter((part) => part !== undefined).join(" ") || undefined;
}

function weight(status: string): number {
  const order = ["failed", "running", "queued", "skipped", "success"];
  const at = order.indexOf(status);
  return at === -1 ? 0 : at;
}
