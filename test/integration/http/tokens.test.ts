import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callerOf, prefixes } from "../../support/access.ts";
import { newKey, signLogin, startTestForge, type TestForge } from "../../support/server.ts";

let now = new Date("2026-05-05T10:03:00.000Z");
const clock = { now: () => now };
const pass = (ms: number) => {
  now = new Date(now.getTime() + ms);
};

let forge: TestForge;
let owner: string;
beforeAll(async () => {
  forge = await startTestForge({ server: { clock } });
  owner = await login(forge.owner.nsec);
});
afterAll(() => forge?.close());

const begin = async (nsec: string) => {
  const { challenge } = (await forge.api("POST", "/auth/challenge")).json;
  const createdAt = Math.floor(now.getTime() / 1000);
  const url = `${forge.origin}/git/auth/verify`;
  return { challenge, event: signLogin(nsec, { challenge, url }, { createdAt }) };
};
const login = async (nsec: string): Promise<string> => {
  const { event } = await begin(nsec);
  return (await forge.api("POST", "/auth/verify", { event })).json.token;
};
const as = (token: string) => callerOf(forge, token, "/git");
const list = async (token: string) => (await as(token).get("/api/forge/tokens")).json.tokens;
const revoke = (token: string, body: unknown) => as(token).post("/api/forge/tokens/revoke", body);
const current = async (token: string) =>
  (await list(token)).find((each: { current: boolean }) => each.current);
const status = async (token: string) => (await as(token).get("/api/me")).status;
/** A member of its own, so that tests do not see each other's tokens. */
const member = async (name: string) => {
  const key = newKey();
  await as(owner).post("/api/admin/keys", { npub: key.npub, name });
  return key;
};

describe.each(prefixes)("below %s tokens", (prefix) => {
  it("are listed with whose they are and when they were used, never as they are", async () => {
    const key = await member(`lister${prefix.slice(1)}`);
    const token = await login(key.nsec);
    const { status, json, text } = await callerOf(forge, token, prefix).get("/api/forge/tokens");
    expect([status, json]).toEqual([
      200,
      {
        tokens: [
          {
            id: expect.stringMatching(/^[0-9a-f]{16}$/),
            npub: key.npub,
            name: `lister${prefix.slice(1)}`,
            created_at: now.toISOString(),
            last_used_at: "2026-05-05T10:00:00.000Z",
            expires_at: new Date(now.getTime() + 90 * 86_400_000).toISOString(),
            current: true,
          },
        ],
      },
    ]);
    expect(text).not.toContain(token);
    expect(token).not.toContain(json.tokens[0].id);
  });

  it("need a token to be listed or ended", async () => {
    expect((await forge.api("GET", `${prefix}/api/forge/tokens`)).status).toBe(401);
    const body = { all: true };
    expect((await forge.api("POST", `${prefix}/api/forge/tokens/revoke`, body)).status).toBe(401);
  });
});

describe("the time of a token's last use", () => {
  it("moves in steps of ten minutes", async () => {
    const token = await login((await member("user")).nsec);
    const used = async () => (await current(token)).last_used_at;
    const first = await used();
    pass(60_000);
    expect(await used()).toBe(first);
    pass(10 * 60_000);
    const later = await used();
    expect(Date.parse(later) - Date.parse(first)).toBe(10 * 60_000);
  });
});

describe("a list", () => {
  it("holds a key's own tokens alone, and to the owner all", async () => {
    const [one, two] = [await member("one"), await member("two")];
    const [first, second] = [await login(one.nsec), await login(two.nsec)];
    expect((await list(first)).map((each: { npub: string }) => each.npub)).toEqual([one.npub]);
    const all = (await list(owner)).map((each: { npub: string }) => each.npub);
    expect(all).toEqual(expect.arrayContaining([forge.owner.npub, one.npub, two.npub]));
    expect(await status(second)).toBe(200);
  });

  it("leaves out what has expired, before any sweep", async () => {
    const key = await member("late");
    await login(key.nsec);
    pass(91 * 86_400_000);
    owner = await login(forge.owner.nsec);
    const token = await login(key.nsec);
    expect(await list(token)).toHaveLength(1);
  });
});

describe("revoking", () => {
  it("ends one token by its id, at once and no other", async () => {
    const key = await member("revoker");
    const [kept, ended] = [await login(key.nsec), await login(key.nsec)];
    const { id } = await current(ended);
    const answer = await revoke(kept, { id });
    expect([answer.status, answer.json]).toEqual([200, { status: "ok", revoked: 1 }]);
    const refused = await as(ended).get("/api/me");
    expect([refused.status, refused.json]).toEqual([401, { error: "invalid or expired token" }]);
    expect(await status(kept)).toBe(200);
    expect((await revoke(kept, { id })).status).toBe(404);
  });

  it("ends the streams of the token that was revoked, and no others", async () => {
    const key = await member("streamer");
    const [kept, ended] = [await login(key.nsec), await login(key.nsec)];
    const open = async (token: string) => {
      const answer = await fetch(`${forge.origin}/git/api/forge/events`, {
        headers: { authorization: `Bearer ${token}` },
        signal: AbortSignal.timeout(10_000),
      });
      const reader = answer.body?.getReader();
      await reader?.read();
      return reader;
    };
    const [keptStream, endedStream] = [await open(kept), await open(ended)];
    await revoke(kept, { id: (await current(ended)).id });
    // A heartbeat comes only after 15 seconds, so this is the end itself.
    expect(await endedStream?.read()).toEqual({ done: true, value: undefined });
    const next = keptStream?.read();
    await forge.push("seen-by-the-other", { a: "a" });
    expect((await next)?.done).toBe(false);
    await keptStream?.cancel();
  });

  it("ends all of a key, by its owner or the forge's", async () => {
    const key = await member("all-of-one");
    const tokens = [await login(key.nsec), await login(key.nsec)];
    expect((await revoke(owner, { npub: key.npub })).json.revoked).toBe(2);
    for (const token of tokens) expect(await status(token)).toBe(401);
    const own = await login(key.nsec);
    expect((await revoke(own, { npub: key.npub })).json.revoked).toBe(1);
    expect(await status(own)).toBe(401);
  });

  it("of `all` ends what the caller's list shows", async () => {
    const [one, two] = [await member("alpha"), await member("beta")];
    const [first, second] = [await login(one.nsec), await login(two.nsec)];
    expect((await revoke(first, { all: true })).json.revoked).toBe(1);
    expect([await status(first), await status(second)]).toEqual([401, 200]);
    await revoke(owner, { all: true });
    expect([await status(second), await status(owner)]).toEqual([401, 401]);
    owner = await login(forge.owner.nsec);
  });

  it("of another's token is not for everybody", async () => {
    const [one, two] = [await member("gamma"), await member("delta")];
    const [first, second] = [await login(one.nsec), await login(two.nsec)];
    expect((await revoke(first, { id: (await current(second)).id })).status).toBe(404);
    expect((await revoke(first, { npub: two.npub })).status).toBe(403);
    expect(await status(second)).toBe(200);
  });

  it.each([
    ["nothing", {}, 422],
    ["two wishes", { all: true, id: "0".repeat(16) }, 422],
    ["`all` that is false", { all: false }, 422],
    ["an id that is a whole token", { id: "0".repeat(64) }, 422],
    ["an id of SQL", { id: "' OR 1=1 --00000" }, 422],
    ["a key that is none", { npub: "nobody" }, 400],
    ["a list", [], 422],
  ])("%s is refused", async (_what, body, expected) => {
    expect((await revoke(owner, body)).status).toBe(expected);
    expect(await status(owner)).toBe(200);
  });
});

describe("the state folder", () => {
  it("holds no token, challenge or signature in clear text", async () => {
    const waiting = (await forge.api("POST", "/auth/challenge")).json.challenge;
    const used = await begin(forge.agent.nsec);
    const token = (await forge.api("POST", "/auth/verify", { event: used.event })).json.token;
    await status(token);
    const { sig } = JSON.parse(used.event);
    const files = await storeFiles(forge.config.storeFile);
    expect(files.length).toBeGreaterThan(0);
    const bytes = Buffer.concat(files);
    // What is there is found this way.
    expect(bytes.includes(forge.agent.npub)).toBe(true);
    for (const secret of [waiting, used.challenge, token, owner, sig]) {
      expect(bytes.includes(secret)).toBe(false);
      expect(bytes.includes(Buffer.from(secret, "hex"))).toBe(false);
    }
  });
});

/** The store with its side files, as they are on the disk. */
async function storeFiles(file: string): Promise<Buffer[]> {
  const names = await readdir(dirname(file));
  const own = names.filter((name) => name.startsWith(basename(file)));
  return Promise.all(own.map((name) => readFile(join(dirname(file), name))));
}
