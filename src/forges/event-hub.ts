import { LandError } from "../domain/errors.ts";
import { backoffMs, type Clock, systemClock } from "./clock.ts";
import type { Forge } from "./forge.ts";

/** Somebody who waits for changes. Each change since the last `next` is one wake, never none. */
export interface Subscription {
  /**
   * Waits for the next change; at once where there was one meanwhile. `timeout` after
   * `timeoutMs`; throws `cancelled` with the signal.
   */
  next(signal: AbortSignal, timeoutMs: number): Promise<"event" | "timeout">;
  close(): void;
}

/**
 * One event stream of a forge, however many wait. Subscribe first, then read the state, then wait:
 * a change after the subscription is never missed, since the beginning of the stream is a wake too.
 */
export class EventHub {
  readonly #forge: Pick<Forge, "watch">;
  readonly #clock: Clock;
  readonly #waiting = new Set<Wake>();
  #stream: AbortController | undefined;
  #cursor: string | undefined;

  constructor(forge: Pick<Forge, "watch">, clock: Clock = systemClock) {
    this.#forge = forge;
    this.#clock = clock;
  }

  subscribe(): Subscription {
    const wake = new Wake();
    this.#waiting.add(wake);
    this.#begin();
    return {
      next: (signal, timeoutMs) => wake.next(signal, timeoutMs),
      close: () => {
        this.#waiting.delete(wake);
        if (this.#waiting.size === 0) this.#end();
      },
    };
  }

  #begin(): void {
    if (this.#stream !== undefined) return;
    const stream = new AbortController();
    this.#stream = stream;
    // Without a cursor the stream begins with `hello`; with one, with what came meanwhile. A new
    // subscriber reads the state itself, so only what comes from now on matters.
    this.#cursor = undefined;
    void this.#follow(stream.signal);
  }

  #end(): void {
    this.#stream?.abort();
    this.#stream = undefined;
  }

  /** Follows the stream until nobody waits. Where it breaks for good, those who wait look themselves. */
  async #follow(signal: AbortSignal): Promise<void> {
    for (let failures = 1; !signal.aborted; failures += 1) {
      try {
        for await (const event of this.#forge.watch(this.#cursor, signal)) {
          failures = 1;
          this.#cursor = event.cursor ?? this.#cursor;
          if (signal.aborted) return;
          this.#wakeAll();
        }
      } catch {
        // The reason shows to each of them when they read the state.
      }
      if (signal.aborted) return;
      this.#wakeAll();
      await this.#clock.pause(backoffMs(failures, 1000, 15_000, this.#clock.random()), signal);
    }
  }

  #wakeAll(): void {
    for (const wake of this.#waiting) wake.now();
  }
}

const hubs = new WeakMap<Forge, EventHub>();

/** The one hub of a forge in this process. */
export function eventHubOf(forge: Forge): EventHub {
  const known = hubs.get(forge);
  if (known !== undefined) return known;
  const hub = new EventHub(forge);
  hubs.set(forge, hub);
  return hub;
}

/** A wake that stays pending until it is taken. */
class Wake {
  #pending = false;
  #taken: (() => void) | undefined;

  now(): void {
    this.#pending = true;
    this.#taken?.();
  }

  next(signal: AbortSignal, timeoutMs: number): Promise<"event" | "timeout"> {
    return new Promise((resolve, reject) => {
      const done = (settle: () => void) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", cancel);
        this.#taken = undefined;
        settle();
      };
      const take = () => {
        this.#pending = false;
        done(() => resolve("event"));
      };
      const cancel = () =>
        done(() => reject(new LandError("cancelled", "The wait was cancelled.")));
      const timer = setTimeout(() => done(() => resolve("timeout")), Math.max(0, timeoutMs));
      if (signal.aborted) return cancel();
      if (this.#pending) return take();
      signal.addEventListener("abort", cancel, { once: true });
      this.#taken = take;
    });
  }
}
