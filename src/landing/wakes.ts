import { setTimeout as pause } from "node:timers/promises";
import { LandError } from "../domain/errors.ts";

/** Time as the landing reads it; tests drive it by hand. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
}

/**
 * One waiter's view of a forge's changes. A wake only says that something changed; one that comes
 * between two calls of `next` is kept for the later one, so none is lost.
 */
export interface Wakes {
  /** Ends at the next change or after `timeoutMs`; throws when the signal aborts. */
  next(signal: AbortSignal, timeoutMs: number): Promise<"event" | "timeout">;
  close(): void;
}

/** Begins to listen; whatever changes from here on wakes. */
export type SubscribeToChanges = () => Wakes;

/** Where nothing tells of changes: wakes that are all timeouts, soon at first, then slower. */
export function timedWakes(firstMs = 500, mostMs = 5000): SubscribeToChanges {
  return () => {
    let wait = firstMs;
    return {
      async next(signal, timeoutMs) {
        await pause(Math.min(wait, timeoutMs), undefined, { signal }).catch(() => {
          throw new LandError("cancelled", "The wait was cancelled.");
        });
        wait = Math.min(mostMs, wait * 1.5);
        return "timeout";
      },
      close: () => {},
    };
  };
}
