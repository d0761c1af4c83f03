import { describe, expect, test } from "vitest";
import type { Forge, ForgeEvent } from "../../../src/forges/forge.ts";
import { connectPika } from "../../../src/forges/pika.ts";
import { snapshotGoesOn } from "../../../src/forges/reference-changes.ts";
import { newSecretKey } from "../../../src/identity/keys.ts";
import { signerOf } from "../../../src/identity/signer.ts";
import {
  type Answering,
  byHand,
  httpDouble,
  inTurn,
  json,
  quickClock,
} from "../../support/agent-half.ts";

const head = "a".repeat(40);
const detail = (status: string) =>
  json(200, {
    branch: {
      branch_id: 7,
      repo: "o/r",
      branch_name: "x",
      title: "X",
      branch_state: "open",
      updated_at: "2026-03-20T17:25:41+01:00",
      target_branch: "master",
      head_sha: head,
      merge_base_sha: "b".repeat(40),
      tutorial_status: "ready",
      ci_status: status,
    },
    ci_runs: [
      {
        id: 1,
        source_head_sha: head,
        status,
        lane_count: 0,
        created_at: "2026-03-20 17:25:41",
        lanes: [],
      },
    ],
  });

const snapshot = (goesOn: boolean) =>
  `event: ci-update\ndata: ${JSON.stringify({ html: `<div data-branch-ci-active="${goesOn}">` })}\n\n`;

const elsewhere: Answering = (_seen, response) => {
  response.writeHead(302, { location: "http://127.0.0.1:9/" }).end();
};

/** A stream of the given texts; it stays open or ends after them. */
function stream(texts: readonly string[], then: "stay" | "end"): Answering {
  return (_seen, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const text of texts) response.write(text);
    if (then === "end") response.end();
  };
}

async function reference(prefix: "/git" | "/news", ci: Answering, status = "running") {
  const path = prefix === "/news" ? "ci/stream" : "ci/stream/full";
  const streamed = byHand();
  const double = await httpDouble({
    [`POST ${prefix}/auth/challenge`]: json(200, { challenge: "c" }),
    [`POST ${prefix}/auth/verify`]: json(200, {
      token: "t",
      npub: "npub1x",
      is_admin: false,
      can_forge_write: true,
    }),
    [`GET ${prefix}/api/forge/branch/7`]: detail(status),
    [`GET ${prefix}/branch/7/${path}`]: (seen, response) => {
      streamed.resolve();
      return ci(seen, response);
    },
  });
  const clock = quickClock();
  const signer = signerOf(newSecretKey());
  const forge = connectPika({ name: "double", baseUrl: double.origin, signer, clock });
  const streams = () => double.seen.filter((seen) => seen.path.endsWith(path));
  return { forge, clock, streams, streamed: streamed.promise };
}

/** Watches until an event holds; answers all of them. */
async function until(
  forge: Forge,
  holds: (event: ForgeEvent) => boolean | Promise<boolean>,
): Promise<ForgeEvent[]> {
  const stop = new AbortController();
  const taken: ForgeEvent[] = [];
  for await (const event of forge.watch(undefined, stop.signal)) {
    taken.push(event);
    if (await holds(event)) stop.abort();
  }
  return taken;
}

const isUpdate = ({ kind }: ForgeEvent) => kind === "ci-update";

describe("a branch that is read", () => {
  test.each(["/git", "/news"] as const)(
    "is followed under %s, without a login, and wakes its readers",
    async (prefix) => {
      const { forge, streams } = await reference(prefix, stream([snapshot(true)], "stay"));
      await forge.branch({ id: "7" });
      const events = await until(forge, isUpdate);
      expect(events[0]).toMatchObject({ kind: "hello", cursor: undefined });
      expect(events.at(-1)).toMatchObject({ branchId: "7" });
      expect(streams()[0]?.headers).toMatchObject({ accept: "text/event-stream" });
      expect(streams()[0]?.headers.authorization).toBeUndefined();
    },
  );

  test("and nobody waits for is not followed", async () => {
    const { forge, streams } = await reference("/git", stream([snapshot(true)], "stay"));
    await forge.branch({ id: "7" });
    expect(streams()).toEqual([]);
  });

  test("whose CI is over is not followed", async () => {
    const { forge, streams } = await reference("/git", stream([], "stay"), "success");
    await forge.branch({ id: "7" });
    let polls = 0;
    await until(forge, ({ kind }) => kind === "poll" && ++polls === 5);
    expect(streams()).toEqual([]);
  });

  test("is followed again where its stream broke, ever more rarely", async () => {
    const { forge, streams, clock } = await reference("/git", stream([snapshot(true)], "end"));
    await forge.branch({ id: "7" });
    let updates = 0;
    await until(forge, async (event) => {
      // Whoever waits reads on.
      await forge.branch({ id: "7" });
      return isUpdate(event) && ++updates === 5;
    });
    expect(streams().length).toBeGreaterThanOrEqual(5);
    expect(Math.max(...clock.pauses)).toBeGreaterThan(1000);
  });

  test("is left alone once its root says that nothing goes on", async () => {
    const over = inTurn(stream([snapshot(true), snapshot(false)], "end"));
    const { forge, streams } = await reference("/git", over);
    await forge.branch({ id: "7" });
    let later = 0;
    let told = false;
    await until(forge, (event) => {
      told ||= isUpdate(event);
      return told && event.kind === "poll" && ++later === 5;
    });
    expect(streams()).toHaveLength(1);
  });

  test.each([
    ["404", json(404, { error: "branch 7 not found" })],
    ["a redirect", elsewhere],
  ])("whose stream is refused by %s is only polled", async (_how, ci) => {
    const { forge, streams, streamed } = await reference("/git", ci);
    await forge.branch({ id: "7" });
    let polls = 0;
    const watching = until(forge, ({ kind }) => kind === "poll" && ++polls > 30);
    await streamed;
    await watching;
    expect(streams()).toHaveLength(1);
  });
});

test.each([
  [String.raw`{"html":"<div data-branch-ci-active=\"true\">"}`, true],
  [String.raw`{"html":"<div data-branch-ci-active=\"false\">"}`, false],
  [`{"html":"<p>Live update failed: 500 x</p>"}`, undefined],
  ["rubbish", undefined],
])("the root of %s", (data, goesOn) => {
  expect(snapshotGoesOn(data)).toBe(goesOn);
});
