import { array, assert, asyncProperty, constantFrom, nat, record } from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { isActive } from "../../../src/domain/status.ts";
import type { LaneOutcome } from "../../../src/server/ci/lane-result.ts";
import { pause, resume } from "../../../src/server/ci/pause.ts";
import type { LaneDefinition, LaneRecord } from "../../../src/server/store/records.ts";
import { laneOf } from "../../support/ci.ts";
import { CiModel } from "../../support/ci-model.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const head = (n: number) => String(n % 10).repeat(40);
const groups = [null, null, "device", "cluster"];
const targets = [null, null, "linux", "mac"];

/** Two numbers, from which each step takes what it needs. */
interface Dice {
  readonly a: number;
  readonly b: number;
}
const at = <T>(list: readonly T[], n: number): T | undefined => list[n % list.length];

function lanesOf({ a, b }: Dice): LaneDefinition[] {
  return Array.from({ length: 1 + (a % 3) }, (_, n) =>
    laneOf({
      lane: `lane-${n}`,
      concurrencyGroup: at(groups, a + b + n) ?? null,
      targetKey: at(targets, b + 2 * n) ?? null,
    }),
  );
}

/** Every lane there ever was. */
function allLanes({ store }: CiModel): LaneRecord[] {
  const found: LaneRecord[] = [];
  for (let id = 1; ; id += 1) {
    const lane = store.read.lane(id);
    if (lane === undefined) return found;
    found.push(lane);
  }
}

function superseded(model: CiModel, branchId: number): void {
  model.store.write((tx) => {
    for (const run of tx.unfinishedRuns(branchId)) {
      for (const lane of tx.lanesOfRun(run.id)) {
        if (isActive(lane.status)) {
          tx.endLane(lane.id, { status: "failed", failureKind: "superseded", note: null });
        }
      }
      tx.refoldRun(run.id, "superseded");
    }
  });
}

const run = { subject: "head", reason: null, note: null, status: "success" } as const;

function push(model: CiModel, dice: Dice): void {
  const name = `branch-${dice.a % 4}`;
  const known = model.store.read.branchByName(name);
  const change = { title: "", head: head(dice.b), problem: null };
  const mergeBase = at([null, head(1), head(2)], dice.b) ?? null;
  const id =
    known?.state === "open"
      ? known.id
      : model.store.write((tx) => tx.openBranch({ ...change, name, target: "main", mergeBase })).id;
  superseded(model, id);
  model.store.write((tx) => {
    tx.moveBranch(id, { ...change, mergeBase });
    const lanes = lanesOf(dice);
    tx.createRun({ ...run, branchId: id, head: change.head, partial: false, rerunOf: null, lanes });
  });
}

function endBranch(model: CiModel, { a }: Dice): void {
  const branch = at(model.store.read.openBranches(), a);
  if (branch === undefined) return;
  superseded(model, branch.id);
  const state = a % 2 === 0 ? "merged" : "closed";
  model.store.write((tx) => {
    tx.endBranch(branch.id, { state, mergeCommit: null, by: null, reason: null });
    if (state === "closed") return;
    tx.addJournal({
      ...{ kind: "merge", branchId: branch.id, head: branch.head, targetBefore: null },
      ...{ targetAfter: head(a), state: "done", by: null, reason: null, forced: false },
    });
  });
}

/** Changes a lane from outside its worker, by hand as the endpoints do. */
function byHand(
  model: CiModel,
  { a }: Dice,
  change: "requeue" | "cancel" | "rerun" | "recover",
): void {
  const lane = at(allLanes(model), a);
  if (lane === undefined) return;
  model.store.write((tx) => {
    if (change === "requeue" && lane.status !== "success") tx.requeueLane(lane.id, "queued");
    if (change === "cancel" && isActive(lane.status)) {
      tx.endLane(lane.id, { status: "failed", failureKind: "cancelled", note: "by hand" });
    }
    if (change === "recover") {
      for (const each of tx.lanesOfRun(lane.runId)) {
        if (each.status !== "success") tx.requeueLane(each.id, "queued");
      }
    }
    tx.refoldRun(lane.runId);
    if (change !== "rerun" || isActive(lane.status)) return;
    const again = { ...laneOf(lane), rerunOf: lane.id };
    const { branchId } = lane;
    const whole = { branchId, head: lane.head, partial: true, rerunOf: lane.runId };
    tx.createRun({ ...run, ...whole, lanes: [again] });
  });
}

let published = 0;

/** Ends a process with an outcome of its own, and says whether it was still its to publish. */
async function publish(model: CiModel, n: number, outcome: LaneOutcome): Promise<void> {
  const process = at([...model.processes.values()], n);
  if (process === undefined) return;
  const { id, claimToken } = process.lane;
  const before = model.store.read.lane(id);
  const ours = before?.status === "running" && before.claimToken === claimToken;
  published += 1;
  const note = `outcome ${published}`;
  process.end({ ...outcome, note });
  await model.settle();
  const taken = model.store.read.lane(id)?.note === note;
  if (taken !== ours) {
    model.faults.push(`lane ${id} ${taken ? "took" : "lost"} ${note}; ours: ${ours}`);
  }
  const told = model.store.read.targetsUnwell().some((health) => health.why === note);
  if (told && !ours) model.faults.push(`a reclaimed worker spoke of its target: ${note}`);
}

const failed = (failureKind: LaneOutcome["failureKind"]): LaneOutcome => ({
  ...{ status: "failed", failureKind, note: null },
});

/** Whatever the clock says, a lane whose worker lives stays its worker's. */
async function moveClock(model: CiModel, ms: number): Promise<void> {
  const before = model.atWork();
  model.clock.ms += ms;
  await model.pass();
  const after = new Set(model.atWork());
  for (const claim of before) {
    if (!after.has(claim)) model.faults.push(`the clock took ${claim} from its worker`);
  }
}

const steps = {
  push: async (model: CiModel, dice: Dice) => push(model, dice),
  endBranch: async (model: CiModel, dice: Dice) => endBranch(model, dice),
  nightly: async (model: CiModel, dice: Dice) => {
    model.store.write((tx) =>
      tx.createNightly({
        ...{ at: model.clock.now().toISOString(), sourceRef: "refs/heads/main", summary: null },
        ...{ head: head(3), partial: false, rerunOf: null, reason: null, note: null },
        ...{ status: "success", lanes: lanesOf(dice) },
      }),
    );
  },
  requeue: async (model: CiModel, dice: Dice) => byHand(model, dice, "requeue"),
  cancel: async (model: CiModel, dice: Dice) => byHand(model, dice, "cancel"),
  rerun: async (model: CiModel, dice: Dice) => byHand(model, dice, "rerun"),
  recover: async (model: CiModel, dice: Dice) => byHand(model, dice, "recover"),
  succeeds: (model: CiModel, { a }: Dice) =>
    publish(model, a, { status: "success", failureKind: null, note: null }),
  skips: (model: CiModel, { a }: Dice) =>
    publish(model, a, { status: "skipped", failureKind: null, note: null }),
  fails: (model: CiModel, { a }: Dice) => publish(model, a, failed("test_failure")),
  timesOut: (model: CiModel, { a }: Dice) => publish(model, a, failed("timeout")),
  infrastructure: (model: CiModel, { a }: Dice) => publish(model, a, failed("infrastructure")),
  throws: async (model: CiModel, { a }: Dice) =>
    at([...model.processes.values()], a)?.end(new Error("the worker broke")),
  ends: async (model: CiModel, { a }: Dice) => {
    const ending = [...model.processes.values()].filter((each) => each.signal.aborted);
    at(ending, a)?.end(undefined);
  },
  beat: (model: CiModel) => model.beat(),
  later: async (model: CiModel, { a }: Dice) => {
    await moveClock(model, at([1000, 45_000, 3_600_000, 86_400_000], a) ?? 0);
  },
  setBack: async (model: CiModel, { a }: Dice) => {
    await moveClock(model, -(at([1000, 90_000, 3_600_000, 86_400_000], a) ?? 0));
  },
  capacity: async (model: CiModel, { a }: Dice) => {
    model.limit = a % 4;
  },
  pause: async (model: CiModel) => {
    const since = model.clock.now().toISOString();
    model.store.write((tx) => pause(tx, { by: "somebody", since }));
  },
  resume: async (model: CiModel) => {
    model.store.write((tx) => resume(tx, "somebody"));
  },
  resetHealth: async (model: CiModel, { a }: Dice) => {
    model.store.write((tx) => tx.removeTargetHealth(at(["linux", "mac"], a) ?? ""));
  },
  sick: async (model: CiModel, { a }: Dice) => {
    // As after three infrastructure failures in a row.
    const target = at(["linux", "mac"], a) ?? "";
    const now = model.clock.now().toISOString();
    if (model.store.read.targetHealth(target) !== undefined) return;
    model.store.write((tx) =>
      tx.putTargetHealth({
        ...{ target, failures: 3, since: now, why: "as after three failures", openedAt: now },
        ...{ backoffMs: 30_000, trialLane: null, trialToken: null },
      }),
    );
  },
  orphan: async (model: CiModel) => {
    // Claimed by nobody here, as after a result that could not be recorded.
    const [first] = model.store.read.waitingLanes();
    const lane = first && model.store.read.lane(first.id);
    const ms = model.clock.ms;
    const lease = { now: new Date(ms), expiresAt: new Date(ms + 60_000) };
    if (lane === undefined || model.store.read.countRunningLanes() > 0) return;
    if (model.processes.size > 0) return;
    model.store.write((tx) => {
      const [now, expiresAt] = [lease.now.toISOString(), lease.expiresAt.toISOString()];
      tx.claimLane(lane.id, { now, expiresAt });
      tx.refoldRun(lane.runId);
    });
  },
  kill: (model: CiModel) => model.kill(),
  restart: (model: CiModel) => model.stopAndStart(),
} satisfies Record<string, (model: CiModel, dice: Dice) => Promise<void>>;

type Step = keyof typeof steps;
const usual: Step[] = ["push", "push", "push", "succeeds", "fails", "infrastructure", "ends"];
const names: Step[] = [...(Object.keys(steps) as Step[]), ...usual, ...usual];

/** From any state on, with room and patience, everything comes to an end. */
async function bringToAnEnd(model: CiModel): Promise<void> {
  model.limit = 3;
  model.store.write((tx) => resume(tx, "somebody"));
  for (let round = 0; round < 400; round += 1) {
    if (model.store.read.countQueuedLanes() + model.store.read.countRunningLanes() === 0) return;
    // One target never does well again, and keeps nobody but its own lanes.
    for (const { lane, end } of [...model.processes.values()]) {
      const dead = lane.targetKey === "mac" && round < 60;
      end(dead ? failed("infrastructure") : { status: "success", failureKind: null, note: null });
    }
    await model.beat();
    if (round === 30) {
      const left = model.store.read.waitingLanes().filter((lane) => lane.targetKey !== "mac");
      if (left.length > 0) throw new Error(`lane ${left[0]?.id} is frozen by another's target`);
    }
    model.clock.ms += round > 60 ? 1_800_000 : 60_000;
  }
  throw new Error("lanes are left that never end");
}

async function follow(script: readonly { step: Step; a: number; b: number }[]): Promise<void> {
  const model = await CiModel.make();
  try {
    for (const { step, ...dice } of script) {
      await steps[step](model, dice);
      await model.settle();
      await model.pass();
      const broken = model.broken();
      if (broken.length > 0) throw new Error(`after ${step}: ${broken.join("; ")}`);
    }
    await bringToAnEnd(model);
    expect(model.broken()).toEqual([]);
  } finally {
    await model.dispose();
  }
}

/** More with FLK_MODEL_RUNS; a failure prints its seed and the shortest script that still fails. */
const runs = Number(process.env.FLK_MODEL_RUNS ?? 100);

it("keeps its promises whatever happens, in whatever order", {
  timeout: 60_000 + runs * 1000,
}, async () => {
  const script = array(record({ step: constantFrom(...names), a: nat(999), b: nat(999) }), {
    maxLength: 60,
    size: "max",
  });
  await assert(asyncProperty(script, follow), { numRuns: runs });
});
