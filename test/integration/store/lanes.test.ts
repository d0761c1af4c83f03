import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runView, verdictOn } from "../../../src/server/store/judge.ts";
import { openStore } from "../../../src/server/store/open-store.ts";
import type { LaneRecord, RunRecord } from "../../../src/server/store/records.ts";
import type { Store } from "../../../src/server/store/store.ts";
import { endLane, HandClock, lane } from "../../support/canonical.ts";

let dir: string;
let clock: HandClock;
let store: Store;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "flk-lanes-"));
  clock = new HandClock();
  store = openStore(join(dir, "forge.db"), clock);
});
afterEach(async () => {
  store.close();
  await rm(dir, { recursive: true, force: true });
});

const head = "a".repeat(40);
const branch = (name: string) =>
  store.write((tx) =>
    tx.openBranch({ name, title: "", target: "main", head, mergeBase: null, problem: null }),
  ).id;

function queue(branchId: number, names: readonly string[], partial = false): RunRecord {
  return store.write((tx) =>
    tx.createRun({
      ...{ branchId, subject: "head", head, partial, rerunOf: null, reason: null, note: null },
      status: "success",
      lanes: names.map(lane),
    }),
  );
}

const lease = () => {
  const now = clock.now();
  return {
    now: now.toISOString(),
    expiresAt: new Date(now.getTime() + 120_000).toISOString(),
  };
};
const claim = (id: number) => store.write((tx) => tx.claimLane(id, lease()));
const first = (run: RunRecord): LaneRecord => {
  const [found] = store.read.lanesOfRun(run.id);
  if (found === undefined) throw new Error("a run without lanes");
  return found;
};
/** Names of the waiting lanes in claim order. */
const order = (limit = 99) =>
  store.read
    .waitingLanes()
    .slice(0, limit)
    .map((each) => each.lane);

/** Claims and ends the lane that is next; answers its name. */
function serveOne(): string {
  const [first] = store.read.waitingLanes();
  const next = first && store.read.lane(first.id);
  if (next === undefined) throw new Error("nothing waits");
  store.write((tx) => {
    endLane(tx, next.id, "success", clock);
    tx.refoldRun(next.runId);
  });
  return next.lane;
}

/** Moves the target, as the journal tells it. */
function moveTarget(to: string): void {
  store.write((tx) =>
    tx.addJournal({
      ...{ kind: "accept", branchId: null, head: null, targetBefore: null, targetAfter: to },
      ...{ state: "done", by: null, reason: null, forced: false },
    }),
  );
}

function onto(branchId: number, mergeBase: string): void {
  store.write((tx) => tx.moveBranch(branchId, { title: "", head, mergeBase, problem: null }));
}

describe("claim order", () => {
  it("lets heads that contain the target go before those that it left behind, not for ever", () => {
    const target = "b".repeat(40);
    moveTarget(target);
    const [behind, fresh] = [branch("behind"), branch("fresh")];
    onto(behind, head);
    queue(behind, ["behind"]);
    const served: string[] = [];
    for (let n = 1; n <= 12; n += 1) {
      onto(fresh, target);
      queue(fresh, [`fresh ${n}`]);
      served.push(serveOne());
    }
    expect(served[0]).toBe("fresh 1");
    expect(served.indexOf("behind")).toBeGreaterThan(5);
    while (order().length > 0) serveOne();
    onto(behind, target);
    queue(behind, ["again"]);
    queue(fresh, ["later"]);
    expect(order()).toEqual(["again", "later"]);
  });

  it("lets branches take turns", () => {
    queue(branch("a"), ["a1", "a2", "a3"]);
    queue(branch("b"), ["b1", "b2"]);
    expect(order()).toEqual(["a1", "b1", "a2", "b2", "a3"]);
    expect(order(2)).toEqual(["a1", "b1"]);
    expect(order()).toEqual(order());
  });

  it("is fair to a branch that comes later, also when lanes are claimed one at a time", () => {
    const a = branch("a");
    queue(a, ["a1", "a2", "a3", "a4", "a5", "a6"]);
    expect([serveOne(), serveOne(), serveOne()]).toEqual(["a1", "a2", "a3"]);
    queue(branch("b"), ["b1", "b2"]);
    expect([1, 2, 3, 4, 5].map(serveOne)).toEqual(["a4", "b1", "a5", "b2", "a6"]);
  });

  it("never lets newcomers keep an old lane waiting for ever", () => {
    queue(branch("old"), ["o1", "o2", "o3"]);
    const served: string[] = [];
    for (let n = 0; n < 8; n += 1) {
      queue(branch(`new${n}`), [`n${n}`]);
      served.push(serveOne());
    }
    expect(served).toEqual(expect.arrayContaining(["o1", "o2", "o3"]));
  });

  it("gives a branch with many runs no more turns than one with one run", () => {
    const a = branch("a");
    queue(a, ["a1"]);
    queue(a, ["a2"], true);
    queue(a, ["a3"], true);
    queue(branch("b"), ["b1", "b2"]);
    expect(order()).toEqual(["a1", "b1", "a2", "b2", "a3"]);
  });

  it("does not let a lane that comes back overtake everybody", () => {
    const a = first(queue(branch("a"), ["a1"]));
    claim(a.id);
    queue(branch("b"), ["b1", "b2", "b3"]);
    serveOne();
    store.write((tx) => tx.requeueLane(a.id, "stale_recovered"));
    expect(order()).toEqual(["a1", "b2", "b3"]);
    expect(serveOne()).toBe("a1");
    expect(order()).toEqual(["b2", "b3"]);
  });

  it("is found among ten thousand as quickly as among ten", () => {
    // The quickest of many looks, so that a busy machine does not matter.
    const quickestLook = () => {
      const times = Array.from({ length: 200 }, () => {
        const began = performance.now();
        for (const pool of store.read.poolNames()) store.read.poolHead(pool, []);
        store.read.lanesOfRun(1);
        return performance.now() - began;
      });
      return Math.min(...times);
    };
    queue(branch("first"), ["first"]);
    const amongFew = quickestLook();
    const names = Array.from({ length: 100 }, (_, n) => `lane-${n}`);
    for (let n = 0; n < 100; n += 1) queue(branch(`b${n}`), names);
    expect(store.read.countQueuedLanes()).toBe(10_001);
    // A scan of the queue would take hundreds of times as long.
    expect(quickestLook()).toBeLessThan(amongFew * 20);
    expect([serveOne(), serveOne()]).toEqual(["first", "lane-0"]);
  });
});

describe("a claim", () => {
  it("is had by one alone", () => {
    const { id } = first(queue(branch("a"), ["test"]));
    expect(claim(id)).toMatchObject({ status: "running", reason: "running", claimToken: 1 });
    expect(claim(id)).toBeUndefined();
    expect(store.read.countRunningLanes()).toBe(1);
    expect(store.read.runningLanes().map((each) => each.id)).toEqual([id]);
  });

  it("has lapsed once its lease is over, and where it was renewed in times to come", () => {
    const { id } = first(queue(branch("a"), ["test"]));
    first(queue(branch("b"), ["waits"]));
    claim(id);
    const { now, expiresAt } = lease();
    const lapsedAt = (time: string) => store.read.lapsedLanes(time).map((each) => each.id);
    const justBefore = (time: string) => new Date(Date.parse(time) - 1).toISOString();
    expect(lapsedAt(now)).toEqual([]);
    expect(lapsedAt(justBefore(expiresAt))).toEqual([]);
    expect(lapsedAt(expiresAt)).toEqual([id]);
    expect(lapsedAt(justBefore(now))).toEqual([id]);
  });

  it("goes by pools, past lanes that may not run yet", () => {
    const run = queue(branch("a"), ["one", "two", "three"]);
    const [one, two, three] = store.read.lanesOfRun(run.id).map((each) => each.id);
    const [pool = ""] = store.read.poolNames();
    const ahead = (...without: (number | undefined)[]) =>
      store.read.poolHead(
        pool,
        without.map((id) => id ?? 0),
      )?.id;
    expect(ahead()).toBe(one);
    expect(ahead(two)).toBe(one);
    expect(ahead(two, one)).toBe(three);
    expect(ahead(one, two, three)).toBeUndefined();
  });

  it("is worth nothing once the lane was taken away", () => {
    const run = queue(branch("a"), ["test"]);
    const { id } = first(run);
    const token = claim(id)?.claimToken ?? 0;
    const process = { pid: 12, startTime: "34", bootId: "boot" };
    const done = { status: "success", failureKind: null, note: null } as const;
    expect(store.write((tx) => tx.recordLaneProcess(id, token, process, "bwrap"))).toBe(true);
    expect(store.write((tx) => tx.heartbeat(id, token, lease()))).toBe(true);
    expect(store.read.lane(id)).toMatchObject({ process, isolation: "bwrap" });

    store.write((tx) => tx.requeueLane(id, "stale_recovered"));
    expect(store.read.lane(id)).toMatchObject({
      ...{ status: "queued", reason: "stale_recovered", retryCount: 1, process: null },
      ...{ startedAt: null, leaseExpiresAt: null, isolation: null },
    });
    for (const stale of [token, token + 1]) {
      expect(store.write((tx) => tx.heartbeat(id, stale, lease()))).toBe(false);
      expect(store.write((tx) => tx.finishLane(id, stale, done))).toBe(false);
      expect(store.write((tx) => tx.recordLaneProcess(id, stale, process, "none"))).toBe(false);
      const ids = { runId: "r", targetId: null };
      expect(store.write((tx) => tx.recordExecutorIds(id, stale, ids))).toBe(false);
    }
    const again = claim(id)?.claimToken ?? 0;
    expect(again).toBe(3);
    expect(store.write((tx) => tx.finishLane(id, token, done))).toBe(false);
    expect(store.write((tx) => tx.finishLane(id, again, done))).toBe(true);
    expect(store.write((tx) => tx.finishLane(id, again, done))).toBe(false);
  });

  it("ends with the lane that is ended from outside, once", () => {
    const { id } = first(queue(branch("a"), ["test"]));
    const token = claim(id)?.claimToken ?? 0;
    const end = { status: "failed", failureKind: "cancelled", note: "by hand" } as const;
    store.write((tx) => tx.endLane(id, end));
    store.write((tx) => tx.endLane(id, { ...end, note: "again" }));
    expect(store.read.lane(id)).toMatchObject({ ...end, claimToken: token + 1 });
    const kinds = store.read.eventsAfter(0, 99).map((event) => event.kind);
    expect(kinds).toEqual(["branch_opened", "run_queued", "lane_claimed", "lane_finished"]);
  });
});

describe("a run", () => {
  const end = (id: number, status: "success" | "failed") =>
    store.write((tx) => endLane(tx, id, status, clock));
  const refold = (run: RunRecord) => store.write((tx) => tx.refoldRun(run.id));

  it("follows its lanes and settles once, when the last one ended", () => {
    const run = queue(branch("a"), ["lint", "test"]);
    const [lint, test] = store.read.lanesOfRun(run.id);
    expect(run).toMatchObject({ status: "queued", startedAt: null, finishedAt: null });
    clock.tick(1000);
    end(lint?.id ?? 0, "failed");
    expect(refold(run)).toMatchObject({
      ...{ status: "running", startedAt: "2026-01-01T00:00:01.000Z", finishedAt: null },
    });
    clock.tick(1000);
    end(test?.id ?? 0, "success");
    expect(refold(run)).toMatchObject({
      ...{ status: "failed", startedAt: "2026-01-01T00:00:01.000Z" },
      finishedAt: "2026-01-01T00:00:02.000Z",
    });
    refold(run);
    const settled = store.read.eventsAfter(0, 99).filter((each) => each.kind === "run_finished");
    expect(settled).toHaveLength(1);
  });

  it("that was given up is taken up again with a lane that is requeued", () => {
    const branchId = branch("a");
    const run = queue(branchId, ["test"]);
    const { id } = first(run);
    store.write((tx) => {
      tx.endLane(id, { status: "failed", failureKind: "superseded", note: null });
      tx.refoldRun(run.id, "superseded");
    });
    expect(verdictOn(store.read, branchId, head)).toBe("superseded");
    store.write((tx) => tx.requeueLane(id, "queued"));
    expect(refold(run)).toMatchObject({ status: "queued", reason: null, finishedAt: null });
    expect(verdictOn(store.read, branchId, head)).toBe("pending");
  });

  it("without lanes is finished as it was planned, and stays so", () => {
    const run = store.write((tx) =>
      tx.createRun({
        ...{ branchId: branch0(tx), subject: "head", head, partial: false, rerunOf: null },
        ...{ reason: "manifest_broken", note: "line 3", status: "failed", lanes: [] },
      }),
    );
    expect(run).toMatchObject({ status: "failed", finishedAt: "2026-01-01T00:00:00.000Z" });
    expect(refold(run)).toEqual(run);
    expect(runView(store.read, run)).toMatchObject({
      ...{ id: String(run.id), reason: "manifest_broken", note: "line 3", lanes: [] },
    });
  });

  it("of one lane again never decides about the head", () => {
    const branchId = branch("a");
    const whole = queue(branchId, ["test"]);
    end(first(whole).id, "failed");
    refold(whole);
    const again = queue(branchId, ["test"], true);
    end(first(again).id, "success");
    refold(again);
    expect(store.read.runsOfHead(branchId, head).map((run) => run.id)).toEqual([
      again.id,
      whole.id,
    ]);
    expect(verdictOn(store.read, branchId, head)).toBe("failed");
    expect(verdictOn(store.read, branchId, "b".repeat(40))).toBe("none");
  });

  it("is unfinished until its last lane ended", () => {
    const branchId = branch("a");
    const run = queue(branchId, ["test"]);
    expect(store.read.unfinishedRuns(branchId)).toEqual([run]);
    end(first(run).id, "success");
    refold(run);
    expect(store.read.unfinishedRuns(branchId)).toEqual([]);
  });

  const branch0 = (tx: Parameters<Parameters<Store["write"]>[0]>[0]) =>
    tx.openBranch({
      ...{ name: "none", title: "", target: "main", head, mergeBase: null, problem: null },
    }).id;
});
