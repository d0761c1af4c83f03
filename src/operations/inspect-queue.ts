import { z } from "zod";
import type { QueuedLane } from "../forges/forge.ts";
import { itemsWithin } from "../text/json.ts";
import { branch, input, whole } from "./arguments.ts";
import { defineOperation } from "./operation.ts";
import {
  branchHere,
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
const queueBytes = 5200;

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
});

export const inspectQueue = defineOperation({
  faces: { tool: "inspect_queue", command: "queue" },
  summary:
    "Shows running and waiting CI lanes: place in line, what each waits for, and whether landing is frozen.",
  input: input({ branch: branch.describe("Only this one; name or number"), limit: whole(1, 100) }),
  hints: { readOnly: true, destructive: false, idempotent: true },
  result: z.object({
    ...placeShape,
    /** The one asked about, else the one checked out here. */
    branch: z.string().optional(),
    number: z.string().optional(),
    running: z.int(),
    waiting: z.int(),
    /** How many lanes may run at once. */
    capacity: z.int().optional(),
    frozen: z.string().optional(),
    lanes: z.array(laneShape),
    left_out: z.int().optional(),
  }),
  async handle(context, given) {
    const only = given.branch === undefined ? undefined : await findKnownSubject(context, given);
    const place = only ?? (await openPlace(context, given.worktree));
    const view = await place.forge.queue(
      {
        limit: given.limit ?? defaultLimit,
        ...(only === undefined ? {} : { branchId: only.known.id }),
      },
      context.signal,
    );
    const lanes = itemsWithin(view.lanes.map(viewLane), queueBytes);
    const all = only === undefined ? view.running + view.waiting : view.lanes.length;
    return {
      ...placeOf(place),
      ...(only === undefined ? await branchHere(place, context.signal) : subjectOf(only)),
      running: view.running,
      waiting: view.waiting,
      ...(view.limit === undefined ? {} : { capacity: view.limit }),
      ...(view.frozen === undefined ? {} : { frozen: shownName(view.frozen, 500) }),
      lanes,
      ...(all > lanes.length ? { left_out: all - lanes.length } : {}),
    };
  },
  render: (answer) =>
    lines(
      `${answer.running} running, ${answer.waiting} waiting${answer.capacity === undefined ? "" : `, room for ${answer.capacity} at once`}`,
      answer.frozen !== undefined && `Landing is frozen: ${answer.frozen}`,
      ...answer.lanes.map((lane) =>
        [
          `${lane.place === undefined ? "-" : `${lane.place}.`} ${lane.lane}`,
          lane.branch !== undefined &&
            `${lane.branch}${lane.number === undefined ? "" : ` (#${lane.number})`}`,
          lane.status === lane.reason ? lane.status : `${lane.status}, ${lane.reason}`,
          lane.waits_for !== undefined && `waits for ${lane.waits_for}`,
          `since ${lane.since}`,
          `lane_run ${lane.lane_run}`,
        ]
          .filter((part) => part !== false)
          .join(" · "),
      ),
      answer.left_out !== undefined &&
        `${answer.left_out} more left out: raise \`limit\`, or name a \`branch\`.`,
      answer.branch !== undefined && `branch ${answer.branch}`,
      placeLine(answer),
    ),
});

type LaneView = z.infer<typeof laneShape>;

function viewLane(lane: QueuedLane): LaneView {
  return {
    lane: shownName(lane.lane, 100),
    lane_run: lane.laneRun,
    ...(lane.branch === undefined ? {} : { branch: shownName(lane.branch, 120) }),
    ...(lane.branchId === undefined ? {} : { number: lane.branchId }),
    status: lane.status,
    reason: shownName(lane.reason, 80),
    ...(lane.place === undefined ? {} : { place: lane.place }),
    ...(lane.waitsFor === undefined ? {} : { waits_for: shownName(lane.waitsFor, 120) }),
    since: lane.since,
  };
}
