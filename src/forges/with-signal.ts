import { LandError } from "../domain/errors.ts";

/** Waits for work that several share: a caller that gives up leaves without ending the work. */
export function withSignal<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const cancelled = () => new LandError("cancelled", "The request was cancelled.");
  if (signal.aborted) {
    work.catch(() => {});
    return Promise.reject(cancelled());
  }
  return new Promise((resolve, reject) => {
    const leave = () => reject(cancelled());
    signal.addEventListener("abort", leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}

/** Work that is done once for all who ask meanwhile, and again after a failure. */
export class Shared<T> {
  readonly #work: () => Promise<T>;
  #running: Promise<T> | undefined;
  #latest: T | undefined;

  constructor(work: () => Promise<T>) {
    this.#work = work;
  }

  /** The result, kept until it is forgotten. */
  get(signal?: AbortSignal): Promise<T> {
    if (this.#running === undefined) {
      const running = this.#work();
      this.#running = running;
      running.then(
        (result) => {
          this.#latest = result;
        },
        () => {
          if (this.#running === running) this.#running = undefined;
        },
      );
    }
    return withSignal(this.#running, signal);
  }

  /** The newest result there was, for who cannot wait. */
  get latest(): T | undefined {
    return this.#latest;
  }

  forget(): void {
    this.#running = undefined;
  }
}
