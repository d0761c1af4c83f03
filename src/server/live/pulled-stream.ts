import type { Store } from "../store/store.ts";

const usualHeartbeatMs = 15_000;

export interface PulledStreamOptions {
  readonly store: Store;
  /** How long a quiet stream says nothing, in milliseconds. */
  readonly heartbeatMs?: number;
}

/**
 * Server-sent events, written only as fast as the client reads: what waits is in the store, not in
 * memory. Ends by `end`, or when the client cancels the body.
 */
export abstract class PulledStream {
  readonly body: ReadableStream<Uint8Array>;
  readonly #heartbeatMs: number;
  readonly #unsubscribe: () => void;
  readonly #onEnd: () => void;
  #dirty = false;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(options: PulledStreamOptions, onEnd: () => void) {
    this.#heartbeatMs = options.heartbeatMs ?? usualHeartbeatMs;
    this.#onEnd = onEnd;
    // Subscribed before the first read, so that nothing falls between the two.
    this.#unsubscribe = options.store.onEvents(() => this.check());
    const encoder = new TextEncoder();
    this.body = new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const text = await this.#next();
          if (text === undefined) controller.close();
          else controller.enqueue(encoder.encode(text));
        },
        cancel: () => this.end(),
      },
      { highWaterMark: 0 },
    );
  }

  /** What the client is to be sent next; undefined: nothing yet. May call `end`. */
  protected abstract read(): string | undefined;

  /** Reads again although nothing happened, since who may read has changed. */
  check(): void {
    this.#dirty = true;
    this.#wake?.();
  }

  /** Ends the stream; the client sees its end and may come back. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#unsubscribe();
    this.#wake?.();
    this.#onEnd();
  }

  async #next(): Promise<string | undefined> {
    for (;;) {
      this.#dirty = false;
      const text = this.#ended ? undefined : this.read();
      if (this.#ended) return undefined;
      if (text !== undefined) return text;
      if (!(await this.#changed())) return ": keep-alive\n\n";
    }
  }

  /** Waits for new events or the end (true), or for the time of a heartbeat (false). */
  #changed(): Promise<boolean> {
    if (this.#dirty || this.#ended) return Promise.resolve(true);
    return new Promise((resolve) => {
      const done = (changed: boolean) => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve(changed);
      };
      const timer = setTimeout(() => done(false), this.#heartbeatMs);
      timer.unref();
      this.#wake = () => done(true);
    });
  }
}
