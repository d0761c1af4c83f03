import { type FSWatcher, mkdirSync, watch } from "node:fs";
import { basename, dirname } from "node:path";
import type { Logger } from "pino";
import { HealthNotes } from "../health.ts";

/** A lost wake must not stall anything, so the refs are also read this often. */
const scanMs = 3000;

/** Reads the refs at every touch of the wake file and every few seconds. */
export class Wakes {
  /** How reading the refs goes. */
  readonly health: HealthNotes;
  readonly #file: string;
  readonly #ingest: () => Promise<void>;
  readonly #log: Logger;
  readonly #running = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  #watcher: FSWatcher | undefined;
  #lastTouched = performance.now();
  #toldBlind = false;

  constructor(options: {
    wakeFile: string;
    ingest: () => Promise<void>;
    log: Logger;
    now: () => Date;
  }) {
    this.health = new HealthNotes(options.now);
    this.#file = options.wakeFile;
    this.#ingest = options.ingest;
    this.#log = options.log;
    this.#watch();
    this.#timer = setInterval(() => this.#scan(), scanMs);
    this.#timer.unref();
  }

  /** Whether the refs are being read. */
  get busy(): boolean {
    return this.#running.size > 0;
  }

  /** Milliseconds, on `performance.now()`'s scale, when somebody last pushed. */
  get lastTouched(): number {
    return this.#lastTouched;
  }

  /** Reads the refs now; never fails. */
  read(): Promise<void> {
    const pass = this.#ingest()
      .then(() => this.health.passed())
      .catch((error: unknown) => {
        this.health.failed(error);
        this.#log.error({ err: error }, "the refs could not be read");
      })
      .finally(() => this.#running.delete(pass));
    this.#running.add(pass);
    return pass;
  }

  /** Watches no more; resolves when what was begun has ended. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#unwatch();
    await Promise.all(this.#running);
  }

  #scan(): void {
    if (this.#watcher === undefined) this.#watch();
    if (!this.busy) void this.read();
  }

  /** Without a watcher the scan still finds everything; it also tries to watch again. */
  #watch(): void {
    const folder = dirname(this.#file);
    try {
      mkdirSync(folder, { recursive: true });
      const watcher = watch(folder, { persistent: false }, (_kind, name) => {
        if (name !== null && name !== basename(this.#file)) return;
        this.#lastTouched = performance.now();
        void this.read();
      });
      watcher.on("error", () => this.#unwatch());
      this.#watcher = watcher;
    } catch (error) {
      if (this.#toldBlind) return;
      this.#toldBlind = true;
      this.#log.warn({ err: error, folder }, "the folder of the wake file cannot be watched");
    }
  }

  #unwatch(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}
