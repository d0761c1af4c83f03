import { setTimeout as sleep } from "node:timers/promises";

/** Time as a connector sees it, so that tests can drive it by hand. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Waits; ends early, without an error, when the signal aborts. */
  pause(ms: number, signal?: AbortSignal): Promise<void>;
  /** From 0 up to 1, for jitter. */
  random(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  async pause(ms, signal) {
    await sleep(ms, undefined, { ...(signal === undefined ? {} : { signal }) }).catch(() => {});
  },
  random: () => Math.random(),
};

/** The wait before try number `attempt` (from 1): doubling, at most `most`, half of it jitter. */
export function backoffMs(attempt: number, first: number, most: number, random: number): number {
  const full = Math.min(most, first * 2 ** Math.min(attempt - 1, 20));
  return Math.round(full / 2 + (full / 2) * random);
}
