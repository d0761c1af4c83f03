import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NightlySchedule } from "../../../src/server/ci/nightly-schedule.ts";
import { planNightly } from "../../../src/server/ci/plan.ts";
import type { Clock } from "../../../src/server/store/store.ts";
import { HandClock } from "../../support/canonical.ts";
import { CiBench } from "../../support/ci.ts";
import { usualSettings } from "../../support/ci-config.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const manifestAt = (
  time: string,
  lanes = '[[nightly.lanes]]\nid = "deep"\ntitle = "Deep"\nentrypoint = "true"\ncommand = ["true"]\n',
) => `version = 1\nnightly_schedule_utc = "${time}"\n${lanes}`;

let bench: CiBench;
/** It begins at midnight of 2026-01-01. */
let clock: HandClock;
let wakes: number;
const warnings: object[] = [];
beforeEach(async () => {
  bench = await CiBench.make();
  clock = new HandClock();
  wakes = 0;
  warnings.length = 0;
});
afterEach(() => bench?.dispose());

/** As the forge's process makes it at its start. */
const begin = (its: Clock = clock) =>
  new NightlySchedule({
    config: bench.config,
    store: bench.store,
    ci: {
      planNightly: (head) => planNightly(bench.bare, bench.settings, head),
      wake: () => {
        wakes += 1;
      },
    },
    clock: its,
    log: { info: () => {}, warn: (facts) => void warnings.push(facts) },
  });

/** Lands a manifest (null: none) on the target, as the journal tells it. */
const land = async (manifest: string | null) => {
  const before = bench.store.read.lastTargetMove()?.targetAfter ?? null;
  const files = { "ci/forge-lanes.toml": manifest, "a.txt": String(Math.random()) };
  const head = await bench.commit(manifest === null && before === null ? { "a.txt": "1" } : files);
  bench.store.write((tx) =>
    tx.addJournal({
      kind: before === null ? "create" : "merge",
      ...{ branchId: null, head: null, targetBefore: before, targetAfter: head },
      ...{ state: "done", by: null, reason: null, forced: false },
    }),
  );
  return head;
};
const nightlies = () => bench.store.read.nightlies({ limit: 50 });
const times = () => nightlies().map((each) => each.scheduledFor);

describe("the schedule", () => {
  it("queues one nightly at the target's commit when its time has come", async () => {
    const head = await land(manifestAt("08:00"));
    const schedule = begin();
    expect(await schedule.check()).toBeUndefined();
    expect(schedule.next()).toBe("2026-01-01T08:00:00.000Z");
    clock.tick(8 * hour - 1);
    expect(await schedule.check()).toBeUndefined();
    clock.tick(1);
    const made = await schedule.check();
    expect(made).toMatchObject({
      scheduledFor: "2026-01-01T08:00:00.000Z",
      sourceRef: "refs/heads/main",
      summary: null,
      day: "2026-01-01",
    });
    expect(bench.store.read.run(made?.runId ?? 0)).toMatchObject({ head, status: "queued" });
    expect(bench.store.read.waitingLanes().map((lane) => lane.lane)).toEqual(["deep"]);
    expect(wakes).toBe(1);
    expect(schedule.next()).toBe("2026-01-02T08:00:00.000Z");
    for (let looks = 0; looks < 5; looks++) {
      clock.tick(minute);
      expect(await schedule.check()).toBeUndefined();
    }
    expect(times()).toHaveLength(1);
  });

  it("queues one for each day, however often and from wherever it is looked", async () => {
    await land(manifestAt("08:00"));
    await begin().check();
    for (let hours = 0; hours < 72; hours += 6) {
      clock.tick(6 * hour);
      await Promise.all([begin().check(), begin().check()]);
    }
    expect(warnings).toEqual([]);
    expect(times().map((time) => time.slice(0, 10))).toEqual([
      "2026-01-03",
      "2026-01-02",
      "2026-01-01",
    ]);
  });

  it("catches up with the latest missed day alone, and says so", async () => {
    await land(manifestAt("08:00"));
    await begin().check();
    clock.tick(3 * day + 10 * hour);
    const made = await begin().check();
    expect(made).toMatchObject({ scheduledFor: "2026-01-04T08:00:00.000Z", day: "2026-01-04" });
    expect(made?.summary).toBe(
      "Caught up: 2026-01-04T08:00:00.000Z had passed before the forge could begin.",
    );
    expect(bench.store.read.run(made?.runId ?? 0)?.note).toContain("Caught up");
    expect(await begin().check()).toBeUndefined();
    expect(nightlies()).toHaveLength(1);
  });

  it("begins with the first time after it is there", async () => {
    clock.tick(10 * hour);
    await land(manifestAt("08:00"));
    const schedule = begin();
    expect(await schedule.check()).toBeUndefined();
    expect(schedule.next()).toBe("2026-01-02T08:00:00.000Z");
  });

  it("keeps to one nightly on a day on which its time is changed", async () => {
    await land(manifestAt("08:00"));
    const schedule = begin();
    await schedule.check();
    clock.tick(8 * hour);
    expect(await schedule.check()).toBeDefined();
    await land(manifestAt("20:00"));
    expect(await schedule.check()).toBeUndefined();
    expect(schedule.next()).toBe("2026-01-02T20:00:00.000Z");
    clock.tick(12 * hour);
    expect(await schedule.check()).toBeUndefined();
    clock.tick(day);
    expect((await schedule.check())?.scheduledFor).toBe("2026-01-02T20:00:00.000Z");
  });

  it("is not confused by one that was asked for", async () => {
    await land(manifestAt("08:00"));
    const schedule = begin();
    await schedule.check();
    clock.tick(8 * hour);
    bench.store.write((tx) =>
      tx.createNightly({
        at: clock.now().toISOString(),
        ...{ sourceRef: "refs/heads/main", summary: null, head: "1".repeat(40), partial: false },
        ...{ rerunOf: null, reason: null, note: null, status: "success", lanes: [] },
      }),
    );
    expect(await schedule.check()).toMatchObject({
      scheduledFor: "2026-01-01T08:00:00.001Z",
      day: "2026-01-01",
    });
  });

  it("runs nothing twice when the clock jumps back and forth", async () => {
    await land(manifestAt("08:00"));
    const schedule = begin();
    await schedule.check();
    for (const jump of [9 * hour, -3 * hour, 3 * hour, 40 * day, -40 * day, 10 * minute]) {
      clock.tick(jump);
      await schedule.check();
    }
    const days = nightlies().map((each) => each.day);
    expect(days).toEqual([...new Set(days)]);
    expect(days).toEqual(["2026-02-10", "2026-01-01"]);
    clock.tick(day);
    expect((await schedule.check())?.day).toBe("2026-01-02");
  });

  it("gives a success that says so where there are no nightly lanes", async () => {
    await land(manifestAt("08:00", ""));
    const schedule = begin();
    await schedule.check();
    clock.tick(8 * hour);
    const made = await schedule.check();
    expect(made?.summary).toBe("No nightly lanes configured.");
    expect(bench.store.read.run(made?.runId ?? 0)).toMatchObject({
      status: "success",
      reason: "nothing_selected",
    });
  });

  it.each([
    ["missing", null, "main has no ci/forge-lanes.toml"],
    ["broken", 'version = 1\nnightly_schedule_utc = "25:00"\n', "ci/forge-lanes.toml:2"],
  ])("of a %s manifest is a word on health, until it is mended", async (_what, text, words) => {
    await land(manifestAt("08:00"));
    const schedule = begin();
    await schedule.check();
    await land(text);
    clock.tick(9 * hour);
    for (let looks = 0; looks < 3; looks++) expect(await schedule.check()).toBeUndefined();
    expect(schedule.health().error?.words).toContain(words);
    expect(warnings).toHaveLength(1);
    expect(schedule.next()).toBeNull();
    expect(schedule.waitMs()).toBe(minute);
    await land(manifestAt("08:00"));
    expect((await schedule.check())?.summary).toContain("Caught up");
    expect(schedule.health().error).toBeUndefined();
  });

  it("misses nothing where the owner chose to have no CI, or nothing was landed yet", async () => {
    const schedule = begin();
    expect(await schedule.check()).toBeUndefined();
    await land(null);
    bench.settings = { ...usualSettings, ci: "none" };
    expect(await schedule.check()).toBeUndefined();
    expect(schedule.health().error).toBeUndefined();
    expect(schedule.health().checkedAt).toEqual(clock.now());
  });

  it("is looked at when its time comes, and once a minute whatever the clock said", async () => {
    await land(manifestAt("08:00"));
    const schedule = begin();
    await schedule.check();
    expect(schedule.waitMs()).toBe(minute);
    clock.tick(8 * hour - 1500);
    expect(schedule.waitMs()).toBe(1500);
  });

  it("begins by itself, at its time and not before", async () => {
    await land(manifestAt("08:00"));
    const ahead = Date.parse("2026-01-01T08:00:00.000Z") - 400 - Date.now();
    const running = { now: () => new Date(Date.now() + ahead) };
    const schedule = begin(running);
    schedule.start();
    try {
      const made = await bench.until(() => nightlies()[0], "the slot's nightly");
      expect(made.scheduledFor).toBe("2026-01-01T08:00:00.000Z");
      expect(made.summary).toBeNull();
      expect(running.now().toISOString() >= made.scheduledFor).toBe(true);
    } finally {
      await schedule.stop();
    }
  });

  it("outlives a store that cannot be read for a while", async () => {
    await land(manifestAt("08:00"));
    const broken = {
      ...bench.store.read,
      newestNightlyDay: () => {
        throw new Error("disk I/O error");
      },
    };
    const config = bench.config;
    const schedule = new NightlySchedule({
      ...{ config, clock, store: { ...bench.store, read: broken } },
      ...{
        ci: {
          planNightly: async () => {
            throw new Error("not asked");
          },
          wake: () => {},
        },
      },
      log: { info: () => {}, warn: (facts) => void warnings.push(facts) },
    });
    schedule.start();
    await schedule.check();
    expect(schedule.health().error?.words).toBe("disk I/O error");
    await schedule.stop();
    expect(warnings).toHaveLength(1);
  });

  it("begins nothing once it was stopped", async () => {
    await land(manifestAt("08:00"));
    const schedule = begin();
    await schedule.check();
    clock.tick(8 * hour);
    schedule.start();
    await schedule.stop();
    expect(nightlies()).toHaveLength(0);
  });
});
