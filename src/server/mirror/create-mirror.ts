import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import type { MirrorSyncAnswer } from "../../contract/admin.ts";
import { problemOfAddress } from "../../domain/mirror-address.ts";
import { Git } from "../../git/git.ts";
import { endTagged } from "../../process/ending.ts";
import type { MirrorSettings, ServerConfig } from "../config.ts";
import { RefusedError } from "../refused.ts";
import type { MirrorLockRecord, MirrorRunRecord } from "../store/records.ts";
import type { Clock, Store, Writes } from "../store/store.ts";
import { leadsTo, loginOf, type MirrorLogin, quietEnvironment, tokenOf } from "./address.ts";
import { type AttemptEnd, attemptPush, type TargetLook } from "./attempt.ts";
import { nextDue } from "./due.ts";
import { MirrorFailure, type MirrorFailureKind } from "./failure.ts";
import type { Mirror } from "./mirror.ts";
import { type Sighting, sightingsOf } from "./seen.ts";
import { failuresInARow, healthOnWire, runOnWire, runtimeOnWire, statusOnWire } from "./view.ts";

export interface MirrorParts {
  readonly config: ServerConfig;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** Takes over what people merged at the mirror; used where the settings say that they do. */
  readonly importTarget?:
    | ((look: TargetLook, settings: MirrorSettings) => Promise<void>)
    | undefined;
}

/** The mirror as its owner, the server, holds it. */
export interface MirrorDriver extends Mirror {
  configured(): boolean;
  /** Begins to push by itself. To be called once this process alone has the store. */
  start(): void;
  /** Whether a push runs or is about to. */
  busy(): boolean;
  /** Ends a push under way and begins no other. */
  stop(): Promise<void>;
}

type Trigger = MirrorRunRecord["triggerSource"];

/** In the environment of every git that pushes, to find those that a killed forge left behind. */
export const mirrorTag = "FORGE_MIRROR_RUN";
const instanceSetting = "mirror_instance";
/** The address of the attempt that the lock is about. */
const attemptSetting = "mirror_attempt";
const countedRuns = 64;
const afterFaultMs = 10_000;
const shownLagging = 50;
/** Settings may change at any time, and a wait this short survives a clock that jumps. */
const longestWaitMs = 30_000;
/** How soon a push ends whose address was changed or taken away. */
const watchMs = 1000;
/** How much longer than an attempt its lock may last. */
const lockGraceMs = 30_000;

export function createMirror(parts: MirrorParts): MirrorDriver {
  return new Driver(parts);
}

class Driver implements MirrorDriver {
  readonly #parts: MirrorParts;
  readonly #stopping = new AbortController();
  readonly #git: Git;
  readonly #sightings: ReturnType<typeof sightingsOf>;
  #running: Promise<MirrorRunRecord> | undefined;
  /** The address of what runs, and how to end it. */
  #current: { readonly url: string; readonly ending: AbortController } | undefined;
  /** What a killed forge left behind is gone once this resolves. */
  #ready: Promise<unknown> = Promise.resolve();
  #requested = false;
  /** A lock that could not be freed. */
  #stuck: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** After a fault of our own, such as a full disk, in milliseconds since 1970. */
  #holdUntil = 0;

  constructor(parts: MirrorParts) {
    this.#parts = parts;
    const { repositoryDir, env } = parts.config;
    this.#git = new Git({ dir: repositoryDir, bare: true, env: quietEnvironment(env) });
    this.#sightings = sightingsOf(this.#git);
  }

  configured(): boolean {
    return this.#settings() !== undefined;
  }

  start(): void {
    const { store } = this.#parts;
    // This process alone has the forge, so whoever holds the lock is dead; its git may not be.
    const lost = store.read.mirrorLock();
    if (lost !== undefined) {
      this.#ready = endTagged({ name: mirrorTag, value: `${this.#instance()}-`, match: "prefix" });
      this.#noteLost(lost);
    }
    // What landed just before the last forge ended may have been told to nobody.
    this.#requested = this.#requested || lost !== undefined || this.#targetMoved();
    this.#arm();
  }

  request(): void {
    this.#requested = true;
    if (this.#running === undefined) this.#arm();
  }

  busy(): boolean {
    const due = this.#requested ? this.#due() : null;
    return this.#running !== undefined || (due !== null && due <= this.#now());
  }

  async sync(_by: string): Promise<MirrorSyncAnswer> {
    if (this.#endOutdated()) await this.#running?.catch(() => {});
    const { status, lagging } = await this.#begin("manual");
    return { attempted: true, status, lagging_ref_count: lagging };
  }

  runtime() {
    const { store, clock } = this.#parts;
    return runtimeOnWire(this.#required(), store.read.mirrorLock(), clock.now());
  }

  health() {
    return healthOnWire(this.#required(), this.#runs(), this.#running !== undefined);
  }

  status() {
    return statusOnWire(this.#required(), this.#runs());
  }

  history(limit: number) {
    return this.#runs().slice(0, limit).map(runOnWire);
  }

  sighting(commit: string): Promise<Sighting> {
    return this.#sightings(commit, this.#runs());
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#stopping.abort();
    await this.#running?.catch(() => {});
  }

  /** One at a time: in this process by the promise, beyond it by the store's row. */
  #begin(trigger: Trigger): Promise<MirrorRunRecord> {
    if (this.#stopping.signal.aborted) throw new RefusedError(409, "the forge is stopping");
    if (this.#running !== undefined) throw new RefusedError(409, "mirror sync already running");
    const holdBack = () => {
      this.#holdUntil = this.#now() + afterFaultMs;
    };
    const attempt = this.#attempt(trigger);
    attempt.catch(holdBack);
    this.#running = attempt.finally(() => {
      this.#running = undefined;
      this.#arm();
    });
    return this.#running;
  }

  /** Ends a push to an address that the owner has taken away meanwhile; whether there is one. */
  #endOutdated(): boolean {
    const current = this.#current;
    if (current === undefined || this.#settings()?.url === current.url) return false;
    current.ending.abort();
    return true;
  }

  async #attempt(triggerSource: Trigger): Promise<MirrorRunRecord> {
    const { store, clock, log } = this.#parts;
    const settings = this.#required();
    const ending = new AbortController();
    const token = `${this.#instance()}-${randomUUID()}`;
    const started = clock.now();
    const timeoutMs = settings.timeoutSeconds * 1000;
    const expiresAt = new Date(started.getTime() + timeoutMs + lockGraceMs).toISOString();
    const lock = { token, pid: process.pid, triggerSource, expiresAt };
    const take = (tx: Writes) => {
      // What could not be freed, as on a full disk, is this process's own: nothing runs.
      if (this.#stuck !== undefined) tx.freeMirrorLock(this.#stuck);
      const taken = tx.takeMirrorLock(lock);
      if (taken) tx.setSetting(attemptSetting, settings.url);
      return taken;
    };
    if (!store.write(take)) {
      throw new RefusedError(409, "mirror sync already running");
    }
    this.#stuck = undefined;
    // Before the push, so that what lands during it asks anew.
    const asked = this.#requested;
    this.#requested = false;
    this.#current = { url: settings.url, ending };
    const watch = setInterval(() => this.#endOutdated(), watchMs);
    try {
      await this.#ready;
      const end = await this.#push(settings, token, timeoutMs, ending.signal);
      const run = store.write((tx) => {
        tx.setMirrorRefs(settings.url, end.agreement);
        tx.freeMirrorLock(token);
        return tx.addMirrorRun({
          ...recordOf(end, settings.url),
          triggerSource,
          startedAt: started.toISOString(),
        });
      });
      if (run.status === "failed" && asked) this.#requested = true;
      log.info(
        { trigger: triggerSource, status: run.status, kind: run.failureKind },
        "mirror pushed",
      );
      return run;
    } catch (error) {
      if (!free(store, token)) this.#stuck = token;
      if (asked) this.#requested = true;
      throw error;
    } finally {
      clearInterval(watch);
      this.#current = undefined;
    }
  }

  async #push(
    settings: MirrorSettings,
    token: string,
    timeoutMs: number,
    outdated: AbortSignal,
  ): Promise<AttemptEnd> {
    const { config, store, importTarget } = this.#parts;
    const problem = problemOfAddress(settings.url);
    if (problem !== null) {
      return failed("config", `The mirror's address cannot be used: ${problem}.`);
    }
    if (await leadsTo(config.repositoryDir, settings.url)) {
      return failed("config", "The mirror's address is the forge's own repository.");
    }
    let login: MirrorLogin;
    try {
      login = loginOf(settings, await tokenOf(settings, config.env));
    } catch (error) {
      if (error instanceof MirrorFailure) return failed(error.kind, error.message);
      throw error;
    }
    const end = await attemptPush({
      git: this.#git,
      url: settings.url,
      target: `refs/heads/${config.target}`,
      login: { ...login, env: { ...login.env, [mirrorTag]: token } },
      timeoutMs,
      signal: AbortSignal.any([this.#stopping.signal, outdated]),
      agreed: store.read.mirrorRefs(settings.url),
      tried: store.read.mirrorTried(settings.url),
      noteTried: (pushed) => store.write((tx) => tx.addMirrorTried(settings.url, pushed)),
      importTarget:
        settings.import && importTarget !== undefined
          ? (look) => importTarget(look, settings)
          : undefined,
    });
    // What git started beside itself, such as ssh or a helper, has to be gone as well.
    if (end.failure !== null) await endTagged({ name: mirrorTag, value: token, match: "exact" });
    return end;
  }

  #noteLost({ triggerSource, startedAt }: MirrorLockRecord): void {
    const { store, log } = this.#parts;
    const remote = store.read.setting(attemptSetting) ?? this.#settings()?.url;
    store.write((tx) => {
      tx.freeMirrorLock(null);
      if (remote === undefined) return;
      tx.addMirrorRun({
        ...recordOf(failed("lost", "The forge was killed during this push."), remote),
        ...{ triggerSource, startedAt },
      });
    });
    log.warn({ trigger: triggerSource, startedAt }, "a push to the mirror was lost");
  }

  /** Whether the target moved since the mirror was last looked at. */
  #targetMoved(): boolean {
    const { store } = this.#parts;
    const url = this.#settings()?.url;
    const [last] = url === undefined ? [] : store.read.mirrorRuns(url, 1);
    return last !== undefined && store.read.lastTargetMove()?.targetAfter !== last.localTarget;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#stopping.signal.aborted) return;
    const due = this.#due();
    const wait = due === null ? longestWaitMs : Math.max(0, due - this.#now());
    this.#timer = setTimeout(() => this.#look(), Math.min(wait, longestWaitMs));
    this.#timer.unref();
  }

  #look(): void {
    const due = this.#due();
    if (this.#running !== undefined) return;
    if (due === null || due > this.#now()) {
      this.#arm();
      return;
    }
    this.#begin(this.#requested ? "post-mutation" : "background").catch((error: unknown) => {
      this.#parts.log.warn({ err: error }, "the mirror could not be pushed to");
    });
  }

  /** When to push next, or null where nothing makes it push by itself. */
  #due(): number | null {
    try {
      const settings = this.#settings();
      if (settings === undefined) return null;
      const runs = this.#runs();
      const last = runs[0] === undefined ? null : Date.parse(runs[0].finishedAt);
      const { intervalSeconds } = settings;
      const failures = failuresInARow(runs);
      const facts = { intervalSeconds, lastFinishedAt: last, failures, requested: this.#requested };
      const due = nextDue(facts, this.#now());
      const hold = Math.min(this.#holdUntil, this.#now() + afterFaultMs);
      return due === null ? null : Math.max(due, hold);
    } catch (error) {
      this.#parts.log.warn({ err: error }, "the mirror's history could not be read");
      return null;
    }
  }

  #runs(): readonly MirrorRunRecord[] {
    return this.#parts.store.read.mirrorRuns(this.#required().url, countedRuns);
  }

  #settings(): MirrorSettings | undefined {
    return this.#parts.config.settings().mirror ?? undefined;
  }

  #required(): MirrorSettings {
    const settings = this.#settings();
    if (settings !== undefined) return settings;
    throw new RefusedError(
      409,
      "mirror sync is unavailable; no mirror is configured for this forge",
    );
  }

  #instance(): string {
    const { store } = this.#parts;
    const known = store.read.setting(instanceSetting);
    if (known !== undefined) return known;
    const fresh = randomUUID().slice(0, 13);
    store.write((tx) => tx.setSetting(instanceSetting, fresh));
    return fresh;
  }

  #now(): number {
    return this.#parts.clock.now().getTime();
  }
}

function recordOf(end: AttemptEnd, remote: string) {
  const { failure, view, lagging, synced } = end;
  return {
    remote,
    status: failure === null ? "success" : "failed",
    failureKind: failure?.kind ?? null,
    localTarget: view?.local.get(view.target) ?? null,
    remoteTarget: view?.remote.get(view.target) ?? null,
    lagging: lagging?.length ?? null,
    synced,
    laggingRefs: (lagging ?? []).slice(0, shownLagging),
    error: failure?.words ?? null,
  } as const;
}

function failed(kind: MirrorFailureKind, words: string): AttemptEnd {
  const failure = { kind, words };
  return { failure, view: null, lagging: null, synced: null, agreement: new Map() };
}

/** False where the store cannot be written. */
function free(store: Store, token: string): boolean {
  try {
    store.write((tx) => tx.freeMirrorLock(token));
    return true;
  } catch {
    return false;
  }
}
