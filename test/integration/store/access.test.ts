import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { syncKeys } from "../../../src/server/access/keys.ts";
import type { ServerConfig } from "../../../src/server/config.ts";
import { migration as first } from "../../../src/server/store/migrations/001-first.ts";
import { openStore } from "../../../src/server/store/open-store.ts";
import type { Store } from "../../../src/server/store/store.ts";
import { HandClock } from "../../support/canonical.ts";

let dir: string;
let file: string;
let clock: HandClock;
let store: Store | undefined;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "flk-access-"));
  file = join(dir, "forge.db");
  clock = new HandClock();
});
afterEach(async () => {
  store?.close();
  store = undefined;
  await rm(dir, { recursive: true, force: true });
});

const open = (): Store => {
  store = openStore(file, clock);
  return store;
};
const later = "2099-01-01T00:00:00.000Z";
const sha = (n: number) => String(n).padStart(40, "0");
const key = (npub: string, active = true) =>
  ({
    npub,
    name: npub,
    kind: "agent",
    active,
    admin: false,
    canForgeWrite: true,
    note: null,
    approvedBy: null,
    updatedBy: null,
  }) as const;
const describeHead = (target: Store, name: string) =>
  target.write((tx) => {
    const branch =
      tx.branchByName(name) ??
      tx.openBranch({
        name,
        title: name,
        target: "main",
        head: sha(1),
        mergeBase: null,
        problem: null,
      });
    tx.putTutorial({ branchId: branch.id, head: branch.head, document: "{}", by: "npub1" });
    tx.tellInboxes(branch.id);
    return branch.id;
  });

describe("a store of the first version", () => {
  const makeFirst = () => {
    const old = new DatabaseSync(file);
    old.exec(first);
    old.exec(`PRAGMA user_version = 1;
      INSERT INTO keys VALUES ('npub1owner', 'owner', 1, 1, 1), ('npub1agent', 'agent', 0, 0, 1);
      INSERT INTO settings VALUES ('owner_npub', 'npub1owner'), ('agent_npub', 'npub1agent');
      INSERT INTO tokens VALUES ('abc', 'npub1owner', '${later}');
      INSERT INTO branches (name, title, state, target, head, created_at, updated_at)
        VALUES ('old', 'Old', 'open', 'main', '${sha(1)}', '', '');
      INSERT INTO tutorials (branch_id, head, document, by, at)
        VALUES (1, '${sha(1)}', '{}', 'npub1agent', '2026-01-01T00:00:00.000Z');`);
    old.close();
  };

  it("keeps its keys with their rights, its tokens and its branches", () => {
    makeFirst();
    const { read } = open();
    expect(read.key("npub1owner")).toMatchObject({ kind: "owner", admin: true, active: true });
    expect(read.key("npub1agent")).toMatchObject({ kind: "agent", admin: false, active: false });
    expect(read.key("npub1owner")?.createdAt).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(read.tokens(null, "2026-01-01")).toEqual([
      {
        hash: "abc",
        npub: "npub1owner",
        name: "owner",
        createdAt: "2098-10-03T00:00:00.000Z",
        lastUsedAt: null,
        expiresAt: later,
      },
    ]);
    expect(read.branchByName("old")?.title).toBe("Old");
    expect([read.audit({ limit: 10 }), read.inbox("npub1owner")]).toEqual([[], []]);
  });

  it("goes on where it was: keys stay deactivated, and inboxes are filled at the next login", () => {
    makeFirst();
    const opened = open();
    syncKeys(opened, { ownerNpub: "npub1owner", agentNpub: "npub1agent" } as ServerConfig);
    expect(opened.read.key("npub1agent")).toMatchObject({ active: false, kind: "agent" });
    expect(opened.write((tx) => tx.fillInbox("npub1owner"))).toBe(1);
    expect(opened.write((tx) => tx.fillInbox("npub1agent"))).toBe(0);
    opened.close();
    expect(open().read.inbox("npub1owner")).toHaveLength(1);
  });
});

describe("the audit trail", () => {
  it("comes and goes with the transaction of its act", () => {
    const opened = open();
    expect(() =>
      opened.write((tx) => {
        tx.addAudit({ npub: "npub1", action: "merge" });
        throw new Error("the act failed");
      }),
    ).toThrow("the act failed");
    expect(opened.read.audit({ limit: 10 })).toEqual([]);
    opened.write((tx) => tx.addAudit({ npub: "npub1", action: "merge", detail: "x".repeat(5000) }));
    const [entry] = opened.read.audit({ limit: 10 });
    expect(entry).toMatchObject({ npub: "npub1", name: null, result: "ok", branchName: null });
    expect(entry?.detail).toHaveLength(2000);
  });

  it("is filtered by branch, key, act and place", () => {
    const opened = open();
    opened.write((tx) => {
      tx.putKey(key("npub1"));
      const opts = { title: "", target: "main", head: sha(1), mergeBase: null, problem: null };
      const a = tx.openBranch({ name: "a", ...opts });
      tx.addAudit({ npub: "npub1", action: "close", branchId: a.id });
      tx.endBranch(a.id, { state: "closed", mergeCommit: null, by: null, reason: null });
      const again = tx.openBranch({ name: "a", ...opts });
      tx.addAudit({ npub: "npub2", action: "merge", branchId: again.id });
      tx.addAudit({ npub: null, action: "drain" });
    });
    const acts = (filter: object) =>
      opened.read.audit({ limit: 10, ...filter }).map((entry) => entry.action);
    expect(acts({})).toEqual(["drain", "merge", "close"]);
    expect(acts({ branch: "a" })).toEqual(["merge", "close"]);
    expect(acts({ branch: "1" })).toEqual(["close"]);
    expect(acts({ npub: "npub1" })).toEqual(["close"]);
    expect(acts({ action: "merge" })).toEqual(["merge"]);
    expect(acts({ before: 2 })).toEqual(["close"]);
    expect(acts({ limit: 1 })).toEqual(["drain"]);
    expect(opened.read.audit({ limit: 10, npub: "npub1" })[0]?.name).toBe("npub1");
  });
});

describe("an inbox", () => {
  it("is told of a tutorial once per active key, and keeps its first time", () => {
    const opened = open();
    opened.write((tx) => {
      tx.putKey(key("npub1"));
      tx.putKey(key("npub2", false));
    });
    const id = describeHead(opened, "a");
    const [row] = opened.read.inbox("npub1");
    expect(row).toMatchObject({ branchId: id, needsReview: true, reviewedAt: null });
    expect(opened.read.inbox("npub2")).toEqual([]);
    expect(opened.write((tx) => tx.reviewInbox("npub1", id))).toBe(true);
    opened.write((tx) => tx.tellInboxes(id));
    expect(opened.read.inbox("npub1")[0]).toMatchObject({ needsReview: false });
    clock.tick(1000);
    describeHead(opened, "a");
    const [renewed] = opened.read.inbox("npub1");
    expect(renewed).toMatchObject({ needsReview: true, createdAt: row?.createdAt });
    expect((renewed?.updatedAt ?? "") > (row?.updatedAt ?? "")).toBe(true);
  });

  it("is filled with what it never had, and not with what was dismissed", () => {
    const opened = open();
    opened.write((tx) => tx.putKey(key("npub1")));
    const id = describeHead(opened, "a");
    expect(opened.write((tx) => tx.dismissInbox("npub1", [id]))).toBe(1);
    expect(opened.write((tx) => tx.fillInbox("npub1"))).toBe(0);
    opened.write((tx) => tx.putKey(key("npub3")));
    expect(opened.write((tx) => tx.fillInbox("npub3"))).toBe(1);
    expect(opened.write((tx) => tx.dismissInbox("npub3", "all"))).toBe(1);
    expect(opened.read.inbox("npub3")).toEqual([]);
  });

  it("does not hear of a tutorial that the branch has left behind", () => {
    const opened = open();
    opened.write((tx) => tx.putKey(key("npub1")));
    const id = describeHead(opened, "a");
    opened.write((tx) => {
      tx.moveBranch(id, { title: "", head: sha(2), mergeBase: null, problem: null });
      tx.putKey(key("npub2"));
    });
    expect(opened.write((tx) => tx.fillInbox("npub2"))).toBe(0);
  });
});

describe("tokens", () => {
  it("are ended by one, by key, or all", () => {
    const opened = open();
    opened.write((tx) => {
      for (const [hash, npub] of [
        ["a", "npub1"],
        ["b", "npub1"],
        ["c", "npub2"],
        ["d", "npub3"],
      ] as const) {
        tx.addToken(hash, npub, later);
      }
    });
    const hashes = () => opened.read.tokens(null, "2026").map(({ hash }) => hash);
    expect(opened.write((tx) => [tx.removeToken("d"), tx.removeToken("d")])).toEqual([true, false]);
    expect(opened.write((tx) => tx.removeTokens("npub1"))).toBe(2);
    expect(hashes()).toEqual(["c"]);
    expect(opened.write((tx) => tx.removeTokens(null))).toBe(1);
    expect(hashes()).toEqual([]);
  });
});
