import { createParser } from "eventsource-parser";
import { isLandError } from "../domain/errors.ts";
import { NoAnswer, readCapped } from "./exchange.ts";
import { errorOfAnswer, isPassing } from "./wire-errors.ts";

/** A stream without a byte for so long is taken for dead; a forge sends a comment more often. */
const silenceMs = 60_000;
const connectDeadlineMs = 15_000;

/**
 * A stream of server-sent events as it is asked for. `forge`, `path` and `token` are for an error's
 * words, which say the first two and never the last.
 */
export interface StreamRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly forge: string;
  readonly path: string;
  readonly token?: string | undefined;
}

/** Opens a stream; never redirected. Throws a LandError for any answer but 200. */
export async function openStream(request: StreamRequest, watchdog: Watchdog): Promise<Response> {
  watchdog.expectWithin(connectDeadlineMs);
  const response = await fetch(request.url, {
    headers: { ...request.headers, accept: "text/event-stream" },
    redirect: "manual",
    signal: watchdog.signal,
  });
  if (response.status === 200) return response;
  const answer = {
    status: response.status,
    text: await readCapped(response, 64 * 1024),
    location: response.headers.get("location") ?? undefined,
  };
  const { forge, path, token } = request;
  throw errorOfAnswer({ forge, method: "GET", path, token }, answer);
}

/** The data of each event of a stream, to its end, which may come at any time. */
export async function* messagesOf(
  response: Response,
  watchdog: Watchdog,
  maxCharacters: number,
): AsyncGenerator<string, void, undefined> {
  if (response.body === null) return;
  const ready: string[] = [];
  const parser = createParser({
    maxBufferSize: maxCharacters,
    onEvent: (message) => void ready.push(message.data),
  });
  const decoder = new TextDecoder();
  watchdog.expectWithin(silenceMs);
  for await (const chunk of response.body) {
    watchdog.expectWithin(silenceMs);
    parser.feed(decoder.decode(chunk, { stream: true }));
    yield* ready.splice(0);
  }
}

/** Whether a stream that broke, or a read that failed, may well go on at the next try. */
export function isPassingTrouble(error: unknown): boolean {
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
export class Watchdog {
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
