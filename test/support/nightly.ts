import { createParser } from "eventsource-parser";
import { paths } from "../../src/contract/paths.ts";
import { connectEvents } from "./event-client.ts";
import type { TestForge } from "./server.ts";

// biome-ignore lint/suspicious/noExplicitAny: tests look at answers as they travel.
export type Nightly = any;

/** Branch lanes that pass, and nightly lanes: one that passes, one that fails until told otherwise. */
export const nightlyManifest = `version = 1
nightly_schedule_utc = "08:00"

[[branch.lanes]]
id = "check"
title = "Check"
entrypoint = "sh check"
command = ["true"]

[[nightly.lanes]]
id = "steady"
title = "Steady"
entrypoint = "sh steady"
command = ["sh", "-c", "echo in the night; git rev-parse HEAD"]

[[nightly.lanes]]
id = "moody"
title = "Moody"
entrypoint = "sh moody"
command = ["sh", "-c", "test -e \\"$XDG_CACHE_HOME/good\\" || { touch \\"$XDG_CACHE_HOME/good\\"; exit 1; }"]
paths = ["nowhere/**"]
`;

export const isSettled = (nightly: Nightly) => !["queued", "running"].includes(nightly.status);

/** The nightly once a predicate holds for it; read anew after each event of the forge. */
export async function untilNightly(
  forge: TestForge,
  token: string,
  id: number,
  holds: (nightly: Nightly) => boolean = isSettled,
): Promise<Nightly> {
  const headers = { authorization: `Bearer ${token}` };
  const events = await connectEvents(`${forge.origin}/git${paths.events()}`, headers);
  try {
    // The stream greets first, so the first reading happens after it is open.
    while ((await events.next()) !== undefined) {
      const { json } = await forge.api("GET", paths.nightly(id), undefined, token);
      if (holds(json)) return json;
    }
  } finally {
    await events.close();
  }
  throw new Error(`the events ended before nightly #${id} came to what was waited for`);
}

/** One connection to a page's stream. */
export interface PageClient {
  readonly status: number;
  readonly headers: Headers;
  /** The next fragment; undefined at the stream's end. */
  next(): Promise<string | undefined>;
  /** The body where it is no stream. */
  text(): Promise<string>;
  close(): Promise<void>;
}

/** Connects to a stream of page fragments, as a browser does: without a token. */
export async function connectPage(url: string): Promise<PageClient> {
  const stop = new AbortController();
  const answer = await fetch(url, { signal: stop.signal });
  const fragments: string[] = [];
  const parser = createParser({
    onEvent(event) {
      if (event.event !== "ci-update" || event.id !== undefined) throw new Error("another event");
      const data = JSON.parse(event.data);
      if (Object.keys(data).join() !== "html") throw new Error("other data");
      fragments.push(data.html);
    },
  });
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  const decoder = new TextDecoder();
  return {
    status: answer.status,
    headers: answer.headers,
    async next() {
      reader ??= answer.body?.getReader();
      while (fragments.length === 0) {
        const part = await reader?.read();
        if (part?.value === undefined) return undefined;
        parser.feed(decoder.decode(part.value, { stream: true }));
      }
      return fragments.shift();
    },
    text: () => answer.text(),
    async close() {
      stop.abort();
      await reader?.closed.catch(() => {});
    },
  };
}
