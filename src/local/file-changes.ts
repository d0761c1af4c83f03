import { type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";

/** Wakes whoever waits for a file to come, change or go; also after a while: a wake can be lost. */
export class FileChanges {
  #watcher: FSWatcher | undefined;
  #changed = false;
  #wake: (() => void) | undefined;

  constructor(file: string) {
    try {
      this.#watcher = watch(dirname(file), { persistent: false }, (_kind, name) => {
        if (name !== null && name !== basename(file)) return;
        this.#changed = true;
        this.#wake?.();
      });
      this.#watcher.on("error", () => this.close());
    } catch {
      // Where folders cannot be watched, looking again and again has to do.
    }
  }

  /** Waits for a change since the last call, for `mostMs`, or for the signal. Never fails. */
  async next(mostMs: number, signal?: AbortSignal): Promise<void> {
    if (!this.#changed && signal?.aborted !== true) {
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", done);
          this.#wake = undefined;
          resolve();
        };
        const timer = setTimeout(done, mostMs);
        signal?.addEventListener("abort", done, { once: true });
        this.#wake = done;
      });
    }
    this.#changed = false;
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}
