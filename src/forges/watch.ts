import { eventShape, type WireEvent } from "../contract/forge.ts";
import { paths } from "../contract/paths.ts";
import { isLandError } from "../domain/errors.ts";
import { backoffMs } from "./clock.ts";
import { isPassingTrouble, messagesOf, openStream, Watchdog } from "./event-messages.ts";
import { noAnswerFor } from "./exchange.ts";
import type { ForgeEvent } from "./forge.ts";
import { headersOf, type Token, urlOf } from "./http.ts";
import type { PikaWire } from "./pika-wire.ts";
import { plainWords } from "./plain-words.ts";

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

/** One connection to its end, which may come at any time. */
async function* oneStream(
  wire: PikaWire,
  after: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<WireEvent, void, undefined> {
  const watchdog = new Watchdog(signal);
  try {
    const response = await wire.session.withToken(
      (token) => openEvents(wire, after, token, watchdog),
      signal,
    );
    for await (const data of messagesOf(response, watchdog, maxEventCharacters)) {
      const event = readEvent(data);
      if (event !== undefined) yield event;
    }
  } catch (error) {
    throw isLandError(error) ? error : noAnswerFor(error, signal, watchdog.expired);
  } finally {
    watchdog.close();
  }
}

async function openEvents(
  wire: PikaWire,
  after: string | undefined,
  token: Token,
  watchdog: Watchdog,
): Promise<Response> {
  const { prefix } = await wire.flavour();
  const forge = wire.http.baseUrl;
  const path = `${prefix}${paths.events()}`;
  const url = urlOf(forge, path, { after });
  const headers = headersOf(forge, token, false);
  return openStream({ url, headers, forge, path, token: token.value }, watchdog);
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
