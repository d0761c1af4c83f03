import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dueSlot, latestSlot, nextSlot } from "../../../../src/server/ci/nightly-slot.ts";

const dayMs = 24 * 60 * 60 * 1000;

describe("the latest slot of a schedule", () => {
  it.each([
    ["08:00", "2026-03-18T08:00:00.000Z", "2026-03-18T08:00:00.000Z"],
    ["08:00", "2026-03-18T07:59:59.999Z", "2026-03-17T08:00:00.000Z"],
    ["08:00", "2026-03-18T23:59:59.999Z", "2026-03-18T08:00:00.000Z"],
    ["00:00", "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z"],
    ["23:59", "2026-01-01T00:00:00.000Z", "2025-12-31T23:59:00.000Z"],
    ["23:59", "2024-03-01T00:00:00.000Z", "2024-02-29T23:59:00.000Z"],
  ])("%s seen at %s is %s", (schedule, now, slot) => {
    expect(latestSlot(schedule, new Date(now))).toBe(slot);
  });

  it("is never later than now, and less than a day ago", () => {
    const times = fc.date({
      min: new Date("1990-01-01"),
      max: new Date("2090-01-01"),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1439 }), times, (minute, now) => {
        const two = (value: number) => String(value).padStart(2, "0");
        const schedule = `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
        const slot = latestSlot(schedule, now);
        expect(slot.slice(11)).toBe(`${schedule}:00.000Z`);
        const ago = now.getTime() - Date.parse(slot);
        expect(ago >= 0 && ago < dayMs).toBe(true);
      }),
    );
  });
});

describe("the slot that is due", () => {
  const now = new Date("2026-03-18T12:00:00.000Z");
  const since = "2026-01-01T00:00:00.000Z";
  const facts = { scheduleUtc: "08:00", now, newestDay: "2026-03-17", since };
  const todays = "2026-03-18T08:00:00.000Z";

  it.each([
    ["today's, after yesterday's", {}, todays],
    ["none where today has its nightly", { newestDay: "2026-03-18" }, undefined],
    ["the latest alone after many days", { newestDay: "2026-03-01" }, todays],
    ["today's where there never was one", { newestDay: undefined }, todays],
    [
      "yesterday's before today's",
      { scheduleUtc: "20:00", newestDay: "2026-03-16" },
      "2026-03-17T20:00:00.000Z",
    ],
    [
      "none where the time was put off on its day",
      { scheduleUtc: "20:00", newestDay: "2026-03-18" },
      undefined,
    ],
    ["none of a day before one that had its nightly", { scheduleUtc: "20:00" }, undefined],
    [
      "none from before the schedule",
      { newestDay: undefined, since: "2026-03-18T08:00:00.001Z" },
      undefined,
    ],
    ["the schedule's very first", { newestDay: undefined, since: todays }, todays],
  ])("is %s", (_what, change, expected) => {
    expect(dueSlot({ ...facts, ...change })).toBe(expected);
  });

  it.each([
    ["tomorrow's once today's time has passed", {}, "2026-03-19T08:00:00.000Z"],
    ["today's before", { scheduleUtc: "20:00" }, "2026-03-18T20:00:00.000Z"],
    [
      "tomorrow's where today was run at an earlier time",
      { scheduleUtc: "20:00", newestDay: "2026-03-18" },
      "2026-03-19T20:00:00.000Z",
    ],
  ])("is followed by %s", (_what, change, expected) => {
    expect(nextSlot({ ...facts, ...change })).toBe(expected);
  });

  it("comes once a day, whatever the time of the schedule and the forge's times of rest", () => {
    const minutes = fc.integer({ min: 0, max: 1439 });
    const step = fc.record({ rest: fc.integer({ min: 1, max: 4000 }), minute: minutes });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const start = Date.parse("2026-03-01T00:00:00.000Z");
        let at = start;
        const days: string[] = [];
        for (const { rest, minute } of steps) {
          at += rest * 60_000;
          const two = (value: number) => String(value).padStart(2, "0");
          const scheduleUtc = `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
          const facts = { scheduleUtc, now: new Date(at), newestDay: days.at(-1) };
          const due = dueSlot({ ...facts, since: new Date(start).toISOString() });
          if (due !== undefined) days.push(due.slice(0, 10));
          const next = nextSlot({ ...facts, newestDay: days.at(-1) });
          expect(Date.parse(next)).toBeGreaterThan(at);
          expect(days).not.toContain(next.slice(0, 10));
        }
        expect(days).toEqual([...new Set(days)].sort());
      }),
    );
  });
});
