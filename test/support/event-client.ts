import { createParser } from "eventsource-parser";
import type { WireEvent } from "../../src/contract/forge.ts";

/** One connection to a forge's event stream, read event by event. */
export interface EventClient {
  readonly status: number;
  /** The next event; undefined at the stream's end. */
  next(): Promise<WireEvent | undefined>;
  close(): Promise<void>;
}

/** Connects; `headers` may carry the token and `last-event-id`. */
export async function connectEvents(
  url: string,
  headers: Record<string, string>,
): Promise<EventClient> {
  const stop = new AbortController();
  const answer = await fetch(url, { headers, signal: stop.signal });
  const waiting: WireEvent[] = [];
  const parser = createParser({
    onEvent: (event) => waiting.push({ ...JSON.parse(event.data), id: event.id }),
  });
  const decoder = new TextDecoder();
  const reader = answer.body?.getReader();
  return {
    status: answer.status,
    async next() {
      while (waiting.length === 0) {
        const part = await reader?.read();
        if (part?.value === undefined) return undefined;
        parser.feed(decoder.decode(part.value, { stream: true }));
      }
      return waiting.shift();
    },
    async close() {
      stop.abort();
      await reader?.closed.catch(() => {});
    },
  };
}
