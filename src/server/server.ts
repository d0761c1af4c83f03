import { randomUUID } from "node:crypto";
import { statSync } from "node:fs";
import { type Logger, pino } from "pino";
import { Access } from "./access/access.ts";
import { keepActiveKeys } from "./access/active-keys.ts";
import { syncKeys } from "./access/keys.ts";
import type { Ci } from "./ci/ci.ts";
import { createCi } from "./ci/create.ts";
import { NightlySchedule } from "./ci/nightly-schedule.ts";
import type { ServerConfig } from "./config.ts";
import { createApp } from "./http/app.ts";
import { basesOf, hostsOf, loginBasesOf } from "./http/bases.ts";
import { type Listening, listen } from "./http/listen.ts";
import { Live } from "./live/live.ts";
import { Wakes } from "./live/wakes.ts";
import { createMirror, type MirrorDriver } from "./mirror/create-mirror.ts";
import { importerOf } from "./mirror/import-target.ts";
import { createRepository } from "./repository/create-repository.ts";
import { acquireLock, type HeldLock } from "./store/lock.ts";
import { openStore } from "./store/open-store.ts";
import type { Clock, Store } from "./store/store.ts";

/** The forge is served already, by another process or by this one. */
export class AlreadyServedError extends Error {
  readonly lockFile: string;

  constructor(lockFile: string) {
    super(`This forge is served already: ${lockFile} is held.`);
    this.name = "AlreadyServedError";
    this.lockFile = lockFile;
  }
}

export interface ServerOptions {
  readonly clock?: Clock;
  /** Stops the server at once. */
  readonly signal?: AbortSignal;
  readonly log?: Logger;
}

/** Why a server stopped. */
export type StopReason = "stopped" | "drained" | "idle" | "cancelled";

export interface RunningServer {
  /** The port it listens on, which is another than the wanted one where that was taken. */
  readonly port: number;
  /** `http://host:port`. */
  readonly origin: string;
  /** New at each start. */
  readonly instance: string;
  /**
   * Stops: with `drain` when the running lanes have ended, else within five seconds, ending them.
   * May be called again, also to cut a drain short.
   */
  close(how?: { drain: boolean }): Promise<void>;
  readonly closed: Promise<StopReason>;
}

const sweepMs = 60_000;
/** How often it is looked whether the state folder is still the one that is served. */
const placeMs = 3000;
/** How long the first reading of the refs may keep the forge from answering. */
const firstReadMs = 5000;
/** How long reading the refs usually takes at most. */
const readingMs = 100;
/** Shares of the five seconds that a stop may take. */
const finishMs = 1500;
const endLanesMs = 2500;
const endReadingMs = 800;

/**
 * Serves a forge in this process. Throws AlreadyServedError where it is served already, and
 * whatever keeps its repository or store from being opened; then nothing is left running.
 */
export async function startServer(
  config: ServerConfig,
  options: ServerOptions = {},
): Promise<RunningServer> {
  options.signal?.throwIfAborted();
  const lock = acquireLock(config.lockFile);
  if (lock === undefined) throw new AlreadyServedError(config.lockFile);
  const clock = options.clock ?? { now: () => new Date() };
  const log = options.log ?? pino({ level: "silent" });
  let store: Store | undefined;
  let ci: Ci | undefined;
  try {
    store = openStore(config.storeFile, clock);
    syncKeys(store, config);
    keepActiveKeys(config, { read: store.read, log });
    const repository = createRepository({ config, store, ci: lateCi(() => ci), clock, log });
    // CI needs a repository that exists.
    await repository.open();
    ci = createCi({ config, store, clock, log });
    const importTarget = importerOf({ config, store, repository });
    const mirror = createMirror({ config, store, clock, log, importTarget });
    const server = new Server({ config, lock, store, ci, repository, mirror, clock, log });
    await server.start(options.signal);
    return server;
  } catch (error) {
    await ci?.stop({ drain: false }).catch(() => {});
    store?.close();
    lock.release();
    throw error;
  }
}

/** CI for the repository, which is opened before it. */
function lateCi(ci: () => Ci | undefined): Pick<Ci, "plan" | "lanesChangedBy" | "wake"> {
  const ready = () => {
    const found = ci();
    if (found === undefined) throw new Error("CI is not up yet");
    return found;
  };
  return {
    plan: (head, mergeBase) => ready().plan(head, mergeBase),
    lanesChangedBy: (head, target) => ready().lanesChangedBy(head, target),
    // It looks for work by itself as soon as it is up.
    wake: () => ci()?.wake(),
  };
}

interface ServerParts {
  readonly config: ServerConfig;
  readonly lock: HeldLock;
  readonly store: Store;
  readonly ci: Ci;
  readonly repository: ReturnType<typeof createRepository>;
  readonly mirror: MirrorDriver;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The running whole: it knows when to stop and in which order. */
class Server implements RunningServer {
  readonly instance = randomUUID();
  readonly closed: Promise<StopReason>;
  readonly #parts: ServerParts;
  readonly #live = new Live();
  readonly #nightlies: NightlySchedule;
  readonly #timers = new Set<NodeJS.Timeout>();
  #resolveClosed: (reason: StopReason) => void = () => {};
  #listening: Listening | undefined;
  /** Where it is reached; known once it listens. */
  #bases: readonly string[] = [];
  #hosts: ReadonlySet<string> | undefined = new Set();
  #wakes: Wakes | undefined;
  #draining = false;
  #drained: Promise<void> | undefined;
  #ended: Promise<void> | undefined;
  #forgetSignal: () => void = () => {};

  constructor(parts: ServerParts) {
    this.#parts = parts;
    this.#nightlies = new NightlySchedule(parts);
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  get port(): number {
    return this.#listening?.port ?? 0;
  }

  get origin(): string {
    const { host } = this.#parts.config;
    return `http://${host.includes(":") ? `[${host.replace(/[[\]]/g, "")}]` : host}:${this.port}`;
  }

  async start(signal: AbortSignal | undefined): Promise<void> {
    const { config, store, ci, repository, log } = this.#parts;
    const wakes = new Wakes({
      wakeFile: config.wakeFile,
      ingest: () => repository.ingest(),
      log,
      now: () => this.#parts.clock.now(),
    });
    this.#wakes = wakes;
    try {
      // Whoever finds the forge answering finds it knowing the refs.
      await within(firstReadMs, wakes.read());
      this.#listening = await listen(this.#app(), {
        ...{ host: config.host, port: config.port },
        fixed: config.canonicalUrl !== null && config.port !== 0,
      });
      this.#bases = basesOf(config, this.port);
      this.#hosts = hostsOf(config, this.port);
    } catch (error) {
      await wakes.stop();
      throw error;
    }
    const sweep = () => store.write((tx) => tx.sweep(this.#parts.clock.now().toISOString()));
    this.#every(sweepMs, sweep);
    this.#every(sweepMs, () => keepActiveKeys(config, { read: store.read, log }));
    this.#watchPlace();
    if (config.idleSeconds !== null) this.#watchIdle(config.idleSeconds * 1000);
    this.#obey(signal);
    ci.wake();
    this.#parts.mirror.start();
    this.#nightlies.start();
    log.info({ origin: this.origin, instance: this.instance, repo: config.repo }, "forge serves");
  }

  async close(how: { drain: boolean } = { drain: false }): Promise<void> {
    if (!how.drain) return this.#end("stopped");
    this.#drain();
    await this.closed;
  }

  #app() {
    const { config, store, repository, ci, mirror, clock, log } = this.#parts;
    const bases = (host: string) => loginBasesOf(config, { bases: this.#bases, host });
    const access = new Access({ store, clock, bases });
    return createApp({
      config,
      store,
      repository,
      ci,
      clock,
      log,
      access,
      live: this.#live,
      // Settings may name one, or none any more, at any time.
      get mirror() {
        return mirror.configured() ? mirror : undefined;
      },
      ingestion: () =>
        this.#wakes?.health ?? { checkedAt: undefined, error: undefined, lastErrorAt: undefined },
      nightlies: this.#nightlies,
      instance: this.instance,
      hosts: () => this.#hosts,
      draining: () => this.#draining,
      drain: (by) => {
        log.info({ by }, "asked to drain");
        this.#drain();
      },
    });
  }

  /** Takes no more merges and lanes, and ends when the running lanes have. */
  #drain(): void {
    if (this.#drained !== undefined || this.#ended !== undefined) return;
    this.#draining = true;
    this.#drained = this.#parts.ci
      .stop({ drain: true })
      .catch((error: unknown) => this.#parts.log.error({ err: error }, "draining CI failed"))
      .then(() => this.#end("drained"));
  }

  #end(reason: StopReason): Promise<void> {
    this.#ended ??= this.#endOnce(reason);
    return this.#ended;
  }

  async #endOnce(reason: StopReason): Promise<void> {
    const { ci, mirror, store, lock, log } = this.#parts;
    this.#draining = true;
    this.#forgetSignal();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#live.close();
    const reading = Promise.all([this.#wakes?.stop(), this.#nightlies.stop()]);
    // A sync that somebody waits for is answered before its connection ends.
    const pushing = mirror.stop();
    await this.#step(finishMs, this.#listening?.finish());
    await this.#step(endLanesMs, Promise.all([ci.stop({ drain: false }), pushing]));
    await this.#step(endReadingMs, reading);
    this.#listening?.cut();
    try {
      store.close();
    } catch (error) {
      log.error({ err: error }, "the store could not be closed");
    }
    lock.release();
    log.info({ reason }, "forge stopped");
    this.#resolveClosed(reason);
  }

  /** One step of stopping: neither its failure nor its slowness keeps the next from happening. */
  async #step(ms: number, something: Promise<unknown> | undefined): Promise<void> {
    const ended = something?.catch((error: unknown) =>
      this.#parts.log.error({ err: error }, "a step of stopping failed"),
    );
    await within(ms, ended ?? Promise.resolve());
  }

  #obey(signal: AbortSignal | undefined): void {
    if (signal === undefined) return;
    const stop = () => void this.#end("cancelled");
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    this.#forgetSignal = () => signal.removeEventListener("abort", stop);
  }

  /** A forge whose folder was removed or replaced serves nobody any more, and must not go on. */
  #watchPlace(): void {
    const { lockFile } = this.#parts.config;
    const place = () => statSync(lockFile, { throwIfNoEntry: false })?.ino;
    const ours = place();
    this.#every(placeMs, () => {
      if (this.#ended !== undefined || place() === ours) return;
      this.#parts.log.error({ lockFile }, "the state folder was removed or replaced; stopping");
      void this.#end("stopped");
    });
  }

  /** Ends when for `idleMs` nobody asked for or pushed anything and CI had nothing to do. */
  #watchIdle(idleMs: number): void {
    let quietSince = performance.now();
    const check = () => {
      const { ci, mirror } = this.#parts;
      const busy = (this.#listening?.active() ?? 0) > 0 || !isIdle(ci) || mirror.busy();
      quietSince = busy ? performance.now() : Math.max(quietSince, this.#lastActive());
      const left = quietSince + idleMs - performance.now();
      if (left > 0) this.#after(left, check);
      // What is being read right now may be work.
      else if (this.#wakes?.busy === true || this.#nightlies.busy) this.#after(readingMs, check);
      else void this.#end("idle");
    };
    this.#after(idleMs, check);
  }

  #lastActive(): number {
    return Math.max(this.#listening?.lastActive() ?? 0, this.#wakes?.lastTouched ?? 0);
  }

  /** What fails is told and not the end of the process; it must see to it that it is done again. */
  #after(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      try {
        act();
      } catch (error) {
        this.#parts.log.error({ err: error }, "housekeeping failed");
      }
    }, ms);
    timer.unref();
    this.#timers.add(timer);
  }

  #every(ms: number, act: () => void): void {
    this.#after(ms, () => {
      this.#every(ms, act);
      act();
    });
  }
}

/** A store that cannot be read says nothing of work that is there; a forge with work stays. */
function isIdle(ci: Ci): boolean {
  try {
    return ci.idle();
  } catch {
    return false;
  }
}

/** Waits for something, but not longer than `ms`. */
async function within(ms: number, something: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([something, patience]);
  clearTimeout(timer);
}
