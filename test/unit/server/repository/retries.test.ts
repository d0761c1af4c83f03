import { expect, it } from "vitest";
import { Retries } from "../../../../src/server/repository/retries.ts";

it("waits longer each time, but never for a clock that was set back", () => {
  const retries = new Retries();
  const start = Date.UTC(2026, 0, 1);
  const failed = (ms: number) =>
    retries.failed(1, { head: "a", target: "t", lasting: false, now: new Date(start + ms) });
  const isDue = (ms: number) => retries.isDue(1, "a", "t", new Date(start + ms));
  failed(0);
  expect([isDue(999), isDue(1000)]).toEqual([false, true]);
  failed(1000);
  expect([isDue(2999), isDue(3000)]).toEqual([false, true]);
  expect(isDue(-3_600_000)).toBe(true);
});
