import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Database } from "../../../src/server/store/database.ts";
import { migrate } from "../../../src/server/store/migrate.ts";
import { migration as first } from "../../../src/server/store/migrations/001-first.ts";
import { openStore } from "../../../src/server/store/open-store.ts";
import type { Store } from "../../../src/server/store/store.ts";
import { HandClock, lane } from "../../support/canonical.ts";

let dir: string;
let file: string;
let clock: HandClock;
const open: Store[] = [];
const opened = () => {
  const store = openStore(file, clock);
  open.push(store);
  return store;
};
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "land-nightly-store-"));
  file = join(dir, "store.sqlite");
  clock = new HandClock();
});
afterEach(async () => {
  for (const store of open.splice(0)) store.close();
  await rm(dir, { recursive: true, force: true });
});

const head = "1".repeat(40);
const nightly = (store: Store, at: string, lanes = [lane("deep")]) =>
  store.write((tx) =>
    tx.createNightly({
      at,
      sourceRef: "refs/heads/main",
      summary: null,
      head,
      partial: false,
      rerunOf: null,
      reason: null,
      note: null,
      status: "success",
      lanes,
    }),
  );

describe("a store of the first version", () => {
  it("is brought up to date with what it holds", () => {
    const old = new Database(file);
    migrate(old, file, [first]);
    old.transaction(() =>
      old.change(
        `INSERT INTO branches (name, title, state, target, head, created_at, updated_at)
         VALUES ('kept', 'Kept', 'open', 'main', :head, 't', 't')`,
        { head },
      ),
    );
    old.close();
    const store = opened();
    expect(store.read.branchByName("kept")?.head).toBe(head);
    expect(store.read.nightlies({ limit: 5 })).toEqual([]);
    const run = nightly(store, "2026-01-01T08:00:00.000Z");
    expect(store.read.nightly(run.id)?.sourceRef).toBe("refs/heads/main");
  });
});

describe("nightlies", () => {
  it("are runs without a branch, and their lanes wait like any other", () => {
    const store = opened();
    const run = nightly(store, "2026-01-01T08:00:00.000Z");
    expect(run).toMatchObject({ subject: "nightly", branchId: null, status: "queued" });
    expect(store.read.waitingLanes().map((each) => each.lane)).toEqual(["deep"]);
    expect(store.read.nightly(run.id + 1)).toBeUndefined();
  });

  it("never share a time", () => {
    const store = opened();
    const at = "2026-01-01T08:00:00.000Z";
    const runs = [nightly(store, at), nightly(store, at), nightly(store, at)];
    expect(runs.map((run) => store.read.nightly(run.id)?.scheduledFor)).toEqual([
      at,
      "2026-01-01T08:00:00.001Z",
      "2026-01-01T08:00:00.002Z",
    ]);
    expect(store.read.nightlyAt(at)?.runId).toBe(runs[0]?.id);
  });

  it("are listed latest first, page by page", () => {
    const store = opened();
    const days = ["03", "01", "05", "02", "04"].map((day) => `2026-01-${day}T08:00:00.000Z`);
    for (const day of days) nightly(store, day, []);
    const page = store.read.nightlies({ limit: 2 }).map((each) => each.scheduledFor.slice(8, 10));
    const rest = store.read.nightlies({ limit: 9, before: "2026-01-04T08:00:00.000Z" });
    expect(page).toEqual(["05", "04"]);
    expect(rest.map((each) => each.scheduledFor.slice(8, 10))).toEqual(["03", "02", "01"]);
  });
});

describe("an external runner's id", () => {
  it("belongs to the lane that named it first", () => {
    const store = opened();
    const lease = { now: "2026-01-01T00:00:00.000Z", expiresAt: "2026-01-01T00:01:00.000Z" };
    nightly(store, "2026-01-01T08:00:00.000Z", [lane("one"), lane("two")]);
    const claimed = store.read
      .waitingLanes()
      .map(({ id }) => store.write((tx) => tx.claimLane(id, lease)));
    for (const each of claimed) {
      if (each === undefined) throw new Error("not claimed");
      store.write((tx) =>
        tx.recordExecutorIds(each.id, each.claimToken, { runId: "run-1", targetId: null }),
      );
    }
    expect(store.read.laneOfExecutor("run-1")?.lane).toBe("one");
    expect(store.read.laneOfExecutor("run-2")).toBeUndefined();
  });
});
