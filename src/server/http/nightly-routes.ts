import type { LaneActionAnswer } from "../../contract/ci.ts";
import { isActive } from "../../domain/status.ts";
import { queueNightly } from "../ci/queue-nightly.ts";
import { RefusedError } from "../refused.ts";
import type { LaneRecord, NightlyRecord, RunRecord } from "../store/records.ts";
import type { Reads, Writes } from "../store/store.ts";
import { notFound } from "./fault.ts";
import type { Call, Handlers } from "./handler.ts";
import {
  cancelLane,
  cancelRun,
  changeByHand,
  copyOf,
  failLane,
  noteLaneAct,
  noteRunAct,
  recoverLanes,
  requeueLane,
  rerunGoingOn,
} from "./lane-changes.ts";
import { logViews } from "./lane-logs.ts";
import { waitsOf } from "./lane-waits.ts";
import type { Parts } from "./parts.ts";
import { type NightlyLine, nightlyFacts, nightlyLaneOnWire } from "./wire-nightly.ts";

const defaultLimit = 20;

type LaneRoutes =
  | "rerunNightlyLane"
  | "failNightlyLane"
  | "cancelNightlyLane"
  | "requeueNightlyLane";

/** Nightly runs. None of them says anything about a branch. */
export const nightlyHandlers: Pick<
  Handlers,
  | LaneRoutes
  | "nightlies"
  | "startNightly"
  | "nightly"
  | "recoverNightly"
  | "rerunNightly"
  | "cancelNightly"
> = {
  nightlies({ parts, query }) {
    const limit = query.limit ?? defaultLimit;
    const found = parts.store.read.nightlies({ limit: limit + 1, before: query.cursor });
    const page = found.slice(0, limit);
    return {
      nightlies: page.map((nightly) => nightlyLine(parts, nightly)),
      next_cursor: found.length > limit ? (page.at(-1)?.scheduledFor ?? null) : null,
      next_scheduled_for: parts.nightlies.next(),
    };
  },

  async startNightly({ parts, caller }) {
    const nightly = await queueNightly(parts, { slot: undefined, by: caller.npub });
    parts.log.info({ nightly: nightly.runId, by: caller.npub }, "nightly asked for");
    return {
      status: "ok",
      nightly_run_id: nightly.runId,
      scheduled_for: nightly.scheduledFor,
      lane_count: parts.store.read.lanesOfRun(nightly.runId).length,
    };
  },

  async nightly({ parts, id, query }) {
    const { read } = parts.store;
    const { nightly, run } = requireNightly(read, id("nightly_run_id"));
    const lanes = read.lanesOfRun(run.id);
    const facts = nightlyFacts(parts.config.repo, nightly, run);
    const waits = waitsOf(parts, lanes);
    const logs = await logViews(parts.config, lanes, query.logs !== "none");
    const now = parts.clock.now();
    const log = (lane: LaneRecord) => logs.get(lane.id) ?? { bytes: 0, text: null };
    return {
      ...facts,
      lanes: lanes.map((lane) => nightlyLaneOnWire(lane, log(lane), now, waits.get(lane.id))),
    };
  },

  rerunNightlyLane(call) {
    const { parts, caller } = call;
    const rerun = parts.store.write((tx) => {
      const { lane, nightly } = laneOfNightly(tx, call);
      const going = rerunGoingOn(tx, lane);
      if (going !== undefined) return { original: nightly.runId, run: going.id, already: true };
      noteLaneAct(tx, "rerun_lane", lane, caller.npub);
      const summary = `Manual rerun of nightly #${nightly.runId} lane ${lane.lane}`;
      const run = tx.createNightly({
        at: parts.clock.now().toISOString(),
        sourceRef: nightly.sourceRef,
        summary,
        head: lane.head,
        partial: true,
        rerunOf: nightly.runId,
        reason: null,
        note: `${summary} by ${caller.npub}`,
        status: "failed",
        lanes: [copyOf(lane)],
      });
      return { original: nightly.runId, run: run.id, already: false };
    });
    return rerunDone(call, rerun);
  },

  async rerunNightly(call) {
    const { parts, caller, id } = call;
    const { store, ci, clock } = parts;
    const nightlyId = id("nightly_run_id");
    const { run: before } = requireNightly(store.read, nightlyId);
    // Without lanes there is nothing to copy: what kept them away may be gone, so CI plans anew.
    const plan =
      store.read.lanesOfRun(before.id).length > 0 ? undefined : await ci.planNightly(before.head);
    const rerun = store.write((tx) => {
      const going = tx.unfinishedNightlyRerunOf(nightlyId);
      if (going !== undefined) return { original: nightlyId, run: going.id, already: true };
      const { nightly, run } = requireNightly(tx, nightlyId);
      if (isActive(run.status)) {
        throw new RefusedError(409, `nightly #${nightlyId} is still ${run.status}`);
      }
      noteRunAct(tx, "rerun_nightly", nightlyId, caller.npub, "again");
      const summary = `Manual rerun of nightly #${nightlyId}`;
      const made = tx.createNightly({
        at: clock.now().toISOString(),
        sourceRef: nightly.sourceRef,
        head: run.head,
        partial: false,
        rerunOf: nightlyId,
        reason: plan?.reason ?? null,
        status: plan?.status ?? "failed",
        lanes: plan?.lanes ?? tx.lanesOfRun(nightlyId).map(copyOf),
        summary: plan?.note == null ? summary : `${summary}: ${plan.note}`,
        note: `${summary} by ${caller.npub}`,
      });
      return { original: nightlyId, run: made.id, already: false };
    });
    return rerunDone(call, rerun);
  },

  cancelNightly({ parts, id, caller }) {
    const nightlyId = id("nightly_run_id");
    const count = parts.store.write((tx) => {
      requireNightly(tx, nightlyId);
      return cancelRun(tx, nightlyId, caller.npub);
    });
    parts.log.info({ nightly: nightlyId, count, by: caller.npub }, "nightly cancelled");
    parts.ci.wake();
    return {
      status: "ok" as const,
      branch_id: null,
      run_id: null,
      nightly_run_id: nightlyId,
      cancelled_lane_count: count,
    };
  },

  cancelNightlyLane: (call) =>
    changeLane(call, (tx, lane) => cancelLane(tx, lane, call.caller.npub)),

  failNightlyLane: (call) => changeLane(call, (tx, lane) => failLane(tx, lane, call.caller.npub)),

  requeueNightlyLane: (call) =>
    changeLane(call, (tx, lane) =>
      requeueLane(tx, lane, call.caller.npub, {
        now: call.parts.clock.now(),
        may: isRequeuable(lane),
      }),
    ),

  recoverNightly({ parts, id, caller }) {
    const nightlyId = id("nightly_run_id");
    const count = parts.store.write((tx) => {
      requireNightly(tx, nightlyId);
      const now = parts.clock.now();
      return recoverLanes(tx, nightlyId, caller.npub, { now, may: isRequeuable });
    });
    parts.log.info({ nightly: nightlyId, count, by: caller.npub }, "nightly recovered");
    parts.ci.wake();
    return {
      status: "ok",
      branch_id: null,
      run_id: null,
      nightly_run_id: nightlyId,
      recovered_lane_count: count,
    };
  },
};

function rerunDone<N extends "rerunNightly" | "rerunNightlyLane">(
  { parts, caller }: Call<N>,
  done: { readonly original: number; readonly run: number; readonly already: boolean },
) {
  parts.log.info({ ...done, by: caller?.npub }, "nightly run again");
  parts.ci.wake();
  return {
    status: "ok",
    nightly_run_id: done.original,
    rerun_run_id: done.run,
    ...(done.already ? { already: true } : {}),
  };
}

/** A nightly with the number of its lanes. */
export function nightlyLine({ store, config }: Parts, nightly: NightlyRecord): NightlyLine {
  const { run } = requireNightly(store.read, nightly.runId);
  const lanes = store.read.lanesOfRun(run.id).length;
  return { ...nightlyFacts(config.repo, nightly, run), lane_count: lanes };
}

/** The nightly and its run, or the contract's 404. */
export function requireNightly(
  read: Pick<Reads, "nightly" | "run">,
  id: number,
): { readonly nightly: NightlyRecord; readonly run: RunRecord } {
  const nightly = read.nightly(id);
  const run = read.run(id);
  if (nightly === undefined || run === undefined) throw notFound("nightly run");
  return { nightly, run };
}

function changeLane<N extends "failNightlyLane" | "cancelNightlyLane" | "requeueNightlyLane">(
  call: Call<N>,
  change: (tx: Writes, lane: LaneRecord) => void,
): LaneActionAnswer {
  const { parts, caller } = call as Call<"failNightlyLane">;
  const { lane, answer } = changeByHand(
    parts,
    caller.npub,
    "nightly lane",
    (tx) => laneOfNightly(tx, call).lane,
    change,
  );
  return { ...answer, branch_id: null, nightly_run_id: lane.runId };
}

function laneOfNightly(
  read: Reads,
  call: Pick<Call<"failNightlyLane">, "id">,
): { readonly lane: LaneRecord; readonly nightly: NightlyRecord } {
  const lane = read.lane(call.id("lane_run_id"));
  const nightly = read.nightly(call.id("nightly_run_id"));
  if (lane === undefined || nightly === undefined || lane.runId !== nightly.runId) {
    throw notFound("nightly lane");
  }
  return { lane, nightly };
}

/** No branch lands by a nightly, so a lane whose own tests failed may be tried again in its run. */
function isRequeuable(lane: LaneRecord): boolean {
  return isActive(lane.status) || lane.status === "failed";
}
