import { z } from "zod";
import type { QueuedLane, QueueView } from "../forges/forge.ts";
import { itemsWithin } from "../text/json.ts";
import { branch, input, whole } from "./arguments.ts";
import { defineOperation } from "./operation.ts";
import {
  findKnownSubject,
  lines,
  openPlace,
  placeLine,
  placeOf,
  placeShape,
  shownName,
  subjectOf,
} from "./subject.ts";

const defaultLimit = 30;
const queueBytes = 4600;

const laneShape = z.object({
  lane: z.string(),
  lane_run: z.string(),
  branch: z.string().optional(),
  number: z.string().optional(),
  status: z.string(),
  reason: z.string(),
  place: z.int().optional(),
  waits_for: z.string().optional(),
  since: z.string(),
  until: z.string().optional(),
  /** From history: when it may begin and end, or why nobody can say. */
  estimate: z.string().optional(),
});

export const inspectQueue = defineOperation({
  faces: { tool: "inspect_queue", command: "queue" },
  summary:
    "Shows running and waiting CI lanes: place in line, what each waits for, an estimate from history, and whether landing is frozen.",
  input: input({ branch: branch.describe("Only this one; name or number"), limit: whole(1, 100) }),
  hints: { readOnly: true, destructive: false, idempotent: true },
  result: z.object({
    ...placeShape,
    /** The one asked about, else the one checked out here. */
    branch: z.string().optional(),
    number: z.string().optional(),
    running: z.int(),
    waiting: z.int(),
    /** How many wait for which reason, in all. */
    reasons: z.record(z.string(), z.int()).optional(),
    /** How many lanes may run at once. */
    capacity: z.int().optional(),
    frozen: z.string().optional(),
    target_note: z.string().optional(),
    lanes: z.array(laneShape),
    left_out: z.int().optional(),
  }),
  async handle(context, given) {
    const only = given.branch === undefined ? undefined : await findKnownSubject(context, given);
    const place = only ?? (await openPlace(context, given.worktree));
    const { signal } = context;
    const own = only === undefined ? await place.worktree.copy.branch(signal) : undefined;
    const view = await place.forge.queue(
      {
        limit: given.limit ?? defaultLimit,
        ...(only === undefined ? {} : { branchId: only.known.id }),
        ...(own === undefined ? {} : { own }),
      },
      signal,
    );
    const lanes = shownLanes(view.lanes, own);
    const all =
      view.matching ?? (only === undefined ? view.running + view.waiting : view.lanes.length);
    return {
      ...placeOf(place),
      ...(only === undefined ? ownShown(own) : subjectOf(only)),
      running: view.running,
      waiting: view.waiting,
      ...reasonsOf(view),
      ...(view.limit === undefined ? {} : { capacity: view.limit }),
      ...(view.frozen === undefined ? {} : { frozen: shownName(view.frozen, 500) }),
      ...(view.targetNote === undefined ? {} : { target_note: view.targetNote }),
      lanes,
      ...(all > lanes.length ? { left_out: all - lanes.length } : {}),
    };
  },
  render: (answer) =>
    lines(
      `${answer.running} running, ${answer.waiting} waiting${answer.capacity === undefined ? "" : `, room for ${answer.capacity} at once`}`,
      answer.reasons !== undefined &&
        Object.entries(answer.reasons)
          .map(([reason, count]) => `${count} ${reason}`)
          .join(", "),
      answer.frozen !== undefined && `Landing is frozen: ${answer.frozen}`,
      answer.target_note,
      ...answer.lanes.map((lane) =>
        [
          `${lane.place === undefined ? "-" : `${lane.place}.`} ${lane.lane}`,
          lane.branch === undefined
            ? "a nightly"
            : `${lane.branch}${lane.number === undefined ? "" : ` (#${lane.number})`}`,
          lane.status === lane.reason ? lane.status : `${lane.status}, ${lane.reason}`,
          lane.waits_for !== undefined && `waits for ${lane.waits_for}`,
          lane.until !== undefined && `until ${lane.until}`,
          lane.estimate,
          `since ${lane.since}`,
          `lane_run ${lane.lane_run}`,
        ]
          .filter((part) => part !== false && part !== undefined)
          .join(" · "),
      ),
      answer.left_out !== undefined &&
        `${answer.left_out} more left out; name a \`branch\` to see its own.`,
      answer.branch !== undefined && `branch ${answer.branch}`,
      placeLine(answer),
    ),
});

type LaneView = z.infer<typeof laneShape>;

/** As many as there is room for, those of the own branch in any case; in the forge's order. */
function shownLanes(lanes: readonly QueuedLane[], own: string | undefined): LaneView[] {
  const isOwn = (lane: QueuedLane) => own !== undefined && lane.branch === own;
  const ownFirst = [...lanes.filter(isOwn), ...lanes.filter((lane) => !isOwn(lane))];
  const shown = itemsWithin(ownFirst.map(viewLane), queueBytes);
  const ids = new Set(shown.map((lane) => lane.lane_run));
  return lanes.filter((lane) => ids.has(lane.laneRun)).map(viewLane);
}

function ownShown(branch: string | undefined): { branch?: string } {
  return branch === undefined ? {} : { branch: shownName(branch) };
}

/** The forge's own words for reasons are few; whoever sends more is not repeated. */
function reasonsOf({ waitingByReason = {} }: QueueView): { reasons?: Record<string, number> } {
  const reasons = Object.entries(waitingByReason).slice(0, 10);
  if (reasons.length === 0) return {};
  return { reasons: Object.fromEntries(reasons.map(([word, n]) => [shownName(word, 60), n])) };
}

function viewLane(lane: QueuedLane): LaneView {
  return {
    lane: shownName(lane.lane, 100),
    lane_run: lane.laneRun,
    ...(lane.branch === undefined ? {} : { branch: shownName(lane.branch, 120) }),
    ...(lane.branchId === undefined ? {} : { number: lane.branchId }),
    status: lane.status,
    reason: shownName(lane.reason, 80),
    ...(lane.place === undefined ? {} : { place: lane.place }),
    ...(lane.waitsFor === undefined ? {} : { waits_for: shownName(lane.waitsFor, 240) }),
    since: lane.since,
    ...(lane.until === undefined ? {} : { until: lane.until }),
    ...(lane.estimate === undefined ? {} : { estimate: shownName(lane.estimate, 90) }),
  };
}
