import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { awakeTimer } from "../../../../src/server/ci/awake-timer.ts";

/** Milliseconds by which the clock moved while no timer could run. */
let slept = 0;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const awake = performance.now.bind(performance);
  slept = 0;
  vi.spyOn(performance, "now").mockImplementation(() => awake() + slept);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

it("calls back after its time, however long", () => {
  const act = vi.fn();
  awakeTimer(3_600_000, act);
  vi.advanceTimersByTime(3_599_999);
  expect(act).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(act).toHaveBeenCalledOnce();
});

it("waits longer than a timer can", () => {
  const act = vi.fn();
  awakeTimer(2 ** 32, act);
  vi.advanceTimersByTime(60_000);
  expect(act).not.toHaveBeenCalled();
});

it("leaves out what it slept through, and looks once more before it calls", () => {
  const act = vi.fn();
  awakeTimer(12_000, act);
  vi.advanceTimersByTime(11_000);
  slept += 3_600_000;
  vi.advanceTimersByTime(2999);
  expect(act).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(act).toHaveBeenCalledOnce();
});

it("is called off", () => {
  const act = vi.fn();
  const forget = awakeTimer(12_000, act);
  vi.advanceTimersByTime(7000);
  forget();
  vi.advanceTimersByTime(20_000);
  expect(act).not.toHaveBeenCalled();
});
