import { type Core, everyRun, isActive, tellOfRun } from "./core.ts";
import type {
  LaneRow,
  LaneSpec,
  NightlyRow,
  Outcome,
  Outcomes,
  RunRow,
  RunStatus,
} from "./types.ts";

const leaseMs = 120_000;

/** A lane row as queued; its copied facts come from the table or from the lane it reruns. */
export function newLane(
  core: Core,
  kind: "lane" | "nightlyLane",
  spec: LaneSpec,
  rerunOf: number | null = null,
): LaneRow {
  return {
    id: core.next(kind),
    laneId: spec.id,
    title: spec.title ?? spec.id,
    entrypoint: spec.entrypoint ?? `just ${spec.id}`,
    group: spec.group ?? null,
    rerunOf,
    status: "queued",
    reason: "queued",
    failureKind: null,
    runnerRun: null,
    runnerTarget: null,
    log: null,
    retryCount: 0,
    createdAt: core.clock.now(),
    startedAt: null,
    finishedAt: null,
    heartbeatAt: null,
    leaseUntil: null,
  };
}

/** Section 3.3: the status of a run from its lanes, and its times with it. */
function recompute(core: Core, run: RunRow): void {
  const has = (...wanted: string[]) => run.lanes.some((lane) => wanted.includes(lane.status));
  const set = (status: RunStatus, finished: boolean) => {
    run.status = status;
    run.finishedAt = finished ? core.clock.now() : null;
  };
  if (!has("queued", "running", "failed")) set("success", true);
  else if (has("running")) set("running", false);
  else if (has("queued") && has("success", "failed", "skipped")) set("running", false);
  else if (has("queued")) {
    set("queued", false);
    run.startedAt = null;
  } else set("failed", true);
  tellOfRun(core, run);
}

export function claim(core: Core, run: RunRow, lane: LaneRow): void {
  const now = core.clock.now();
  Object.assign(lane, {
    status: "running",
    reason: "running",
    log: null,
    runnerRun: null,
    runnerTarget: null,
    failureKind: null,
    startedAt: now,
    finishedAt: null,
    heartbeatAt: now,
    leaseUntil: now + leaseMs,
  });
  run.status = "running";
  run.startedAt ??= now;
  tellOfRun(core, run);
}

export function finish(core: Core, run: RunRow, lane: LaneRow, outcome: Outcome): void {
  const ended = typeof outcome === "string" ? { status: outcome } : outcome;
  if (ended.status === "queued") return;
  if (lane.status === "queued") claim(core, run, lane);
  if (ended.runnerRun !== undefined) {
    lane.runnerRun = ended.runnerRun;
    lane.runnerTarget = lane.laneId;
    tellOfRun(core, run);
  }
  if (ended.status === "running") return;
  lane.status = ended.status;
  lane.log = ended.log ?? `${lane.laneId}: ${ended.status}\n`;
  lane.finishedAt = core.clock.now();
  lane.heartbeatAt = null;
  lane.leaseUntil = null;
  lane.failureKind = ended.status === "failed" ? failureKind(lane.log) : null;
  recompute(core, run);
}

/** Lets queued and running lanes of a run come to their ends. */
export function drive(core: Core, run: RunRow, outcomes: Outcomes): void {
  for (const lane of run.lanes.filter(({ status }) => isActive(status))) {
    finish(core, run, lane, typeof outcomes === "function" ? outcomes(lane) : outcomes);
  }
}

const timeoutWords = [
  "timed out after",
  "timeout after",
  "status=timed_out",
  " timed out ",
  "operation timed out",
];
const machineWords = [
  "ci runner error:",
  "permission denied",
  "connection refused",
  "connection reset",
  "broken pipe",
  "no route to host",
  "could not resolve host",
  "failed to connect",
  "ssh: ",
  "remote launcher",
  "prepared-output",
  "prepare node `prepare-",
  "runner build failed",
  "missing runner binary",
  "unbound variable",
  "virtiofsd",
  "reported request_path=",
  "refusing local nix copy fallback",
];

function failureKind(log: string): string {
  const text = log.toLowerCase();
  if (timeoutWords.some((word) => text.includes(word))) return "timeout";
  if (machineWords.some((word) => text.includes(word))) return "infrastructure";
  return "test_failure";
}

/** What the scheduler's pass writes down: stale lanes go back, and why each queued lane waits. */
export function schedulerPass(core: Core): void {
  const now = core.clock.now();
  for (const run of everyRun(core)) {
    const stale = run.lanes.filter(
      (lane) => lane.status === "running" && lane.leaseUntil !== null && lane.leaseUntil <= now,
    );
    for (const lane of stale) {
      backToQueue(lane);
      lane.reason = "stale_recovered";
    }
    if (stale.length > 0) recompute(core, run);
  }
  const lanes = everyRun(core).flatMap((run) => run.lanes);
  const running = lanes.filter(({ status }) => status === "running");
  const groups = new Set(running.map(({ group }) => group));
  let slots = (core.options.ciConcurrency || Number.POSITIVE_INFINITY) - running.length;
  for (const lane of lanes.filter(({ status }) => status === "queued")) {
    if (lane.group !== null && groups.has(lane.group)) {
      lane.reason = "blocked_by_concurrency_group";
    } else if (slots <= 0) lane.reason = "waiting_for_capacity";
    else {
      if (lane.reason !== "stale_recovered") lane.reason = "queued";
      slots -= 1;
      groups.add(lane.group);
    }
  }
  if (core.autoCi === null) return;
  for (const run of everyRun(core)) drive(core, run, core.autoCi);
}

/** Log, runner ids and times are gone; the next claim starts anew. */
function backToQueue(lane: LaneRow): void {
  Object.assign(lane, {
    status: "queued",
    reason: "queued",
    log: null,
    runnerRun: null,
    runnerTarget: null,
    failureKind: null,
    startedAt: null,
    finishedAt: null,
    heartbeatAt: null,
    leaseUntil: null,
    retryCount: lane.retryCount + 1,
  });
}

export function requeue(core: Core, run: RunRow, lane: LaneRow): void {
  backToQueue(lane);
  lane.createdAt = core.clock.now();
  recompute(core, run);
}

export function failByHand(core: Core, run: RunRow, lane: LaneRow, npub: string): void {
  const note = `Manual fail by ${npub}: marked ${lane.laneId} failed for CI recovery.`;
  lane.status = "failed";
  lane.log = lane.log === null ? note : `${lane.log}\n${note}`;
  lane.finishedAt = core.clock.now();
  lane.leaseUntil = null;
  lane.heartbeatAt = null;
  lane.failureKind = null;
  recompute(core, run);
}

/** Requeues what is not `success` or `skipped`; answers how many. */
export function recover(core: Core, run: RunRow): number {
  const lanes = run.lanes.filter(({ status }) => isActive(status) || status === "failed");
  for (const lane of lanes) requeue(core, run, lane);
  return lanes.length;
}

const specOf = (lane: LaneRow): LaneSpec => ({
  id: lane.laneId,
  title: lane.title,
  entrypoint: lane.entrypoint,
  ...(lane.group === null ? {} : { group: lane.group }),
});

/** A new run of one copied lane, of the same head. */
export function rerunOnBranch(core: Core, run: RunRow, lane: LaneRow): RunRow {
  const copy = newRun(core, run.owner, run.head, [newLane(core, "lane", specOf(lane), lane.id)], {
    id: core.next("run"),
    rerunOf: run.id,
  });
  core.runs.push(copy);
  tellOfRun(core, copy);
  return copy;
}

export function newRun(
  core: Core,
  owner: RunRow["owner"],
  head: string,
  lanes: LaneRow[],
  given: { id: number; rerunOf?: number },
): RunRow {
  return {
    id: given.id,
    owner,
    head,
    rerunOf: given.rerunOf ?? null,
    lanes,
    status: lanes.length === 0 ? "success" : "queued",
    createdAt: core.clock.now(),
    startedAt: null,
    finishedAt: lanes.length === 0 ? core.clock.now() : null,
  };
}

export function newNightly(
  core: Core,
  given: { head: string; scheduledFor: string; from?: { run: NightlyRow; lane: LaneRow } },
): NightlyRow {
  const specs = given.from === undefined ? core.nightlyLanes : [specOf(given.from.lane)];
  const rerunOf = given.from?.lane.id ?? null;
  const lanes = specs.map((spec) => newLane(core, "nightlyLane", spec, rerunOf));
  const id = core.next("nightly");
  const base = newRun(core, { nightly: true }, given.head, lanes, {
    id,
    ...(given.from === undefined ? {} : { rerunOf: given.from.run.id }),
  });
  const none = lanes.length === 0 ? "No nightly lanes configured." : null;
  const nightly: NightlyRow = Object.assign(base, {
    scheduledFor: given.scheduledFor,
    sourceRef: `refs/heads/${core.defaultBranch}`,
    summary:
      given.from === undefined
        ? none
        : `Manual rerun of nightly #${given.from.run.id} lane ${given.from.lane.laneId}`,
  });
  core.nightlies.push(nightly);
  tellOfRun(core, nightly);
  return nightly;
}
