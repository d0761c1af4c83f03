import { createParser } from "eventsource-parser";
import { eventShape, type WireEvent } from "../contract/forge.ts";
import { paths } from "../contract/paths.ts";
import { isLandError } from "../domain/errors.ts";
import { backoffMs, type Clock } from "./clock.ts";
import { NoAnswer, noAnswerFor, readCapped } from "./exchange.ts";
import type { ForgeEvent } from "./forge.ts";
import { headersOf, type Token, urlOf } from "./http.ts";
import type { PikaWire } from "./pika-wire.ts";
import { plainWords } from "./plain-words.ts";
import { errorOfAnswer, isPassing } from "./wire-errors.ts";

/** A stream without a byte for so long is taken for dead; a forge sends a comment more often. */
const silenceMs = 60_000;
const connectDeadlineMs = 15_000;
/** A stream that held for so long was a good one. */
const steadyMs = 5_000;
const maxEventCharacters = 256 * 1024;

/**
 * Follows a forge's events after `cursor`; reconnects from the last one seen, with growing
 * pauses, until the signal aborts. Throws where the forge refuses us for good.
 */
export async function* watchEvents(
  wire: PikaWire,
  cursor: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<ForgeEvent, void, undefined> {
  let after = cursor;
  let failures = 0;
  const { clock } = wire.http;
  while (!signal.aborted) {
    const since = clock.now();
    let progress = false;
    try {
      for await (const event of oneStream(wire, after, signal)) {
        progress ||= !isGreeting(event);
        after = String(event.seq);
        yield domainEvent(event);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!isPassingTrouble(error)) throw error;
    }
    if (signal.aborted) return;
    // A stream that only greets and breaks again is a failure too.
    failures = progress || clock.now() - since >= steadyMs ? 1 : failures + 1;
    await clock.pause(backoffMs(failures, 50, 5000, clock.random()), signal);
    // Whether that helps shows at the next try; its errors are no reason to stop watching.
    if (!signal.aborted && failures > 1) await wire.http.revive(signal).catch(() => false);
  }
}

/** For a forge without events: a wake now and then, ever more rarely. */
export async function* pollChanges(
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<ForgeEvent, void, undefined> {
  yield { cursor: undefined, kind: "hello", branchId: undefined };
  for (let pause = 1000; ; pause = Math.min(10_000, pause * 1.5)) {
    await clock.pause(pause * (0.9 + 0.2 * clock.random()), signal);
    if (signal.aborted) return;
    yield { cursor: undefined, kind: "poll", branchId: undefined };
  }
}

/** One connection to its end, which may come at any time. */
async function* oneStream(
  wire: PikaWire,
  after: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<WireEvent, void, undefined> {
  const watchdog = new Watchdog(signal);
  try {
    const response = await wire.session.withToken(
      (token) => openStream(wire, after, token, watchdog),
      signal,
    );
    yield* eventsOf(response, watchdog);
  } catch (error) {
    throw isLandError(error) ? error : noAnswerFor(error, signal, watchdog.expired);
  } finally {
    watchdog.close();
  }
}

async function openStream(
  wire: PikaWire,
  after: string | undefined,
  token: Token,
  watchdog: Watchdog,
): Promise<Response> {
  const { prefix } = await wire.flavour();
  const base = wire.http.baseUrl;
  const path = `${prefix}${paths.events()}`;
  watchdog.expectWithin(connectDeadlineMs);
  const response = await fetch(urlOf(base, path, { after }), {
    headers: { ...headersOf(base, token, false), accept: "text/event-stream" },
    redirect: "manual",
    signal: watchdog.signal,
  });
  if (response.status === 200) return response;
  const answer = {
    status: response.status,
    text: await readCapped(response, 64 * 1024),
    location: response.headers.get("location") ?? undefined,
  };
  throw errorOfAnswer({ forge: base, method: "GET", path }, answer);
}

async function* eventsOf(
  response: Response,
  watchdog: Watchdog,
): AsyncGenerator<WireEvent, void, undefined> {
  if (response.body === null) return;
  const ready: WireEvent[] = [];
  const parser = createParser({
    maxBufferSize: maxEventCharacters,
    onEvent: (message) => {
      const event = readEvent(message.data);
      if (event !== undefined) ready.push(event);
    },
  });
  const decoder = new TextDecoder();
  watchdog.expectWithin(silenceMs);
  for await (const chunk of response.body) {
    watchdog.expectWithin(silenceMs);
    parser.feed(decoder.decode(chunk, { stream: true }));
    yield* ready.splice(0);
  }
}

/** Unknown kinds are events like any other; what is no event is left out. */
function readEvent(data: string): WireEvent | undefined {
  try {
    return eventShape.safeParse(JSON.parse(data)).data;
  } catch {
    return undefined;
  }
}

function isGreeting(event: WireEvent): boolean {
  return event.kind === "hello" || event.kind === "gap";
}

function domainEvent(event: WireEvent): ForgeEvent {
  return {
    cursor: String(event.seq),
    kind: plainWords(event.kind, 60),
    branchId: event.branch_id === null ? undefined : String(event.branch_id),
  };
}

function isPassingTrouble(error: unknown): boolean {
  if (error instanceof NoAnswer) return true;
  if (!isLandError(error)) return false;
  const { status } = error.facts;
  return (
    error.code === "forge_unreachable" ||
    error.code === "timed_out" ||
    (typeof status === "number" && (isPassing(status) || status === 429 || status === 500))
  );
}

/** Aborts with the given signal, or when what is expected does not come in time. */
class Watchdog {
  readonly #expiry = new AbortController();
  readonly signal: AbortSignal;
  #timer: NodeJS.Timeout | undefined;

  constructor(outer: AbortSignal) {
    this.signal = AbortSignal.any([outer, this.#expiry.signal]);
  }

  get expired(): AbortSignal {
    return this.#expiry.signal;
  }

  expectWithin(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#expiry.abort(), ms);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#expiry.abort();
  }
}
