import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { WireEvent } from "../../../../src/contract/forge.ts";
import { EventStream } from "../../../../src/server/live/event-stream.ts";
import { Live } from "../../../../src/server/live/live.ts";
import { openStore } from "../../../../src/server/store/open-store.ts";
import type { Store } from "../../../../src/server/store/store.ts";

const clock = { now: () => new Date("2026-01-01T00:00:00.000Z") };
let dir: string;
let store: Store;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "land-live-"));
  store = openStore(join(dir, "store.sqlite"), clock);
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true, force: true });
});

const add = (count = 1) =>
  store.write((tx) => {
    for (let i = 0; i < count; i += 1) tx.addEvent({ kind: "branch_moved" });
  });

function open(after?: number, more: { mayRead?: () => boolean; heartbeatMs?: number } = {}) {
  return new EventStream({ store, clock, after, mayRead: () => true, ...more });
}

/** Reads a stream's events one by one, as a client would. */
function reader(stream: EventStream) {
  const source = stream.body.getReader();
  const decoder = new TextDecoder();
  let waiting: WireEvent[] = [];
  const chunk = async (): Promise<string | undefined> => {
    const { value } = await source.read();
    return value === undefined ? undefined : decoder.decode(value);
  };
  return {
    chunk,
    async next(): Promise<WireEvent | undefined> {
      while (waiting.length === 0) {
        const text = await chunk();
        if (text === undefined) return undefined;
        waiting = [...text.matchAll(/^data: (.*)$/gm)].map((match) => JSON.parse(match[1] ?? ""));
      }
      return waiting.shift();
    },
    cancel: () => source.cancel(),
  };
}

describe("an event stream", () => {
  it("greets with where it goes on from, a retry hint and an id", async () => {
    add(3);
    expect(await reader(open()).chunk()).toMatch(/^retry: \d+\nid: 3\nevent: forge\ndata: \{/);
    expect(await reader(open(1)).next()).toMatchObject({ kind: "hello", seq: 1 });
  });

  it("gives everything after the cursor in order, then what comes", async () => {
    add(3);
    const client = reader(open(1));
    await client.next();
    expect((await client.next())?.seq).toBe(2);
    expect((await client.next())?.seq).toBe(3);
    const later = client.next();
    add();
    expect(await later).toMatchObject({ seq: 4, kind: "branch_moved", branch_id: null });
  });

  it("tells what happened between its opening and its first reading", async () => {
    const client = reader(open());
    expect((await client.next())?.seq).toBe(0);
    add();
    expect((await client.next())?.seq).toBe(1);
  });

  it("loses nothing over many reconnections while events are written", async () => {
    const seen: number[] = [];
    let cursor = 0;
    while (cursor < 300) {
      add(7);
      const client = reader(open(cursor));
      for (let i = 0; i < 5; i += 1) {
        const event = await client.next();
        if (event?.kind === "hello") expect(event.seq).toBe(cursor);
        else if (event !== undefined) seen.push(event.seq);
        cursor = event?.seq ?? cursor;
        add(2);
      }
      await client.cancel();
    }
    expect(seen).toEqual(seen.map((_, index) => index + 1));
  });

  it("says gap where events were dropped, at the start and in the middle", async () => {
    add(5);
    const slow = reader(open(0));
    await slow.next();
    add(20_000);
    store.write((tx) => tx.sweep(clock.now().toISOString()));
    expect(await reader(open(2)).next()).toMatchObject({ kind: "gap", seq: 20_005 });
    expect(await slow.next()).toMatchObject({ kind: "gap", seq: 20_005 });
    const after = slow.next();
    add();
    expect((await after)?.seq).toBe(20_006);
  });

  it("says gap to a client that claims a future number", async () => {
    add();
    expect(await reader(open(99)).next()).toMatchObject({ kind: "gap", seq: 1 });
  });

  it("reads no more than a batch for a client that does not read", async () => {
    add(1000);
    const source = open(0).body.getReader();
    await source.read();
    const first = new TextDecoder().decode((await source.read()).value);
    expect(first.match(/^data: /gm)).toHaveLength(200);
  });

  it("beats while nothing happens", async () => {
    const client = reader(open(undefined, { heartbeatMs: 5 }));
    await client.chunk();
    expect(await client.chunk()).toBe(": keep-alive\n\n");
  });

  it("ends where its reader may read no more", async () => {
    let may = true;
    const client = reader(open(undefined, { mayRead: () => may }));
    await client.next();
    may = false;
    add();
    expect(await client.next()).toBeUndefined();
  });

  it("ends with a store that no longer answers", async () => {
    const client = reader(open(0));
    await client.next();
    const other = openStore(join(dir, "other.sqlite"), clock);
    store.close();
    expect(await client.next()).toBeUndefined();
    store = other;
  });
});

describe("the open streams", () => {
  it("are counted until their clients go", async () => {
    const live = new Live();
    const options = { store, clock, after: undefined, mayRead: () => true };
    const stream = live.open(options);
    expect(live.count).toBe(1);
    await stream?.body.cancel();
    expect(live.count).toBe(0);
  });

  it("end together, and no more are opened then", async () => {
    const live = new Live();
    const options = { store, clock, after: undefined, mayRead: () => true };
    const stream = live.open(options);
    if (stream === undefined) throw new Error("not opened");
    const client = reader(stream);
    await client.next();
    const next = client.next();
    live.close();
    expect(await next).toBeUndefined();
    expect(live.count).toBe(0);
    expect(live.open(options)).toBeUndefined();
  });

  it("are bounded", () => {
    const live = new Live();
    const options = { store, clock, after: undefined, mayRead: () => true };
    let opened = 0;
    while (live.open(options) !== undefined) opened += 1;
    expect(opened).toBe(256);
    live.close();
  });
});
