import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import type { ForgeEvent } from "../../../src/forges/forge.ts";
import { connectPika } from "../../../src/forges/pika.ts";
import { newSecretKey } from "../../../src/identity/keys.ts";
import { signerOf } from "../../../src/identity/signer.ts";
import {
  type Answering,
  failureOf,
  httpDouble,
  inTurn,
  json,
  quickClock,
} from "../../support/agent-half.ts";

const routes: Record<string, Answering> = {
  "POST /git/auth/challenge": json(200, { challenge: "c" }),
  "POST /git/auth/verify": json(200, {
    token: "t",
    npub: "npub1x",
    is_admin: false,
    can_forge_write: true,
  }),
  "GET /git/api/forge/about": json(200, {
    name: "forge-landing-kit",
    version: "1.0.0",
    protocol: 1,
    instance: "i",
    repo: "o/r",
    target: "main",
    landing_rule: "up_to_date",
    recovery: [],
    isolation: "none",
    draining: false,
    frozen: null,
  }),
};
const eventsPath = "GET /git/api/forge/events";

function event(seq: number, kind: string, branchId: number | null = null): string {
  const data = { seq, kind, branch_id: branchId, run_id: null, lane_run_id: null, head_sha: null };
  return `id: ${seq}\nevent: forge\ndata: ${JSON.stringify({ ...data, at: "2026-01-01" })}\n\n`;
}

/** A stream of the given texts; it stays open or breaks after them. */
function stream(texts: readonly string[], then: "stay" | "end" | "cut"): Answering {
  return async (_seen, response: ServerResponse) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const text of texts) {
      await new Promise<void>((resolve) => {
        response.write(text, () => resolve());
      });
    }
    if (then === "end") response.end();
    if (then === "cut") response.socket?.destroySoon();
  };
}

async function watching(events: Answering, more: Record<string, Answering> = {}) {
  const double = await httpDouble({ ...routes, [eventsPath]: events, ...more });
  const clock = quickClock();
  const forge = connectPika({
    name: "double",
    baseUrl: double.origin,
    signer: signerOf(newSecretKey()),
    clock,
  });
  const streams = () => double.seen.filter(({ path }) => path.endsWith("/events"));
  return { forge, clock, streams };
}

/** The first events, after which the watch is ended. */
async function take(
  forge: { watch(cursor: string | undefined, signal: AbortSignal): AsyncIterable<ForgeEvent> },
  count: number,
  cursor?: string,
): Promise<ForgeEvent[]> {
  const stop = new AbortController();
  const taken: ForgeEvent[] = [];
  for await (const one of forge.watch(cursor, stop.signal)) {
    taken.push(one);
    if (taken.length === count) stop.abort();
  }
  return taken;
}

describe("a stream of events", () => {
  test("begins with hello and carries the cursor", async () => {
    const { forge, streams } = await watching(
      stream([event(5, "hello"), event(6, "branch_moved", 3)], "stay"),
    );
    expect(await take(forge, 2)).toEqual([
      { cursor: "5", kind: "hello", branchId: undefined },
      { cursor: "6", kind: "branch_moved", branchId: "3" },
    ]);
    expect(streams()[0]?.headers).toMatchObject({
      authorization: "Bearer t",
      accept: "text/event-stream",
    });
  });

  test.each(["end", "cut"] as const)(
    "that breaks (%s) goes on after the last event",
    async (how) => {
      const { forge, streams, clock } = await watching(
        inTurn(
          stream([event(5, "hello"), event(6, "run_queued")], how),
          json(502, {}),
          stream([event(6, "hello"), event(7, "run_finished"), event(8, "branch_merged")], "stay"),
        ),
      );
      const taken = await take(forge, 5);
      expect(taken.map(({ cursor }) => cursor)).toEqual(["5", "6", "6", "7", "8"]);
      expect(streams().map(({ query }) => query.get("after"))).toEqual([null, "6", "6"]);
      expect(clock.pauses).toHaveLength(2);
      expect(clock.pauses[1]).toBeGreaterThan(clock.pauses[0] ?? 0);
    },
  );

  test("is cut up anywhere, even inside a character", async () => {
    const text = event(5, "hello") + event(6, "größe_geändert");
    const { forge } = await watching((_seen, response) => {
      response.writeHead(200);
      for (const byte of Buffer.from(text)) response.write(Buffer.of(byte));
    });
    expect((await take(forge, 2))[1]?.kind).toBe("größe_geändert");
  });

  test("leaves out what is no event", async () => {
    const { forge } = await watching(
      stream([": hi\n\n", "data: rubbish\n\n", 'data: {"seq":-1}\n\n', event(9, "gap")], "stay"),
    );
    expect(await take(forge, 1)).toEqual([{ cursor: "9", kind: "gap", branchId: undefined }]);
  });

  test("that only greets and breaks is asked for ever more rarely", async () => {
    const { forge, clock } = await watching(stream([event(1, "hello")], "end"));
    await take(forge, 6);
    expect(clock.pauses).toEqual([...clock.pauses].sort((a, b) => a - b));
    expect(clock.pauses.at(-1)).toBeGreaterThan(500);
  });

  test("that is refused for good ends with the reason", async () => {
    const { forge } = await watching(json(403, { error: "no" }));
    expect(await failureOf(take(forge, 1))).toMatchObject({ code: "forbidden" });
  });

  test("logs in again where the token ended", async () => {
    const { forge, streams } = await watching(
      inTurn(json(401, { error: "expired" }), stream([event(1, "hello")], "stay")),
    );
    await take(forge, 1);
    expect(streams()).toHaveLength(2);
  });

  test("with one endless line ends without eating all memory", async () => {
    const { forge, streams } = await watching(
      inTurn(
        stream([event(5, "hello"), `data: ${"x".repeat(600_000)}`], "stay"),
        stream([event(6, "run_queued")], "stay"),
      ),
    );
    expect((await take(forge, 2)).map(({ cursor }) => cursor)).toEqual(["5", "6"]);
    expect(streams()[1]?.query.get("after")).toBe("5");
  });
});

test("the reference is asked now and then, ever more rarely", async () => {
  const double = await httpDouble({ "POST /news/auth/challenge": json(200, { challenge: "c" }) });
  const clock = quickClock();
  const forge = connectPika({ name: "double", baseUrl: double.origin, clock });
  const taken = await take(forge, 12);
  expect(taken.map(({ kind }) => kind)).toEqual(["hello", ...Array(11).fill("poll")]);
  expect(clock.pauses[0]).toBe(1000);
  expect(clock.pauses.at(-1)).toBe(10_000);
});
