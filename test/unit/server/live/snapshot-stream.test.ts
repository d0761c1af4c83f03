import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Live } from "../../../../src/server/live/live.ts";
import { type Snapshot, SnapshotStream } from "../../../../src/server/live/snapshot-stream.ts";
import { openStore } from "../../../../src/server/store/open-store.ts";
import type { Store } from "../../../../src/server/store/store.ts";

let dir: string;
let store: Store;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "land-snapshots-"));
  store = openStore(join(dir, "store.sqlite"), { now: () => new Date() });
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true, force: true });
});

const add = (runId = 1) => store.write((tx) => tx.addEvent({ kind: "lane_finished", runId }));

function open(snapshot: () => Snapshot, heartbeatMs?: number) {
  const stream = new SnapshotStream({
    store,
    snapshot,
    concerns: (event) => event.runId === 1,
    ...(heartbeatMs === undefined ? {} : { heartbeatMs }),
  });
  const reader = stream.body.getReader();
  const next = async () => {
    const { value } = await reader.read();
    return value === undefined ? undefined : new TextDecoder().decode(value);
  };
  return { stream, next, cancel: () => reader.cancel() };
}

const text = (html: string) => `event: ci-update\ndata: ${JSON.stringify({ html })}\n\n`;

describe("a stream of snapshots", () => {
  it("loses no change that happens while a snapshot is taken", async () => {
    let state = 0;
    const { next } = open(() => {
      const html = String(state);
      if (state === 0) {
        // Between the reading and the sending.
        state = 1;
        add();
      }
      return { html, active: html === "0" };
    });
    expect(await next()).toBe(text("0"));
    expect(await next()).toBe(text("1"));
    expect(await next()).toBeUndefined();
  });

  it("joins changes that came together and passes over those of others", async () => {
    let taken = 0;
    let active = true;
    const { next } = open(() => ({ html: String(++taken), active }), 5);
    expect(await next()).toBe(text("1"));
    store.write((tx) => {
      for (let i = 0; i < 500; i += 1) tx.addEvent({ kind: "lane_finished", runId: 2 });
    });
    expect(await next()).toBe(": keep-alive\n\n");
    for (let i = 0; i < 3; i += 1) add();
    active = false;
    expect(await next()).toBe(text("2"));
    expect(await next()).toBeUndefined();
    expect(taken).toBe(2);
  });

  it("keeps a fragment on one line", async () => {
    const { next } = open(() => ({ html: "<p>\n\r\u2028</p>", active: false }));
    const sent = (await next()) ?? "";
    expect(sent.split("\n")).toHaveLength(4);
    expect(sent).toBe(text("<p>\n\r\u2028</p>"));
  });

  it("says that it failed, and ends", async () => {
    const { next } = open(() => {
      throw new Error("/a/path/of/this/machine");
    });
    expect(await next()).toMatch(/^event: ci-update\ndata: \{"html":"Live update failed: 500 /);
    expect(await next()).toBeUndefined();
  });

  it("counts among the open streams until it ends or its client goes", async () => {
    const live = new Live();
    const options = {
      store,
      snapshot: () => ({ html: "", active: true }),
      concerns: () => true,
    };
    const first = live.openSnapshots(options);
    live.openSnapshots(options);
    expect(live.count).toBe(2);
    await first?.body.cancel();
    expect(live.count).toBe(1);
    live.close();
    expect([live.count, live.openSnapshots(options)]).toEqual([0, undefined]);
  });
});
