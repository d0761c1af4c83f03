import { z } from "zod";
import { LandError } from "../domain/errors.ts";
import type { Forge, NightlyLine, NightlyRun } from "../forges/forge.ts";
import { input, text, whole, yesOrNo } from "./arguments.ts";
import { whyOf } from "./checks-view.ts";
import { defineOperation } from "./operation.ts";
import { lines, openPlace, placeLine, placeOf, placeShape, shownName } from "./subject.ts";

const defaultLimit = 12;

const laneShape = z.object({
  lane: z.string(),
  lane_run: z.string(),
  status: z.string(),
  why: z.string().optional(),
});

const nightlyShape = z.object({
  nightly: z.string(),
  status: z.string(),
  head: z.string(),
  scheduled_for: z.string(),
  summary: z.string().optional(),
  lane_count: z.int(),
  lanes: z.array(laneShape).optional(),
});
type NightlyView = z.infer<typeof nightlyShape>;

export const nightly = defineOperation({
  faces: { command: "nightly" },
  summary:
    "Shows the nightly runs, or one with its lanes; with `now` runs the target's nightly lanes first. A nightly says nothing about a branch.",
  input: input({
    nightly: text(100).optional().describe("A nightly by its number; default: the newest ones."),
    now: yesOrNo.describe("Run the nightly lanes of the target's manifest now."),
    limit: whole(1, 100),
    cursor: text(200).optional(),
  }),
  hints: { readOnly: false, destructive: false, idempotent: false },
  result: z.object({
    ...placeShape,
    state: z.enum(["listed", "shown", "started"]),
    nightlies: z.array(nightlyShape),
    next_cursor: z.string().optional(),
    /** When the next one begins by itself. */
    next_scheduled_for: z.string().optional(),
  }),
  async handle(context, { worktree, nightly: named, now, limit, cursor }) {
    if (now === true && named !== undefined) {
      throw new LandError("bad_argument", "`now` begins a nightly; `nightly` names another one.", {
        state: "Nothing was done.",
        next: "Give one of them. A lane of a nightly is run again with `land recover rerun_lane`.",
      });
    }
    const { signal } = context;
    const place = await openPlace(context, worktree);
    const { forge } = place;
    if (now === true) {
      const id = await need(forge.startNightly).call(forge, signal);
      const made = await one(forge, id, signal);
      return { ...placeOf(place), state: "started" as const, nightlies: [viewOfRun(made)] };
    }
    if (named !== undefined) {
      const found = await one(forge, named.trim().replace(/^#/, ""), signal);
      return { ...placeOf(place), state: "shown" as const, nightlies: [viewOfRun(found)] };
    }
    const filter = {
      limit: limit ?? defaultLimit,
      ...(cursor === undefined ? {} : { cursor }),
    };
    const page = await need(forge.nightlies).call(forge, filter, signal);
    return {
      ...placeOf(place),
      state: "listed" as const,
      nightlies: page.items.map(viewOfLine),
      ...(page.next === undefined ? {} : { next_cursor: page.next }),
      ...(page.nextSlot === undefined ? {} : { next_scheduled_for: page.nextSlot }),
    };
  },
  render: (answer) =>
    lines(
      answer.nightlies.length === 0 && "No nightly ran yet. `land nightly --now` runs one.",
      answer.state === "started" && "Started:",
      ...answer.nightlies.flatMap(linesOf),
      answer.next_scheduled_for !== undefined &&
        `The next one begins by itself at ${answer.next_scheduled_for}.`,
      answer.next_cursor !== undefined && `More: --cursor ${answer.next_cursor}`,
      placeLine(answer),
    ),
});

async function one(forge: Forge, id: string, signal: AbortSignal): Promise<NightlyRun> {
  const found = await need(forge.nightly).call(forge, id, signal);
  if (found !== undefined) return found;
  throw new LandError("not_found", `The forge knows no nightly #${shownName(id, 40)}.`, {
    state: "Nothing was changed.",
    next: "`land nightly` lists the newest ones with their numbers.",
  });
}

function need<T>(ability: T | undefined): T {
  if (ability !== undefined) return ability;
  throw new LandError("unsupported", "This forge tells nothing of nightlies.", {
    state: "Nothing was changed.",
  });
}

function viewOfLine(line: NightlyLine): NightlyView {
  return { ...factsOf(line), lane_count: line.laneCount };
}

function viewOfRun(run: NightlyRun): NightlyView {
  const lanes = run.lanes.map((lane) => {
    const why = whyOf(lane);
    return {
      lane: shownName(lane.lane, 100),
      lane_run: lane.id,
      status: lane.status,
      ...(why === undefined ? {} : { why: shownName(why, 100) }),
    };
  });
  return { ...factsOf(run), lane_count: lanes.length, lanes };
}

/** Summaries are the forge's words about others' lanes. */
function factsOf(run: Omit<NightlyRun, "lanes">) {
  return {
    nightly: run.id,
    status: run.status,
    head: run.head,
    scheduled_for: run.scheduledFor,
    ...(run.summary === undefined ? {} : { summary: shownName(run.summary, 300) }),
  };
}

function linesOf(view: NightlyView): string[] {
  const parts = [
    `nightly #${view.nightly} ${view.status}`,
    view.scheduled_for,
    `head ${view.head.slice(0, 12)}`,
    view.lane_count === 1 ? "1 lane" : `${view.lane_count} lanes`,
    view.summary,
  ];
  const lanes = (view.lanes ?? []).map(
    (lane) =>
      `- ${lane.lane} ${lane.status}${lane.why === undefined ? "" : ` (${lane.why})`} [${lane.lane_run}]`,
  );
  return [parts.filter((part) => part !== undefined).join(" · "), ...lanes];
}
