import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { prefixes } from "../../../src/contract/paths.ts";
import { openStore } from "../../../src/server/store/open-store.ts";
import { newKey, signLogin, startTestForge, type TestForge } from "../../support/server.ts";

let now = new Date("2026-05-05T10:00:00.000Z");
const clock = { now: () => now };
const pass = (ms: number) => {
  now = new Date(now.getTime() + ms);
};

let forge: TestForge;
beforeAll(async () => {
  forge = await startTestForge({ server: { clock } });
});
afterAll(() => forge?.close());

const challenge = async (): Promise<string> =>
  (await forge.api("POST", "/auth/challenge")).json.challenge;
const signed = (
  given: string,
  change: { nsec?: string; url?: string } & Parameters<typeof signLogin>[2] = {},
) =>
  signLogin(
    change.nsec ?? forge.agent.nsec,
    { challenge: given, url: change.url ?? `${forge.origin}/git/auth/verify` },
    { createdAt: Math.floor(now.getTime() / 1000), ...change },
  );
const verify = (event: string) => forge.api("POST", "/auth/verify", { event });
const tokenFor = async (nsec: string): Promise<string> =>
  (await verify(signed(await challenge(), { nsec }))).json.token;

describe("logging in", () => {
  it.each(prefixes)("works below %s, with the rights of the key", async (prefix) => {
    const given = (await forge.api("POST", `${prefix}/auth/challenge`)).json;
    expect(given).toEqual({ challenge: expect.stringMatching(/^[0-9a-f]{32}$/) });
    for (const [key, admin] of [
      [forge.owner, true],
      [forge.agent, false],
    ] as const) {
      const event = signed(await challenge(), {
        nsec: key.nsec,
        url: `${forge.origin}${prefix}/auth/verify`,
      });
      const answer = await forge.api("POST", `${prefix}/auth/verify`, { event });
      expect(answer.status).toBe(200);
      expect(answer.json).toEqual({
        token: expect.stringMatching(/^[0-9a-f]{64}$/),
        npub: key.npub,
        is_admin: admin,
        can_forge_write: true,
      });
      expect(
        (await forge.api("GET", `${prefix}/api/me`, undefined, answer.json.token)).json,
      ).toMatchObject({ npub: key.npub, is_admin: admin, can_chat: true, can_forge_write: true });
    }
  });

  it("takes the other spelling of loopback, and no other place", async () => {
    const local = `http://localhost:${forge.server.port}/news/auth/verify`;
    expect((await verify(signed(await challenge(), { url: local }))).status).toBe(200);
    const answer = await verify(
      signed(await challenge(), { url: "http://other.example/git/auth/verify" }),
    );
    expect(answer.status).toBe(401);
    expect(answer.json.error).toContain("u tag");
  });

  it.each([
    ["no event", () => "nothing", /^invalid event JSON: /],
    [
      "a broken signature",
      (given: string) => signed(given).replace(/"sig":"../, '"sig":"00'),
      /^invalid signature: /,
    ],
    ["another kind", (given: string) => signed(given, { kind: 1 }), /^expected kind 27235, got 1$/],
    [
      "another method",
      (given: string) =>
        signed(given, {
          tags: [
            ["u", `${forge.origin}/git/auth/verify`],
            ["method", "GET"],
          ],
        }),
      /method/,
    ],
    [
      "an event of two minutes ago",
      (given: string) => signed(given, { createdAt: Math.floor(now.getTime() / 1000) - 120 }),
      /created_at/,
    ],
    [
      "an unknown challenge",
      () => signed("0".repeat(32)),
      /^challenge nonce not found or expired$/,
    ],
    [
      "a key without rights",
      (given: string) => signed(given, { nsec: newKey().nsec }),
      /^pubkey not authorized$/,
    ],
  ])("with %s is refused", async (_name, event, words) => {
    const answer = await verify(event(await challenge()));
    expect(answer.status).toBe(401);
    expect(answer.json).toEqual({ error: expect.stringMatching(words) });
  });

  it("uses a challenge once", async () => {
    const event = signed(await challenge());
    expect((await verify(event)).status).toBe(200);
    expect((await verify(event)).json.error).toBe("challenge nonce not found or expired");
  });

  it("uses a challenge up also for a key without rights", async () => {
    const given = await challenge();
    await verify(signed(given, { nsec: newKey().nsec }));
    expect((await verify(signed(given))).status).toBe(401);
  });

  it("lets a challenge expire although nobody asked for another", async () => {
    const given = await challenge();
    pass(119_000);
    expect((await verify(signed(given))).status).toBe(200);
    const late = await challenge();
    pass(120_000);
    expect((await verify(signed(late))).json.error).toBe("challenge nonce not found or expired");
  });
});

describe("a token", () => {
  const me = (headers: Record<string, string>) => fetch(`${forge.origin}/git/api/me`, { headers });

  it("is read only as `Bearer `, exactly", async () => {
    const token = await tokenFor(forge.agent.nsec);
    expect((await me({ authorization: `Bearer ${token}` })).status).toBe(200);
    for (const value of [`bearer ${token}`, token, `Token ${token}`]) {
      const answer = await me({ authorization: value });
      expect([answer.status, await answer.json()]).toEqual([401, { error: "missing auth token" }]);
    }
    expect(await (await me({})).json()).toEqual({ error: "missing auth token" });
    const wrong = await me({ authorization: `Bearer  ${token}` });
    expect([wrong.status, await wrong.json()]).toEqual([
      401,
      { error: "invalid or expired token" },
    ]);
  });

  it("ends after 90 days, and by logout at once", async () => {
    const token = await tokenFor(forge.agent.nsec);
    const other = await tokenFor(forge.agent.nsec);
    expect((await forge.api("POST", "/auth/logout", undefined, other)).json).toEqual({
      status: "ok",
    });
    expect((await forge.api("GET", "/api/me", undefined, other)).status).toBe(401);
    pass(89 * 86_400_000);
    expect((await forge.api("GET", "/api/me", undefined, token)).status).toBe(200);
    pass(86_400_000);
    expect((await forge.api("GET", "/api/me", undefined, token)).status).toBe(401);
  });

  it("is stored as a hash only", async () => {
    const token = await tokenFor(forge.agent.nsec);
    const store = openStore(forge.config.storeFile, clock);
    expect(store.read.tokenOwner(token, now.toISOString())).toBeUndefined();
    store.close();
  });

  it("loses every right with its key", async () => {
    const token = await tokenFor(forge.agent.nsec);
    const list = () => forge.api("GET", "/api/forge/branches", undefined, token);
    expect((await list()).status).toBe(200);
    const setActive = (active: boolean) => {
      const store = openStore(forge.config.storeFile, clock);
      const key = store.read.key(forge.agent.npub);
      if (key !== undefined) store.write((tx) => tx.putKey({ ...key, active }));
      store.close();
    };
    setActive(false);
    expect((await list()).json).toEqual({ error: "read access revoked" });
    expect((await forge.api("POST", "/api/forge/ci/wake", {}, token)).status).toBe(403);
    expect((await forge.api("GET", "/api/me", undefined, token)).json).toMatchObject({
      npub: forge.agent.npub,
      is_admin: false,
      can_chat: false,
      can_forge_write: false,
    });
    expect((await verify(signed(await challenge()))).json.error).toBe("pubkey not authorized");
    const again = await forge.restart();
    try {
      expect((await again.api("GET", "/api/forge/branches", undefined, token)).status).toBe(403);
      setActive(true);
      expect((await again.api("GET", "/api/forge/branches", undefined, token)).status).toBe(200);
    } finally {
      forge = again;
    }
  });

  it("loses its rights with a key that the configuration no longer names", async () => {
    const token = await tokenFor(forge.agent.nsec);
    const other = newKey();
    forge = await forge.restart({ agentNpub: other.npub });
    expect((await forge.api("GET", "/api/forge/branches", undefined, token)).status).toBe(403);
    expect((await verify(signed(await challenge(), { nsec: other.nsec }))).status).toBe(200);
    forge = await forge.restart({ agentNpub: forge.agent.npub });
    expect((await forge.api("GET", "/api/forge/branches", undefined, token)).status).toBe(200);
  });

  it("of nobody can be had where no key is active", async () => {
    const lone = await startTestForge();
    try {
      const store = openStore(lone.config.storeFile, clock);
      store.write((tx) => {
        for (const npub of [lone.owner.npub, lone.agent.npub]) {
          const key = tx.key(npub);
          if (key !== undefined) tx.putKey({ ...key, active: false });
        }
      });
      store.close();
      for (const path of ["/auth/challenge", "/auth/verify"]) {
        const answer = await lone.api("POST", path, { event: "{}" });
        expect([answer.status, answer.json]).toEqual([403, { error: "auth not enabled" }]);
      }
    } finally {
      await lone.close();
    }
  });
});
