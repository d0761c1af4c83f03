import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type Call, ForgeHttp } from "../../../src/forges/http.ts";
import {
  cut,
  failureOf,
  hang,
  httpDouble,
  inTurn,
  json,
  quickClock,
} from "../../support/agent-half.ts";

const answer = z.object({ ok: z.boolean() });
const get: Call<{ ok: boolean }> = { method: "GET", path: "/git/x", answer };
const post: Call<{ ok: boolean }> = { method: "POST", path: "/git/x", answer, body: { a: 1 } };
const ok = json(200, { ok: true });

const httpTo = (origin: string) => new ForgeHttp({ baseUrl: origin, clock: quickClock() });

describe("a redirect", () => {
  test("is not followed, not even on the same host, and its place is told", async () => {
    const other = await httpDouble({ "GET /git/x": ok });
    const double = await httpDouble({
      "GET /git/x": (_seen, response) => {
        response.writeHead(307, { location: `${other.origin}/git/x` }).end();
      },
    });
    const token = { value: "secret", baseUrl: double.origin };
    const error = await failureOf(httpTo(double.origin).call({ ...get, token }));
    expect(error).toMatchObject({ code: "forge_error" });
    expect(String(error)).toContain(other.origin);
    expect(other.seen).toEqual([]);
  });
});

describe("a token", () => {
  test("goes to its own address and to no other", async () => {
    const double = await httpDouble({ "GET /git/x": ok });
    const http = httpTo(double.origin);
    await http.call({ ...get, token: { value: "t", baseUrl: double.origin } });
    await http.call({ ...get, token: { value: "t", baseUrl: "http://127.0.0.1:1" } });
    expect(double.seen.map(({ headers }) => headers.authorization)).toEqual([
      "Bearer t",
      undefined,
    ]);
    expect(double.seen[0]?.headers.accept).toBe("application/json");
  });

  test("stays here when the forge moves in the middle of a call", async () => {
    const moved = await httpDouble({ "GET /git/x": ok });
    const first = await httpDouble({ "GET /git/x": cut });
    let base = first.origin;
    const http = new ForgeHttp({
      baseUrl: () => base,
      revive: async () => {
        base = moved.origin;
      },
      clock: quickClock(),
    });
    await http.call({ ...get, token: { value: "t", baseUrl: first.origin } });
    expect(moved.seen.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });
});

describe("trouble on the way", () => {
  test.each([
    ["502", json(502, {})],
    ["503", json(503, {})],
    ["504", json(504, {})],
    ["a cut connection", cut],
  ])("a read is repeated after %s", async (_what, trouble) => {
    const double = await httpDouble({ "GET /git/x": inTurn(trouble, trouble, ok) });
    expect(await httpTo(double.origin).call(get)).toEqual({ ok: true });
    expect(double.seen).toHaveLength(3);
  });

  test("that stays ends the call in bounded time", async () => {
    const double = await httpDouble({ "GET /git/x": json(503, { error: "busy" }) });
    const clock = quickClock();
    const http = new ForgeHttp({ baseUrl: double.origin, clock });
    expect(await failureOf(http.call(get))).toMatchObject({ code: "forge_unreachable" });
    expect(clock.pauses.reduce((sum, pause) => sum + pause, 0)).toBeLessThan(15_000);
    expect(clock.pauses.length).toBeGreaterThan(3);
  });

  test("never repeats what changes something once it may have been done", async () => {
    const double = await httpDouble({ "POST /git/x": inTurn(cut, ok) });
    expect(await failureOf(httpTo(double.origin).call(post))).toMatchObject({
      code: "forge_unreachable",
      state: expect.stringContaining("not known"),
    });
    expect(double.seen).toHaveLength(1);
  });

  test("repeats a change that the forge never saw", async () => {
    const double = await httpDouble({ "POST /git/x": ok });
    const gone = await httpDouble({});
    await gone.close();
    let base = gone.origin;
    const http = new ForgeHttp({
      baseUrl: () => base,
      revive: async () => {
        base = double.origin;
      },
      clock: quickClock(),
    });
    expect(await http.call(post)).toEqual({ ok: true });
    expect(double.seen).toHaveLength(1);
  });

  test("a forge that drains took nothing, so a change is asked again", async () => {
    const draining = json(409, { error: "the forge is stopping", code: "draining" });
    const double = await httpDouble({ "POST /git/x": inTurn(draining, ok) });
    expect(await httpTo(double.origin).call(post)).toEqual({ ok: true });
  });

  test("nobody there", async () => {
    const gone = await httpDouble({});
    await gone.close();
    expect(await failureOf(httpTo(gone.origin).call(get))).toMatchObject({
      code: "forge_unreachable",
      next: expect.stringContaining("land doctor"),
    });
  });

  test("no answer in time", async () => {
    const double = await httpDouble({ "POST /git/x": hang });
    const error = await failureOf(httpTo(double.origin).call({ ...post, deadlineMs: 60 }));
    expect(error).toMatchObject({ code: "timed_out", state: expect.stringContaining("not known") });
  });

  test("is left at once by a caller that gives up", async () => {
    const stop = new AbortController();
    const double = await httpDouble({
      "GET /git/x": () => stop.abort(),
    });
    expect(await failureOf(httpTo(double.origin).call(get, stop.signal))).toMatchObject({
      code: "cancelled",
    });
    expect(double.seen).toHaveLength(1);
  });
});

describe("an answer", () => {
  test("longer than allowed is not read", async () => {
    const double = await httpDouble({
      "GET /git/x": json(200, { ok: true, pad: "x".repeat(5000) }),
    });
    expect(await failureOf(httpTo(double.origin).call({ ...get, maxBytes: 1000 }))).toMatchObject({
      code: "forge_unreachable",
      message: expect.stringContaining("longer"),
    });
    expect(double.seen).toHaveLength(1);
  });

  test.each([
    ["a web page", "<html>hello"],
    ["another shape", '{"ok":"yes"}'],
  ])("that is %s is told as such", async (_what, text) => {
    const double = await httpDouble({
      "GET /git/x": (_seen, response) => {
        response.writeHead(200).end(text);
      },
    });
    expect(await failureOf(httpTo(double.origin).call(get))).toMatchObject({ code: "forge_error" });
  });
});

test("queries are encoded, and absent ones left out", async () => {
  const double = await httpDouble({ "GET /git/x": ok });
  const query = { branch_name: "a/b c&d=é", state: undefined };
  await httpTo(double.origin).call({ ...get, query });
  expect([...(double.seen[0]?.query ?? [])]).toEqual([["branch_name", "a/b c&d=é"]]);
});

test("a base with a path of its own keeps it", async () => {
  const double = await httpDouble({ "GET /sub/git/x": ok });
  expect(await httpTo(`${double.origin}/sub`).call(get)).toEqual({ ok: true });
});
