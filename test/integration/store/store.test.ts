import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Database } from "../../../src/server/store/database.ts";
import { openStore } from "../../../src/server/store/open-store.ts";
import type { Store } from "../../../src/server/store/store.ts";
import { HandClock } from "../../support/canonical.ts";

let dir: string;
let file: string;
let clock: HandClock;
let store: Store;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "flk-store-"));
  file = join(dir, "deep", "forge.db");
  clock = new HandClock();
  store = openStore(file, clock);
});
afterEach(async () => {
  store.close();
  await rm(dir, { recursive: true, force: true });
});

const sha = (n: number) => String(n).padStart(40, "0");
const open = (name: string, head = sha(1)) =>
  store.write((tx) =>
    tx.openBranch({ name, title: name, target: "main", head, mergeBase: sha(0), problem: null }),
  );

describe("the file", () => {
  it("keeps everything over a restart and is its owner's alone", async () => {
    const branch = open("feature");
    store.close();
    store = openStore(file, clock);
    expect(store.read.branch(branch.id)).toEqual(branch);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it("of a newer version is refused and left alone", () => {
    store.close();
    const newer = new DatabaseSync(file);
    const own = Number(newer.prepare("PRAGMA user_version").get()?.user_version);
    newer.exec("PRAGMA user_version = 99");
    newer.close();
    expect(() => openStore(file, clock)).toThrow(/has version 99.*update forge-landing-kit/);
    const again = new DatabaseSync(file);
    expect(again.prepare("PRAGMA user_version").get()).toEqual({ user_version: 99 });
    again.exec(`PRAGMA user_version = ${own}`);
    again.close();
    store = openStore(file, clock);
    expect(store.read.openBranches()).toEqual([]);
  });

  it("that is no store is refused with its name", async () => {
    const other = join(dir, "other.db");
    await writeFile(other, "This is not a database, however long one looks at it. ".repeat(40));
    expect(() => openStore(other, clock)).toThrow(other);
  });
});

describe("the disk", () => {
  const synchronous = (db: Database) =>
    db.get<{ synchronous: number }>("PRAGMA synchronous")?.synchronous;
  const [normal, full] = [1, 2];

  it("is waited for by each transaction but those that say otherwise", () => {
    const db = new Database(join(dir, "other.db"));
    expect(db.transaction(() => synchronous(db))).toBe(full);
    expect(db.unsyncedTransaction(() => synchronous(db))).toBe(normal);
    const failing = () => {
      throw new Error("no");
    };
    expect(() => db.unsyncedTransaction(failing)).toThrow("no");
    expect(db.transaction(() => synchronous(db))).toBe(full);
    db.close();
  });
});

describe.each(["write", "writeUnsynced"] as const)("a %s", (write) => {
  it("happens as a whole or not at all, events included", () => {
    let announced = 0;
    store.onEvents(() => {
      announced += 1;
    });
    const failing = () =>
      store[write]((tx) => {
        tx.openBranch({
          ...{ name: "x", title: "", target: "main", head: sha(1) },
          ...{ mergeBase: null, problem: null },
        });
        throw new Error("no");
      });
    expect(failing).toThrow("no");
    expect(store.read.openBranches()).toEqual([]);
    expect(store.read.newestEventSeq()).toBe(0);
    expect(announced).toBe(0);
    open("x");
    expect(announced).toBe(1);
  });

  it("is refused inside another, and when its body is async", () => {
    expect(() => store.write(() => store[write](() => 1))).toThrow(/write inside a write/);
    expect(() => store[write](() => store.write(() => 1))).toThrow(/write inside a write/);
    expect(() => store[write](async () => 1)).toThrow(/async/);
    expect(store[write](() => 1)).toBe(1);
  });

  it("cannot be made with a transaction that is over", () => {
    const tx = store[write]((each) => each);
    expect(() => tx.setSetting("a", "b")).toThrow(/inside write/);
    expect(store.read.setting("a")).toBeUndefined();
  });

  it("stays done when a listener fails, and the next listener still hears of it", () => {
    let heard = 0;
    store.onEvents(() => {
      throw new Error("a listener's own");
    });
    const stop = store.onEvents(() => {
      heard += 1;
    });
    expect(() => open("x")).not.toThrow();
    stop();
    open("y");
    expect(heard).toBe(1);
    expect(store.read.openBranches()).toHaveLength(2);
  });

  it("may be made by a listener", () => {
    const stop = store.onEvents(() => {
      stop();
      store.write((tx) => tx.addEvent({ kind: "target_moved" }));
    });
    open("x");
    expect(store.read.newestEventSeq()).toBe(2);
  });

  it("announces only what was added to", () => {
    let announced = 0;
    store.onEvents(() => {
      announced += 1;
    });
    store.write((tx) => tx.setSetting("a", "b"));
    expect(announced).toBe(0);
  });
});

describe("branches", () => {
  it("are found by name, the newest record first, and only one may be open", () => {
    const first = open("x");
    expect(() => open("x")).toThrow();
    store.write((tx) =>
      tx.endBranch(first.id, { state: "closed", mergeCommit: null, by: null, reason: "gone" }),
    );
    const second = open("x");
    expect(store.read.branchByName("x")).toEqual(second);
    expect(second.id).toBeGreaterThan(first.id);
    expect(store.read.branchByName("X")).toBeUndefined();
  });

  it("are listed by change, newest first, page by page and by state", () => {
    const ids = [1, 2, 3, 4, 5].map((n) => {
      if (n !== 3) clock.tick(1000);
      return open(`b${n}`).id;
    });
    const [first = 0] = ids;
    clock.tick(1000);
    store.write((tx) =>
      tx.endBranch(first, { state: "merged", mergeCommit: sha(9), by: "npub1", reason: null }),
    );
    const pages: number[][] = [];
    let before: { updatedAt: string; id: number } | undefined;
    for (;;) {
      const page = store.read.branches({ limit: 2, before });
      if (page.length === 0) break;
      pages.push(page.map((each) => each.id));
      before = page.at(-1);
    }
    expect(pages).toEqual([[1, 5], [4, 3], [2]]);
    const byState = store.read.branches({ state: "merged", limit: 9 });
    expect(byState).toEqual([expect.objectContaining({ id: first, mergeCommit: sha(9) })]);
    expect(store.read.branches({ state: "closed", limit: 9 })).toEqual([]);
  });

  it("change their time only with what people see", () => {
    const branch = open("x");
    const same = { title: "x", head: branch.head, problem: null };
    clock.tick(1000);
    store.write((tx) => tx.moveBranch(branch.id, { ...same, mergeBase: sha(7) }));
    expect(store.read.branch(branch.id)).toMatchObject({
      mergeBase: sha(7),
      updatedAt: branch.updatedAt,
    });
    store.write((tx) => tx.moveBranch(branch.id, { ...same, mergeBase: null, problem: "bad" }));
    expect(store.read.branch(branch.id)).toMatchObject({
      problem: "bad",
      updatedAt: "2026-01-01T00:00:01.000Z",
    });
    expect(store.read.eventsAfter(0, 9).map((event) => event.kind)).toEqual([
      "branch_opened",
      "branch_problem",
    ]);
  });

  it("that have ended stay as they are", () => {
    const branch = open("x");
    const end = { mergeCommit: null, by: null, reason: null };
    store.write((tx) => tx.endBranch(branch.id, { ...end, state: "closed" }));
    store.write((tx) => {
      tx.endBranch(branch.id, { ...end, state: "merged" });
      tx.moveBranch(branch.id, { title: "", head: sha(2), mergeBase: null, problem: null });
    });
    expect(store.read.branch(branch.id)).toMatchObject({ state: "closed", head: branch.head });
  });
});

describe("events", () => {
  it("are numbered without gaps and read from a number on", () => {
    store.write((tx) => {
      for (const head of [1, 2, 3]) tx.addEvent({ kind: "target_moved", head: sha(head) });
    });
    expect(store.read.eventsAfter(1, 1)).toEqual([
      {
        ...{ seq: 2, kind: "target_moved", branchId: null, runId: null, laneRunId: null },
        ...{ head: sha(2), at: "2026-01-01T00:00:00.000Z" },
      },
    ]);
    expect([store.read.oldestEventSeq(), store.read.newestEventSeq()]).toEqual([1, 3]);
  });

  it("beyond the newest 20,000 are swept; numbers go on", () => {
    store.write((tx) => {
      for (let n = 0; n < 20_010; n += 1) tx.addEvent({ kind: "target_moved" });
      tx.sweep(clock.now().toISOString());
    });
    expect([store.read.oldestEventSeq(), store.read.newestEventSeq()]).toEqual([11, 20_010]);
  });
});

describe("access", () => {
  it("uses a challenge once and not after its time", () => {
    const now = clock.now().toISOString();
    clock.tick(60_000);
    const later = clock.now().toISOString();
    store.write((tx) => {
      tx.addChallenge("one", later);
      tx.addChallenge("two", later);
    });
    expect(store.write((tx) => tx.takeChallenge("one", now))).toBe(true);
    expect(store.write((tx) => tx.takeChallenge("one", now))).toBe(false);
    expect(store.write((tx) => tx.takeChallenge("two", later))).toBe(false);
    expect(store.write((tx) => tx.takeChallenge("never", now))).toBe(false);
  });

  it("knows a token until it expires, is removed or swept", () => {
    const now = clock.now().toISOString();
    clock.tick(1000);
    const later = clock.now().toISOString();
    store.write((tx) => {
      for (const hash of ["a", "b"]) tx.addToken(hash, "npub1", later);
      tx.removeToken("b");
    });
    expect(store.read.tokenOwner("a", now)).toBe("npub1");
    expect(store.read.tokenOwner("a", later)).toBeUndefined();
    expect(store.read.tokenOwner("b", now)).toBeUndefined();
    store.write((tx) => tx.sweep(later));
    expect(store.read.tokenOwner("a", now)).toBeUndefined();
  });

  it("keeps one record per key", () => {
    const key = {
      npub: "npub1",
      name: "agent",
      kind: "agent",
      active: true,
      admin: false,
      canForgeWrite: true,
      note: null,
      approvedBy: null,
      updatedBy: null,
    } as const;
    const createdAt = clock.now().toISOString();
    store.write((tx) => tx.putKey(key));
    clock.tick(1000);
    store.write((tx) => tx.putKey({ ...key, active: false }));
    const updatedAt = clock.now().toISOString();
    expect(store.read.key("npub1")).toEqual({ ...key, active: false, createdAt, updatedAt });
    expect(store.read.key("npub2")).toBeUndefined();
  });
});

describe("the journal, tutorials and settings", () => {
  it("know the newest done move of the target and what is still intended", () => {
    const move = (state: "intended" | "done", targetAfter: string | null) =>
      store.write((tx) =>
        tx.addJournal({
          ...{ kind: "restore", branchId: null, head: null, targetBefore: null, targetAfter },
          ...{ state, by: null, reason: null, forced: true },
        }),
      );
    expect(store.read.lastTargetMove()).toBeUndefined();
    const done = move("done", sha(1));
    move("done", null);
    const intended = move("intended", sha(2));
    expect(store.read.lastTargetMove()).toEqual(done);
    expect(store.read.intendedMoves()).toEqual([intended]);
    store.write((tx) => tx.setJournalState(intended.id, "done"));
    expect(store.read.lastTargetMove()).toEqual({ ...intended, state: "done" });
  });

  it("give the newest tutorial and the last value", () => {
    const branch = open("x");
    for (const document of ["{}", '{"a":1}']) {
      store.write((tx) =>
        tx.putTutorial({ branchId: branch.id, head: branch.head, document, by: "npub1" }),
      );
    }
    expect(store.read.tutorial(branch.id)?.document).toBe('{"a":1}');
    store.write((tx) => tx.setSetting("a", "1"));
    store.write((tx) => tx.setSetting("a", "2"));
    expect(store.read.setting("a")).toBe("2");
  });
});
