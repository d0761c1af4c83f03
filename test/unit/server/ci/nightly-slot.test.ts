import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { latestSlot } from "../../../../src/server/ci/nightly-slot.ts";

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
