import { readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { verifyEvent } from "nostr-tools/pure";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { ForgeHttp } from "../../../src/forges/http.ts";
import { ForgeSession, logIn } from "../../../src/forges/session.ts";
import { newSecretKey } from "../../../src/identity/keys.ts";
import { writeSession } from "../../../src/identity/sessions.ts";
import { signerOf } from "../../../src/identity/signer.ts";
import {
  type Answering,
  failureOf,
  httpDouble,
  json,
  quickClock,
  temporaryFolder,
} from "../../support/agent-half.ts";

const signer = signerOf(newSecretKey());
const read = { method: "GET", path: "/git/x", answer: z.object({ ok: z.boolean() }) } as const;

/** A forge that takes only tokens it gave out and has not forgotten. */
async function loginDouble() {
  const good = new Set<string>();
  let logins = 0;
  const guarded: Answering = (seen, response) => {
    const token = seen.headers.authorization?.replace(/^Bearer /, "");
    const known = token !== undefined && good.has(token);
    const answer = known ? json(200, { ok: true }) : json(401, { error: "invalid token" });
    return answer(seen, response);
  };
  const double = await httpDouble({
    "POST /git/auth/challenge": json(200, { challenge: "c0ffee" }),
    "POST /git/auth/verify": (seen, response) => {
      logins += 1;
      const token = `token-${logins}`;
      good.add(token);
      const answer = { token, npub: "npub1x", is_admin: false, can_forge_write: true };
      return json(200, answer)(seen, response);
    },
    "GET /git/x": guarded,
  });
  const http = new ForgeHttp({ baseUrl: double.origin, clock: quickClock() });
  const session = (login: ConstructorParameters<typeof ForgeSession>[2]) =>
    new ForgeSession(http, async () => "/git", login);
  return { double, good, session, logins: () => logins };
}

test("logs in once for all who ask at once, with an event for this forge", async () => {
  const { double, session, logins } = await loginDouble();
  const one = session({ signer });
  await Promise.all(Array.from({ length: 10 }, () => one.call(read)));
  expect(logins()).toBe(1);
  const body = double.seen.find(({ path }) => path.endsWith("/verify"))?.body ?? "";
  const event = JSON.parse(JSON.parse(body).event);
  expect(verifyEvent(event)).toBe(true);
  expect(event.content).toBe("c0ffee");
  expect(event.tags).toContainEqual(["u", `${double.origin}/git/auth/verify`]);
});

test("a forge's word for who logged in is a plain one", async () => {
  const npub = "npub1x\u001b[31mred\n\u202e";
  const double = await httpDouble({
    "POST /git/auth/challenge": json(200, { challenge: "c0ffee" }),
    "POST /git/auth/verify": json(200, { token: "t", npub, is_admin: true, can_forge_write: true }),
  });
  const http = new ForgeHttp({ baseUrl: double.origin, clock: quickClock() });
  expect((await logIn(http, "/git", signer)).npub).toBe("npub1xred");
});

test("a signer that took long signs a fresh challenge", async () => {
  const { double } = await loginDouble();
  let signed = 0;
  const clock = quickClock();
  const http = new ForgeHttp({ baseUrl: double.origin, clock });
  const slow = {
    npub: () => signer.npub(),
    sign: async (event: Parameters<typeof signer.sign>[0]) => {
      signed += 1;
      if (signed === 1) await clock.pause(90_000);
      return signer.sign(event);
    },
  };
  await logIn(http, "/git", slow);
  const body = double.seen.find(({ path }) => path.endsWith("/verify"))?.body ?? "";
  const event = JSON.parse(JSON.parse(body).event);
  expect(event.created_at).toBe(Math.floor(clock.now() / 1000));
  expect(double.asked().filter((one) => one.endsWith("/challenge"))).toHaveLength(2);
  expect(double.asked().filter((one) => one.endsWith("/verify"))).toHaveLength(1);
});

describe("a stored session", () => {
  test("saves the login of the next process", async () => {
    const { session, logins } = await loginDouble();
    const sessionFile = join(await temporaryFolder(), "agent.json");
    await session({ signer, sessionFile }).call(read);
    await session({ signer, sessionFile }).call(read);
    await session({ sessionFile }).call(read);
    expect(logins()).toBe(1);
    expect((await stat(sessionFile)).mode & 0o777).toBe(0o600);
  });

  test("of another forge is neither used nor sent", async () => {
    const { double, session } = await loginDouble();
    const sessionFile = join(await temporaryFolder(), "agent.json");
    await writeSession(sessionFile, {
      base_url: "http://127.0.0.1:9",
      token: "theirs",
      npub: "npub1x",
      is_admin: false,
      can_forge_write: true,
    });
    expect(await failureOf(session({ sessionFile }).call(read))).toMatchObject({
      code: "unauthorized",
    });
    expect(double.seen).toEqual([]);
    await session({ sessionFile, signer }).call(read);
    expect(JSON.stringify(double.seen)).not.toContain("theirs");
  });

  test("that is malformed is replaced where we have a key, and told where we have none", async () => {
    const { session } = await loginDouble();
    const sessionFile = join(await temporaryFolder(), "agent.json");
    await writeFile(sessionFile, "{");
    expect(await failureOf(session({ sessionFile }).call(read))).toMatchObject({
      code: "unauthorized",
      message: expect.stringContaining("malformed"),
    });
    await session({ sessionFile, signer }).call(read);
    expect(JSON.parse(await readFile(sessionFile, "utf8")).token).toBe("token-1");
  });
});

describe("a token that is no longer accepted", () => {
  test("is replaced once, for all who met the refusal", async () => {
    const { good, session, logins } = await loginDouble();
    const one = session({ signer, sessionFile: join(await temporaryFolder(), "s.json") });
    await one.call(read);
    good.clear();
    await Promise.all(Array.from({ length: 5 }, () => one.call(read)));
    expect(logins()).toBe(2);
  });

  test("is not logged in for again and again", async () => {
    const { double, session, logins } = await loginDouble();
    const one = session({ signer });
    const refused = { ...read, path: "/git/never" };
    await one.call(read);
    const before = double.seen.length;
    expect(await failureOf(one.call(refused))).toMatchObject({ code: "forge_error" });
    expect(double.seen.length - before).toBe(1);
    expect(logins()).toBe(1);
  });

  test("is told with where and since when it was, and the key's own advice", async () => {
    const { double, good, session } = await loginDouble();
    const sessionFile = join(await temporaryFolder(), "s.json");
    await session({ signer, sessionFile }).call(read);
    await utimes(sessionFile, new Date(), new Date("2026-01-02T10:00:00Z"));
    good.clear();
    expect(await failureOf(session({ sessionFile }).call(read))).toMatchObject({
      code: "unauthorized",
      message: `The login of 2026-01-02 at ${double.origin} as npub1x is no longer accepted.`,
      next: expect.stringContaining(`land login --base-url ${double.origin}`),
    });
  });

  test("without a key to log in with is told", async () => {
    const { good, session } = await loginDouble();
    const sessionFile = join(await temporaryFolder(), "s.json");
    await session({ signer, sessionFile }).call(read);
    good.clear();
    expect(await failureOf(session({ sessionFile }).call(read))).toMatchObject({
      code: "unauthorized",
      next: expect.stringContaining("land login"),
    });
  });
});

test("a caller that gives up leaves the others' login alone", async () => {
  const { session } = await loginDouble();
  const one = session({ signer });
  const stop = new AbortController();
  const left = failureOf(one.call(read, stop.signal));
  const stayed = one.call(read);
  stop.abort();
  expect(await left).toMatchObject({ code: "cancelled" });
  expect(await stayed).toEqual({ ok: true });
});
