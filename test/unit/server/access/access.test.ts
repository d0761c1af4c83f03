import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Access } from "../../../../src/server/access/access.ts";
import { syncKeys } from "../../../../src/server/access/keys.ts";
import type { ServerConfig } from "../../../../src/server/config.ts";
import { openStore } from "../../../../src/server/store/open-store.ts";
import type { Store } from "../../../../src/server/store/store.ts";
import { newKey, signLogin } from "../../../support/login.ts";

const clock = { now: () => new Date("2026-01-01T00:00:00.000Z") };
const base = "http://127.0.0.1:4000";
const owner = newKey();
const agent = newKey();
const config = { ownerNpub: owner.npub, agentNpub: agent.npub } as ServerConfig;
let dir: string;
let store: Store;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "land-access-"));
  store = openStore(join(dir, "store.sqlite"), clock);
  syncKeys(store, config);
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true, force: true });
});

const accessWith = (maxOpen: number) => new Access({ store, clock, bases: () => [base], maxOpen });
const answerTo = (challenge: string, nsec = agent.nsec) =>
  signLogin(
    nsec,
    { challenge, url: `${base}/git/auth/verify` },
    { createdAt: clock.now().getTime() / 1000 },
  );

describe("challenges", () => {
  it("are dropped from the oldest on where too many wait", () => {
    const access = accessWith(3);
    const given = Array.from({ length: 5 }, () => access.challenge().challenge);
    for (const old of given.slice(0, 2)) {
      expect(() => access.verify(answerTo(old))).toThrow("challenge nonce not found or expired");
    }
    for (const fresh of given.slice(2)) {
      expect(access.verify(answerTo(fresh)).npub).toBe(agent.npub);
    }
  });

  it("make room when they are used", () => {
    const access = accessWith(2);
    const first = access.challenge().challenge;
    for (let i = 0; i < 3; i += 1) access.verify(answerTo(access.challenge().challenge));
    expect(access.verify(answerTo(first)).npub).toBe(agent.npub);
  });
});

describe("the configured keys", () => {
  it("get their rights once and keep a deactivation", () => {
    const key = store.read.key(agent.npub);
    expect(key).toMatchObject({ name: "agent", active: true, admin: false, canForgeWrite: true });
    if (key !== undefined) store.write((tx) => tx.putKey({ ...key, active: false }));
    syncKeys(store, config);
    expect(store.read.key(agent.npub)?.active).toBe(false);
    expect(store.read.key(owner.npub)).toMatchObject({ active: true, admin: true });
  });

  it("lose their rights when the configuration names others", () => {
    const other = newKey();
    syncKeys(store, { ...config, ownerNpub: other.npub });
    expect(store.read.key(owner.npub)?.active).toBe(false);
    expect(store.read.key(other.npub)).toMatchObject({ active: true, admin: true });
    syncKeys(store, config);
    expect(store.read.key(owner.npub)?.active).toBe(true);
  });

  it("may change places", () => {
    syncKeys(store, { ...config, ownerNpub: agent.npub, agentNpub: owner.npub });
    expect(store.read.key(agent.npub)).toMatchObject({ active: true, admin: true });
    expect(store.read.key(owner.npub)).toMatchObject({ active: true, admin: false });
  });
});
