import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LaneDefinition } from "../../../src/server/store/records.ts";
import {
  CiBench,
  eventually,
  isAlive,
  laneOf,
  runOf,
  shellLane,
  usualSettings,
} from "../../support/ci.ts";

let bench: CiBench;
let head: string;

beforeEach(async () => {
  bench = await CiBench.make();
  head = await bench.commit({ "file.txt": "content\n" });
});
afterEach(() => bench.dispose());

/** A lane that tells its pid in a file and runs until it is ended. */
function endless(name: string, part: Partial<LaneDefinition> = {}): LaneDefinition {
  return shellLane(`echo $$ > ${join(bench.dir, name)}; exec sleep 1000`, { lane: name, ...part });
}

/** Waits for an endless lane to run and answers its pid. */
async function pidOf(name: string): Promise<number> {
  const file = join(bench.dir, name);
  await expect
    .poll(() => existsSync(file) && readFileSync(file, "utf8"), eventually)
    .toMatch(/\d+\n/);
  return Number(readFileSync(file, "utf8"));
}

const finished = (runId: number) => () => bench.store.read.run(runId)?.finishedAt;

describe("the scheduler", () => {
  it("does not let a slow lane keep a fast one waiting", async () => {
    bench.settings = { ...usualSettings, ciConcurrency: 2 };
    bench.start();
    const slow = bench.queue(head, [endless("slow")]);
    await pidOf("slow");
    const fast = [1, 2, 3].map((n) => bench.queue(head, [laneOf({ lane: `fast-${n}` })]));
    for (const run of fast) await bench.until(finished(run.id));
    expect(bench.laneOfRun(slow.id)).toMatchObject({ status: "running" });
    expect(fast.map((run) => bench.store.read.run(run.id)?.status)).toEqual(
      fast.map(() => "success"),
    );
  });

  it("starts a slow lane in one pass and a fast one in the next, and both succeed", async () => {
    bench.settings = { ...usualSettings, ciConcurrency: 2 };
    bench.start();
    const gate = join(bench.dir, "gate");
    const script = `mkfifo ${gate}; echo $$ > ${bench.dir}/slow; cat ${gate}`;
    const slow = bench.queue(head, [shellLane(script, { lane: "slow" })]);
    await pidOf("slow");
    const fast = bench.queue(head, [laneOf({ lane: "fast" })]);
    await bench.until(finished(fast.id));
    expect(bench.laneOfRun(slow.id).status).toBe("running");
    await writeFile(gate, "go\n");
    await bench.until(finished(slow.id));
    expect([fast, slow].map((run) => bench.store.read.run(run.id)?.status)).toEqual([
      "success",
      "success",
    ]);
  });

  it("counts capacity from the store, and tells queued lanes why they wait", async () => {
    bench.settings = { ...usualSettings, ciConcurrency: 2 };
    const elsewhere = bench.queue(head, [laneOf({ lane: "elsewhere" })]);
    const first = bench.laneOfRun(elsewhere.id);
    bench.start();
    bench.store.write((tx) => {
      // Claimed by nobody here, with a lease that is still good.
      const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
      tx.claimLane(first.id, { now: new Date().toISOString(), expiresAt });
    });
    const group = { concurrencyGroup: "device" };
    const run = bench.queue(head, [
      endless("one", group),
      laneOf({ lane: "two", ...group }),
      laneOf({ lane: "three" }),
    ]);
    await pidOf("one");
    const reasons = bench.store.read.lanesOfRun(run.id).map((lane) => lane.reason);
    // The orphans of before the start were put back first, so the claim above took one place.
    expect(bench.store.read.countRunningLanes()).toBe(2);
    expect(reasons).toEqual(["running", "blocked_by_concurrency_group", "waiting_for_capacity"]);
  });

  it("never runs two lanes of one group at once, and loses none", async () => {
    bench.settings = { ...usualSettings, ciConcurrency: 4 };
    bench.start();
    const lock = join(bench.dir, "lock");
    const script = `mkdir ${lock} || exit 1; sleep 0.05; rmdir ${lock}`;
    const lanes = [1, 2, 3, 4].map((n) =>
      shellLane(script, { lane: `lane-${n}`, concurrencyGroup: "device" }),
    );
    const run = bench.queue(head, lanes);
    await bench.until(finished(run.id));
    expect(bench.store.read.run(run.id)).toMatchObject({ status: "success" });
  });

  it("looks past many blocked lanes for one that can run", async () => {
    bench.start();
    const held = bench.queue(head, [endless("held", { concurrencyGroup: "device" })]);
    await pidOf("held");
    const blocked = Array.from({ length: 250 }, (_, n) =>
      laneOf({ lane: `blocked-${n}`, concurrencyGroup: "device" }),
    );
    const run = bench.queue(head, [...blocked, laneOf({ lane: "free" })]);
    const free = bench.laneOfRun(run.id, 250);
    await bench.until(() => bench.store.read.lane(free.id)?.finishedAt);
    expect(bench.laneOfRun(held.id)).toMatchObject({ status: "running" });
    expect(bench.laneOfRun(run.id, 0).reason).toBe("blocked_by_concurrency_group");
  });

  it("ends a superseded lane's process at once and uses its place", async () => {
    bench.settings = { ...usualSettings, ciConcurrency: 1 };
    bench.start();
    const old = bench.queue(head, [endless("old")]);
    const pid = await pidOf("old");
    const next = bench.queue(head, [laneOf({ lane: "next" })]);
    const lane = bench.laneOfRun(old.id);
    bench.store.write((tx) => {
      tx.endLane(lane.id, { status: "failed", failureKind: "superseded", note: "a newer head" });
      tx.refoldRun(old.id, "superseded");
    });
    await bench.until(finished(next.id));
    await expect.poll(() => isAlive(pid), eventually).toBe(false);
    expect(bench.laneOfRun(old.id)).toMatchObject({ failureKind: "superseded" });
    await expect
      .poll(() => bench.log(lane.id).toString(), eventually)
      .toContain("[forge] called off");
  });

  it("takes up again a lane whose lease ran out with nobody to renew it", async () => {
    bench.start({ timing: { heartbeatMs: 50 } });
    const run = bench.store.write((tx) => {
      const made = tx.createRun({ ...runOf(head), lanes: [laneOf({ lane: "lapsed" })] });
      const [lane] = tx.lanesOfRun(made.id);
      const long = new Date(0).toISOString();
      if (lane !== undefined) tx.claimLane(lane.id, { now: long, expiresAt: long });
      return made;
    });
    await bench.until(finished(run.id));
    expect(bench.laneOfRun(run.id)).toMatchObject({ status: "success", retryCount: 1 });
  });

  it("renews the lease of a running lane", async () => {
    bench.start({ timing: { heartbeatMs: 20, leaseMs: 100 } });
    const run = bench.queue(head, [endless("long")]);
    await pidOf("long");
    const before = bench.laneOfRun(run.id).leaseExpiresAt ?? "";
    await expect.poll(() => bench.laneOfRun(run.id).leaseExpiresAt, eventually).not.toBe(before);
    await expect.poll(() => Date.now() - Date.parse(before), eventually).toBeGreaterThan(100);
    expect(bench.laneOfRun(run.id)).toMatchObject({ status: "running", retryCount: 0 });
  });
});

describe("an unhealthy CI target", () => {
  it("keeps back its own lanes alone, over a restart, and is tried by one lane", async () => {
    bench.settings = { ...usualSettings, ciConcurrency: 2 };
    const mended = join(bench.dir, "mended");
    const script = `[ -e ${mended} ] || exit 75`;
    const lanes = (n: number) => [
      shellLane(script, { lane: `on-target-${n}`, targetKey: "linux" }),
    ];
    bench.start();
    for (const n of [1, 2, 3]) await bench.until(finished(bench.queue(head, lanes(n)).id));
    const kept = bench.queue(head, lanes(4));
    const free = bench.queue(head, [laneOf({ lane: "elsewhere" })]);
    await bench.until(finished(free.id));
    expect(bench.laneOfRun(kept.id)).toMatchObject({
      ...{ status: "queued", reason: "blocked_by_target_health" },
    });
    const health = bench.store.read.targetHealth("linux");
    expect(health).toMatchObject({ failures: 3, why: "exit code 75 (temporary failure)" });
    await bench.ci.stop({ drain: false });
    await writeFile(mended, "");
    // As if its time was over.
    bench.store.write((tx) => {
      if (health !== undefined) tx.putTargetHealth({ ...health, backoffMs: 0 });
    });
    bench.start();
    await bench.until(finished(kept.id));
    expect(bench.store.read.run(kept.id)).toMatchObject({ status: "success" });
    expect(bench.store.read.targetHealth("linux")).toBeUndefined();
  });
});

describe("slots", () => {
  it("are free only when their process is gone", async () => {
    bench.settings = { ...usualSettings, ciConcurrency: 1 };
    bench.start({ timing: { cancelGraceMs: 400 } });
    const stubborn = `trap '' TERM; echo $$ > ${bench.dir}/stubborn; while :; do sleep 0.05; done`;
    const old = bench.queue(head, [shellLane(stubborn, { lane: "stubborn" })]);
    const pid = await pidOf("stubborn");
    const seen = join(bench.dir, "seen");
    const look = `kill -0 ${pid} 2>/dev/null && echo alive > ${seen} || echo gone > ${seen}`;
    const next = bench.queue(head, [shellLane(look, { lane: "next" })]);
    const lane = bench.laneOfRun(old.id);
    bench.store.write((tx) => {
      tx.endLane(lane.id, { status: "failed", failureKind: "cancelled", note: null });
      tx.refoldRun(old.id);
    });
    expect(bench.store.read.countRunningLanes()).toBe(0);
    await bench.until(finished(next.id));
    expect(readFileSync(seen, "utf8")).toBe("gone\n");
  });

  it("are not all taken by nightly lanes", async () => {
    bench.settings = { ...usualSettings, ciConcurrency: 2 };
    bench.start();
    const nightly = bench.store.write((tx) =>
      tx.createNightly({
        ...{ at: new Date(0).toISOString(), sourceRef: "refs/heads/main", summary: null },
        ...{ head, partial: false, rerunOf: null, reason: null, note: null, status: "success" },
        lanes: [endless("deep"), endless("deeper")],
      }),
    );
    await pidOf("deep");
    expect(bench.store.read.lanesOfRun(nightly.id).map((lane) => lane.reason)).toEqual([
      "running",
      "waiting_for_capacity",
    ]);
    await bench.until(finished(bench.queue(head, [laneOf({ lane: "branch" })]).id));
  });
});

describe("stopping", () => {
  it("drains: running lanes end by themselves, queued ones stay", async () => {
    bench.settings = { ...usualSettings, ciConcurrency: 1 };
    const ci = bench.start();
    const gate = join(bench.dir, "gate");
    const script = `mkfifo ${gate}; echo $$ > ${bench.dir}/waits; cat ${gate}`;
    const run = bench.queue(head, [
      shellLane(script, { lane: "waits" }),
      laneOf({ lane: "later" }),
    ]);
    await pidOf("waits");
    const stopped = ci.stop({ drain: true });
    await writeFile(gate, "go\n");
    await stopped;
    expect(bench.store.read.lanesOfRun(run.id).map((lane) => lane.status)).toEqual([
      "success",
      "queued",
    ]);
    expect(ci.idle()).toBe(false);
  });

  it("ends running lanes and puts them back, to be run by the next start", async () => {
    const ci = bench.start();
    const flag = join(bench.dir, "second-time");
    const script = `[ -e ${flag} ] && exit 0; echo $$ > ${bench.dir}/cut; exec sleep 1000`;
    const run = bench.queue(head, [shellLane(script, { lane: "cut" })]);
    const pid = await pidOf("cut");
    await ci.stop({ drain: false });
    expect(isAlive(pid)).toBe(false);
    expect(bench.laneOfRun(run.id)).toMatchObject({ status: "queued", process: null });
    await writeFile(flag, "");
    bench.start();
    await bench.until(finished(run.id));
    expect(bench.store.read.run(run.id)).toMatchObject({ status: "success" });
    await expect.poll(() => bench.ci.idle(), eventually).toBe(true);
  });
});
