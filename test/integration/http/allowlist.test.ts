import { decode } from "nostr-tools/nip19";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openStore } from "../../../src/server/store/open-store.ts";
import { callerOf, describedBranch, prefixes } from "../../support/access.ts";
import { newKey, signLogin, startTestForge, type TestForge } from "../../support/server.ts";

let forge: TestForge;
let owner: string;
let agent: string;
beforeAll(async () => {
  forge = await startTestForge();
  owner = await forge.login(forge.owner.nsec);
  agent = await forge.login(forge.agent.nsec);
});
afterAll(() => forge?.close());

const asOwner = () => callerOf(forge, owner, "/git");
const allow = (body: object) => asOwner().post("/api/admin/allowlist", body);
const approve = (body: object) => asOwner().post("/api/admin/keys", body);
const login = async (nsec: string) => {
  const { challenge } = (await forge.api("POST", "/auth/challenge")).json;
  const event = signLogin(nsec, { challenge, url: `${forge.origin}/git/auth/verify` });
  return forge.api("POST", "/auth/verify", { event });
};
const hexOf = (npub: string) => {
  const decoded = decode(npub);
  return decoded.type === "npub" ? decoded.data : "";
};

describe.each(prefixes)("below %s the allow list", (prefix) => {
  it("names the owner and the keys that were let in, sorted, and nothing else", async () => {
    const members = [newKey(), newKey()];
    for (const { npub } of members) await allow({ npub, active: true, note: " " });
    const { status, json } = await callerOf(forge, owner, prefix).get("/api/admin/allowlist");
    expect(status).toBe(200);
    expect(Object.keys(json)).toEqual([
      "bootstrap_admin_npubs",
      ...(prefix === "/news" ? ["legacy_allowed_npubs"] : []),
      "entries",
    ]);
    expect(json.bootstrap_admin_npubs).toEqual([forge.owner.npub]);
    if (prefix === "/news") expect(json.legacy_allowed_npubs).toEqual([]);
    const npubs = json.entries.map((entry: { npub: string }) => entry.npub);
    expect(npubs).toEqual([...npubs].sort());
    for (const { npub } of members) {
      expect(json.entries.find((entry: { npub: string }) => entry.npub === npub)).toMatchObject({
        npub,
        active: true,
        can_forge_write: false,
        note: null,
        updated_by: forge.owner.npub,
        updated_at: expect.stringMatching(/^\d{4}-.*Z$/),
      });
    }
    expect(npubs).not.toContain(forge.agent.npub);
  });

  it("is the owner's alone", async () => {
    for (const [method, path] of [
      ["GET", "/api/admin/allowlist"],
      ["POST", "/api/admin/allowlist"],
      ["GET", "/api/admin/keys"],
      ["POST", "/api/admin/keys"],
    ] as const) {
      const body = method === "POST" ? { npub: newKey().npub, active: true, name: "x" } : undefined;
      const refused = await forge.api(method, prefix + path, body, agent);
      expect([refused.status, refused.json]).toEqual([403, { error: "admin access required" }]);
      expect((await forge.api(method, prefix + path, body)).status).toBe(401);
    }
  });
});

describe("a key on the allow list", () => {
  it("reads, and lands only where the owner said so", async () => {
    const key = newKey();
    expect((await login(key.nsec)).json.error).toBe("pubkey not authorized");
    const made = await allow({ npub: hexOf(key.npub).toUpperCase(), active: true });
    expect(made.json.entry).toMatchObject({ npub: key.npub, can_forge_write: false });
    const { json } = await login(key.nsec);
    expect(json).toMatchObject({ npub: key.npub, is_admin: false, can_forge_write: false });
    const me = callerOf(forge, json.token, "/git");
    expect((await me.get("/api/forge/branches")).status).toBe(200);
    expect((await me.post("/api/forge/ci/wake")).status).toBe(403);
    await allow({ npub: key.npub, active: true, can_forge_write: true });
    expect((await me.post("/api/forge/ci/wake")).status).toBe(200);
  });

  it("keeps its right to land where a change does not name it", async () => {
    const { npub } = newKey();
    await allow({ npub, active: true, can_forge_write: true, note: "first" });
    const { entry } = (await allow({ npub, active: true })).json;
    expect(entry).toMatchObject({ can_forge_write: true, note: "first" });
    const blank = (await allow({ npub, active: true, can_forge_write: false, note: null })).json;
    expect(blank.entry).toMatchObject({ can_forge_write: false, note: null });
  });

  it("loses all rights at once when it is deactivated", async () => {
    const key = newKey();
    await allow({ npub: key.npub, active: true, can_forge_write: true });
    const { token } = (await login(key.nsec)).json;
    const me = callerOf(forge, token, "/git");
    expect((await me.post("/api/forge/ci/wake")).status).toBe(200);
    await allow({ npub: key.npub, active: false, can_forge_write: true });
    expect((await me.post("/api/forge/ci/wake")).status).toBe(403);
    expect((await me.get("/api/forge/branches")).status).toBe(403);
    expect((await me.get("/api/inbox")).status).toBe(403);
    expect((await me.get("/api/me")).json).toMatchObject({
      is_admin: false,
      can_chat: false,
      can_forge_write: false,
    });
    expect((await login(key.nsec)).status).toBe(401);
  });

  it("ends its open streams when it is deactivated", async () => {
    const key = newKey();
    await allow({ npub: key.npub, active: true });
    const { token } = (await login(key.nsec)).json;
    const stream = await fetch(`${forge.origin}/git/api/forge/events`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(10_000),
    });
    const reader = stream.body?.getReader();
    await reader?.read();
    await allow({ npub: key.npub, active: false });
    // A heartbeat comes only after 15 seconds, so this is the end itself.
    expect(await reader?.read()).toEqual({ done: true, value: undefined });
  });

  it("finds in its inbox what was there before it came", async () => {
    await describedBranch(forge, agent, "before-it");
    const key = newKey();
    const made = (await allow({ npub: key.npub, active: true })).json;
    expect(made.backfilled).toBeGreaterThan(0);
    const { token } = (await login(key.nsec)).json;
    const count = (await callerOf(forge, token, "/git").get("/api/inbox/count")).json.count;
    expect(count).toBe(made.backfilled);
    expect((await allow({ npub: key.npub, active: true })).json.backfilled).toBe(0);
  });

  it.each([
    ["no key", "nobody", 400],
    ["hex that is too short", "ab12", 400],
    ["an npub with a wrong check sum", `npub1${"q".repeat(58)}`, 400],
    ["a number", 5, 422],
    ["nothing", undefined, 422],
  ])("is not made of %s", async (_what, npub, status) => {
    expect((await allow({ npub, active: true })).status).toBe(status);
  });

  it("is never made of a private key, which no answer repeats", async () => {
    const { nsec } = newKey();
    const answer = await allow({ npub: nsec, active: true });
    expect([answer.status, answer.json.error]).toEqual([
      400,
      expect.stringMatching(/^invalid nostr public key: /),
    ]);
    expect(answer.text).not.toContain(nsec.slice(5, 15));
  });

  it.each([
    ["no `active`", {}],
    ["an `active` that is a word", { active: "yes" }],
    ["a note with control characters", { active: true, note: "a\u001b[31m" }],
    ["a note without end", { active: true, note: "x".repeat(501) }],
  ])("is not made with %s", async (_what, more) => {
    expect((await allow({ npub: newKey().npub, ...more })).status).toBe(422);
  });

  it.each(["owner", "agent"] as const)("is not the configuration's %s", async (which) => {
    const { npub } = forge[which];
    for (const answer of [
      await allow({ npub, active: false }),
      await allow({ npub: hexOf(npub), active: false }),
      await approve({ npub, name: "mine" }),
    ]) {
      expect(answer.status).toBe(400);
      expect(answer.json.error).toContain("managed by config");
    }
  });
});

describe("a named key", () => {
  it("is an agent's that may land, approved by the owner", async () => {
    const key = newKey();
    const made = await approve({ npub: key.npub, name: "nightingale" });
    expect([made.status, made.json]).toEqual([
      200,
      {
        status: "ok",
        key: {
          npub: key.npub,
          name: "nightingale",
          kind: "agent",
          active: true,
          is_admin: false,
          can_forge_write: true,
          note: null,
          approved_by: forge.owner.npub,
          created_at: expect.any(String),
          updated_at: expect.any(String),
        },
      },
    ]);
    const { token } = (await login(key.nsec)).json;
    expect((await callerOf(forge, token, "/news").get("/api/me")).json).toEqual({
      npub: key.npub,
      is_admin: false,
      can_chat: true,
      can_forge_write: true,
      name: "nightingale",
      kind: "agent",
    });
    const all = (await asOwner().get("/api/admin/keys")).json.keys;
    expect(all).toContainEqual(made.json.key);
    expect(all).toContainEqual(
      expect.objectContaining({ npub: forge.owner.npub, kind: "owner", is_admin: true }),
    );
  });

  it("keeps what a change does not name, and can be a member's", async () => {
    const { npub } = newKey();
    await approve({ npub, name: "Ada", kind: "member", can_forge_write: false, note: "team" });
    expect((await approve({ npub, name: "Ada L." })).json.key).toMatchObject({
      name: "Ada L.",
      kind: "member",
      can_forge_write: false,
      note: "team",
    });
  });

  it("has a name that no other active key has", async () => {
    const [first, second] = [newKey(), newKey()];
    await approve({ npub: first.npub, name: "Lark" });
    const refused = await approve({ npub: second.npub, name: "lark" });
    expect([refused.status, refused.json.error]).toEqual([
      409,
      expect.stringContaining(first.npub),
    ]);
    await approve({ npub: first.npub, name: "Lark", active: false });
    expect((await approve({ npub: second.npub, name: "lark" })).status).toBe(200);
  });

  it.each(["owner", "Agent"])("is not named %s like the configuration's", async (name) => {
    expect((await approve({ npub: newKey().npub, name })).status).toBe(400);
  });

  it.each(["", " ", "a\nb", "\u202eevil", "../up", "x".repeat(65)])(
    "is not named %j",
    async (name) => {
      expect((await approve({ npub: newKey().npub, name })).status).toBe(422);
    },
  );

  it("is never an owner's, whatever is asked", async () => {
    const { npub } = newKey();
    expect((await approve({ npub, name: "boss", kind: "owner" })).status).toBe(422);
    const sly = await approve({ npub, name: "boss", is_admin: true, admin: true });
    expect(sly.json.key.is_admin).toBe(false);
  });
});

describe("a forge whose configured keys are all deactivated", () => {
  it("still lets a member log in", async () => {
    const lone = await startTestForge();
    try {
      const member = newKey();
      const token = await lone.login(lone.owner.nsec);
      await lone.api("POST", "/api/admin/keys", { npub: member.npub, name: "last" }, token);
      const store = openStore(lone.config.storeFile, { now: () => new Date() });
      store.write((tx) => {
        for (const npub of [lone.owner.npub, lone.agent.npub]) {
          const key = tx.key(npub);
          if (key !== undefined) tx.putKey({ ...key, active: false });
        }
      });
      store.close();
      expect(await lone.login(member.nsec)).toMatch(/^[0-9a-f]{64}$/);
    } finally {
      await lone.close();
    }
  });
});
