import { paths } from "../contract/paths.ts";
import { isLandError } from "../domain/errors.ts";
import { isActive, type RunStatus } from "../domain/status.ts";
import { backoffMs } from "./clock.ts";
import { isPassingTrouble, messagesOf, openStream, Watchdog } from "./event-messages.ts";
import type { ForgeBranch, ForgeEvent } from "./forge.ts";
import { urlOf } from "./http.ts";
import type { PikaWire } from "./pika-wire.ts";

/** A snapshot of a branch's CI holds its logs too. */
const maxSnapshotCharacters = 64 * 1024 * 1024;
/** A branch that nobody read for so long is followed no more. */
const lapseMs = 60_000;
const mostStreams = 8;
const firstPollMs = 1000;
const slowestPollMs = 10_000;

/** What is known of a branch that somebody reads. */
interface Interest {
  readAt: number;
  /** Whether its CI went on when it was last read or told of. */
  goesOn: boolean;
  /** How often in a row its stream ended without telling more than it began with. */
  failures: number;
  /** The forge will not show its stream. */
  refused: boolean;
}

/**
 * The changes of a reference forge, which has no events: the HTML streams of the branches that are
 * being read tell that something changed, and where none does, it is time to look, ever more
 * rarely. What the streams show is never used as state.
 */
export class ReferenceChanges {
  readonly #wire: PikaWire;
  readonly #interests = new Map<string, Interest>();
  readonly #watches = new Set<Watch>();

  constructor(wire: PikaWire) {
    this.#wire = wire;
  }

  /** Tells that a branch was read, and so may be waited for. */
  noted(branch: ForgeBranch): void {
    const known = this.#interests.get(branch.id) ?? { failures: 0, refused: false };
    const goesOn =
      branch.state === "open" && branch.runs.some((run) => isActive(run.status as RunStatus));
    const readAt = this.#wire.http.clock.now();
    this.#interests.set(branch.id, Object.assign(known, { readAt, goesOn }));
    if (goesOn) for (const watch of this.#watches) watch.tend();
  }

  /** A wake at each sign of a change, beginning with a `hello`, until the signal aborts. */
  async *watch(signal: AbortSignal): AsyncGenerator<ForgeEvent, void, undefined> {
    yield { cursor: undefined, kind: "hello", branchId: undefined };
    if (signal.aborted) return;
    const { clock } = this.#wire.http;
    const watch = new Watch(this.#wire, this.#interests, signal);
    this.#watches.add(watch);
    try {
      for (let pause = firstPollMs; ; ) {
        watch.tend();
        const changed = await watch.change(pause * (0.9 + 0.2 * clock.random()));
        if (signal.aborted) return;
        if (changed === undefined) pause = Math.min(slowestPollMs, pause * 1.5);
        yield {
          cursor: undefined,
          kind: changed === undefined ? "poll" : "ci-update",
          branchId: changed,
        };
      }
    } finally {
      this.#watches.delete(watch);
      watch.end();
    }
  }
}

/** One watch: the streams it follows, and the bell that they ring. */
class Watch {
  readonly #wire: PikaWire;
  readonly #interests: Map<string, Interest>;
  readonly #end = new AbortController();
  readonly #signal: AbortSignal;
  readonly #following = new Set<string>();
  readonly #rung = new Set<string>();
  #pause = new AbortController();

  constructor(wire: PikaWire, interests: Map<string, Interest>, signal: AbortSignal) {
    this.#wire = wire;
    this.#interests = interests;
    this.#signal = AbortSignal.any([signal, this.#end.signal]);
  }

  end(): void {
    this.#end.abort();
  }

  /** The branch that the next sign is about; undefined after `ms` without one. */
  async change(ms: number): Promise<string | undefined> {
    if (this.#rung.size === 0) {
      this.#pause = new AbortController();
      const ends = AbortSignal.any([this.#signal, this.#pause.signal]);
      await this.#wire.http.clock.pause(ms, ends);
    }
    const [branch] = this.#rung;
    if (branch !== undefined) this.#rung.delete(branch);
    return branch;
  }

  /** Begins to follow what is worth it, and forgets what nobody reads any more. */
  tend(): void {
    const now = this.#wire.http.clock.now();
    for (const [id, interest] of this.#interests) {
      if (now - interest.readAt > lapseMs) this.#interests.delete(id);
      else if (this.#isWorthIt(id, interest)) {
        this.#following.add(id);
        void this.#follow(id, interest).finally(() => this.#following.delete(id));
      }
    }
  }

  #isWorthIt(id: string, interest: Interest): boolean {
    const free = !this.#following.has(id) && this.#following.size < mostStreams;
    return interest.goesOn && !interest.refused && free;
  }

  #ring(id: string): void {
    this.#rung.add(id);
    this.#pause.abort();
  }

  /** Follows a branch's stream, again where it breaks, until its CI is over. */
  async #follow(id: string, interest: Interest): Promise<void> {
    const { clock } = this.#wire.http;
    for (;;) {
      if (interest.failures > 0) {
        const pause = backoffMs(interest.failures, 250, 15_000, clock.random());
        await clock.pause(pause, this.#signal);
      }
      if (this.#signal.aborted || !interest.goesOn) return;
      if (clock.now() - interest.readAt > lapseMs) return;
      const told = await this.#followOnce(id, interest);
      if (this.#signal.aborted || interest.refused) return;
      interest.failures = told > 1 ? 1 : interest.failures + 1;
    }
  }

  /** One connection to its end; answers how many snapshots it brought. */
  async #followOnce(id: string, interest: Interest): Promise<number> {
    const watchdog = new Watchdog(this.#signal);
    let told = 0;
    try {
      const response = await openStream(await this.#requestFor(id), watchdog);
      for await (const data of messagesOf(response, watchdog, maxSnapshotCharacters)) {
        told += 1;
        const goesOn = snapshotGoesOn(data);
        if (goesOn === false) interest.goesOn = false;
        this.#ring(id);
        if (goesOn === false) return told;
      }
    } catch (error) {
      // A broken stream is asked for again; one that is refused leaves the polling.
      interest.refused = isLandError(error) && !isPassingTrouble(error);
    } finally {
      watchdog.close();
    }
    return told;
  }

  /** Streams need no login at the reference, so none is sent. */
  async #requestFor(id: string) {
    const { prefix } = await this.#wire.flavour(this.#signal);
    const forge = this.#wire.http.baseUrl;
    const path = prefix + (prefix === "/news" ? paths.ciStream(id) : paths.ciStreamFull(id));
    return { url: urlOf(forge, path), headers: {}, forge, path };
  }
}

/** What the root of a snapshot says of itself; undefined where it says nothing. Pure. */
export function snapshotGoesOn(data: string): boolean | undefined {
  const said = /data-branch-ci-active=\\?"(true|false)\\?"/.exec(data)?.[1];
  return said === undefined ? undefined : said === "true";
}
