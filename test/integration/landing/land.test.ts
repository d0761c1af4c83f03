import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LandError } from "../../../src/domain/errors.ts";
import type { WorkingCopy } from "../../../src/git/working-copy.ts";
import type { LandingEnd, LandingOptions } from "../../../src/landing/ends.ts";
import { land } from "../../../src/landing/land.ts";
import { cut, ForgeDouble, HandClock } from "../../support/forge-double.ts";
import { makeScene, type Scene } from "../../support/worktrees.ts";

let scene: Scene;
let work: string;
let copy: WorkingCopy;
let forge: ForgeDouble;
let clock: HandClock;
let head: string;
let stop: AbortController;

beforeEach(async () => {
  scene = await makeScene();
  work = await scene.clone("work");
  await scene.git(work, "checkout", "-q", "-b", "x");
  head = await scene.commit(work, { "mine.txt": "mine\n" });
  copy = await scene.open(work);
  forge = new ForgeDouble(scene);
  clock = new HandClock();
  stop = new AbortController();
});
afterEach(() => scene.remove());

function ask(options: Partial<LandingOptions> = {}, where = copy): Promise<LandingEnd> {
  return land(
    {
      copy: where,
      forge,
      remote: "forge",
      changes: clock.subscribe,
      clock,
      signal: stop.signal,
      progress: () => {},
    },
    {
      branch: undefined,
      target: undefined,
      dryRun: false,
      maxSeconds: 60,
      merge: true,
      ...options,
    },
  );
}

const target = () => scene.git(scene.forge, "rev-parse", "refs/heads/main");
const there = (branch: string) => copy.remoteTip("forge", branch);

/** Each landed head was green and contained the target's tip: each merge brings only that head. */
async function expectEachMergeTested(): Promise<void> {
  const merges = await scene.git(scene.forge, "log", "--merges", "--format=%T %P", "main");
  for (const line of merges.split("\n").filter((text) => text !== "")) {
    const [tree, , merged] = line.split(" ");
    expect(await scene.git(scene.forge, "rev-parse", `${merged}^{tree}`)).toBe(tree);
  }
}

test("rebases, pushes, waits, lands and verifies; asked again, it has landed already", async () => {
  await scene.elsewhere("main", { "other.txt": "other\n" });
  forge.ci = () => "running";
  clock.happenings.push(async () => forge.judge((await there("x")) ?? "", "success"));
  const end = await ask();
  expect(end).toMatchObject({ state: "landed", already: false, branch: "x", number: "1" });
  expect(end.state === "landed" && end.mergeCommit).toBe(await target());
  expect(await copy.localTip("x")).toBe(end.head);
  expect(await there("x")).toBeUndefined();
  await expectEachMergeTested();
  expect(await ask()).toMatchObject({ state: "landed", already: true, head: end.head });
  expect(forge.landed).toHaveLength(1);
});

test("a dry run tells the plan and changes nothing", async () => {
  await scene.elsewhere("main", { "other.txt": "other\n" });
  const end = await ask({ dryRun: true });
  expect(end).toMatchObject({ state: "planned", head });
  expect(end.state === "planned" && end.plan.map((line) => line.split(" ")[0])).toEqual([
    "rebase",
    "push",
    "wait",
    "wait",
    "ask",
    "verify",
    "landed",
  ]);
  expect([await copy.localTip("x"), await there("x")]).toEqual([head, undefined]);
});

test("a conflict is an end until it is resolved", async () => {
  await scene.elsewhere("main", { "mine.txt": "theirs\n" });
  const first = await ask();
  expect(first).toMatchObject({ state: "conflict", files: [{ path: "mine.txt" }], branch: "x" });
  expect(await ask()).toMatchObject({ state: "conflict", files: [{ path: "mine.txt" }] });
  await writeFile(join(work, "mine.txt"), "both\n");
  await scene.git(work, "add", "mine.txt");
  expect((await copy.continueRebase()).state).toBe("rebased");
  expect(await ask()).toMatchObject({ state: "landed" });
});

test("failed CI ends with the lane and the part of its log that matters; a fix lands", async () => {
  forge.ci = (sha) => (sha === head ? "failed" : "success");
  expect(await ask()).toMatchObject({
    state: "ci_failed",
    lanes: [{ lane: "unit", failureKind: "test_failure", log: "one\ntwo\nError: it broke" }],
  });
  expect(await ask()).toMatchObject({ state: "ci_failed" });
  await scene.commit(work, { "mine.txt": "fixed\n" });
  expect(await ask()).toMatchObject({ state: "landed" });
});

test("time that is up ends in waiting, and asking again goes on", async () => {
  forge.ci = () => "running";
  expect(await ask({ maxSeconds: 30 })).toMatchObject({ state: "waiting", on: "CI on the head" });
  expect(clock.now()).toBe(30_000);
  expect(await ask({ maxSeconds: 0 })).toMatchObject({ state: "waiting" });
  forge.judge(head, "success");
  expect(await ask({ maxSeconds: 0 })).toMatchObject({ state: "landed" });
});

test("merge=false stops when it is green", async () => {
  expect(await ask({ merge: false })).toMatchObject({ state: "green", head });
  expect(forge.requests).toEqual([]);
});

test("work in a linked worktree lands", async () => {
  await scene.git(work, "worktree", "add", "-q", "-b", "y", "../linked", "refs/heads/main");
  const dir = join(scene.dir, "linked");
  await scene.commit(dir, { "y.txt": "y\n" });
  await scene.elsewhere("main", { "other.txt": "other\n" });
  expect(await ask({}, await scene.open(dir))).toMatchObject({ state: "landed", branch: "y" });
  expect(await copy.localTip("x")).toBe(head);
});

describe("somebody else, between two steps", () => {
  test.each(["pinned", "compared"] as const)("moves the target three times (%s)", async (kind) => {
    forge.head = kind;
    const move = (n: number) => async () => {
      await scene.elsewhere("main", { [`other${n}.txt`]: "x\n" });
    };
    forge.before("requestLanding", move(1), move(2), move(3));
    const end = await ask();
    expect(end).toMatchObject({ state: "landed", already: false });
    expect(forge.requests).toHaveLength(4);
    await expectEachMergeTested();
  });

  test("pushes to the branch: it is told and their work stays", async () => {
    let theirs = "";
    forge.before("requestLanding", async () => {
      theirs = await scene.elsewhere("x", { "theirs.txt": "x\n" });
    });
    expect(await ask()).toMatchObject({ state: "refused", code: "remote_moved" });
    expect(await there("x")).toBe(theirs);
    expect(await ask()).toMatchObject({ state: "refused", code: "remote_moved" });
    await scene.git(work, "merge", "-q", "--no-edit", "refs/remotes/forge/x");
    expect(await ask()).toMatchObject({ state: "landed" });
  });

  test("pushes to the branch while it is being rebased: the lease holds", async () => {
    await ask({ merge: false });
    await scene.elsewhere("main", { "other.txt": "x\n" });
    let theirs = "";
    const racing: WorkingCopy = {
      ...copy,
      async push(request, signal) {
        theirs = await scene.elsewhere("x", { "theirs.txt": "x\n" });
        await copy.push(request, signal);
      },
    };
    expect(await ask({}, racing)).toMatchObject({ state: "refused", code: "remote_moved" });
    expect(await there("x")).toBe(theirs);
  });

  test("closes the branch", async () => {
    forge.ci = () => "running";
    clock.happenings.push(() => forge.closeBranch("x"));
    expect(await ask()).toMatchObject({ state: "closed", number: "1" });
    expect(await ask()).toMatchObject({ state: "closed" });
    await scene.commit(work, { "more.txt": "x\n" });
    forge.ci = () => "success";
    expect(await ask()).toMatchObject({ state: "landed", number: "2" });
  });

  test("closes the branch right before it is landed", async () => {
    forge.before("requestLanding", () => forge.closeBranch("x"));
    expect(await ask()).toMatchObject({ state: "closed" });
  });

  test("lands the same head first", async () => {
    forge.ci = () => "running";
    clock.happenings.push(() => forge.landNow("x"));
    expect(await ask()).toMatchObject({ state: "landed", already: true, head });
    expect(forge.requests).toEqual([]);
  });

  test("lands the older head while a newer one is being made", async () => {
    await ask({ merge: false });
    await scene.elsewhere("main", { "other.txt": "x\n" });
    const racing: WorkingCopy = {
      ...copy,
      async push(request, signal) {
        await forge.landNow("x");
        await copy.push(request, signal);
      },
    };
    expect(await ask({}, racing)).toMatchObject({ state: "landed", already: true });
    expect(forge.landed).toEqual([{ id: "1", head }]);
  });

  test("commits here while CI runs: only what was asked for is landed", async () => {
    forge.ci = () => "running";
    clock.happenings.push(async () => {
      await scene.commit(work, { "more.txt": "x\n" });
    });
    expect(await ask()).toMatchObject({ state: "refused", code: "head_moved" });
    expect(await there("x")).toBe(head);
  });

  test("checks out another branch here: the pushed head is landed", async () => {
    forge.ci = () => "running";
    clock.happenings.push(async () => {
      await scene.git(work, "checkout", "-q", "main");
      forge.judge(head, "success");
    });
    expect(await ask()).toMatchObject({ state: "landed", head, branch: "x" });
  });

  test("takes the merge back out of the target: it is not called landed", async () => {
    const before = await target();
    forge.after("requestLanding", async () => {
      await scene.git(scene.forge, "update-ref", "refs/heads/main", before);
    });
    expect(await ask()).toMatchObject({ state: "refused", code: "target_moved_outside" });
  });
});

describe("the forge goes away", () => {
  test("during the request, with the merge done: landed once", async () => {
    forge.after("requestLanding", cut);
    expect(await ask()).toMatchObject({ state: "landed", already: false });
    expect(forge.requests).toHaveLength(1);
  });

  test("during the request, with nothing done: landed once", async () => {
    forge.before("requestLanding", cut, cut);
    expect(await ask()).toMatchObject({ state: "landed" });
    expect([forge.requests.length, forge.landed.length]).toEqual([3, 1]);
  });

  test.each(["capabilities", "branch", "ensureChange"] as const)(
    "for a moment, at %s: it goes on",
    async (method) => {
      forge.looksByItself = false;
      forge.before(method, cut, cut);
      expect(await ask()).toMatchObject({ state: "landed" });
    },
  );

  test.each(["capabilities", "branch", "ensureChange", "requestLanding"] as const)(
    "for good, at %s: told with what was done, and asking again lands",
    async (method) => {
      forge.looksByItself = method !== "ensureChange";
      forge.before(method, ...Array.from({ length: 20 }, () => cut));
      const error = await ask().catch((thrown) => thrown);
      expect(error).toBeInstanceOf(LandError);
      expect(error).toMatchObject({
        code: "forge_unreachable",
        state: expect.stringMatching(/Done before|Nothing was changed/),
        next: expect.stringContaining("Land again"),
      });
      forge = new ForgeDouble(scene);
      expect(await ask()).toMatchObject({ state: "landed" });
    },
  );

  test("while a failed lane's log is read: the failure is told all the same", async () => {
    forge.ci = () => "failed";
    forge.before("log", cut);
    expect(await ask()).toMatchObject({ state: "ci_failed", lanes: [{ lane: "unit" }] });
  });
});

describe("refused", () => {
  const cases: Record<string, readonly [string, () => Promise<unknown>]> = {
    "on the target": ["on_target", () => scene.git(work, "checkout", "-q", "main")],
    "detached head": ["detached_head", () => scene.git(work, "checkout", "-q", "--detach")],
    "tracked changes": ["uncommitted_changes", () => writeFile(join(work, "a.txt"), "unsaved")],
    "operation in progress": ["operation_in_progress", () => scene.git(work, "bisect", "start")],
    "unrelated histories": [
      "unrelated_histories",
      async () => {
        await scene.git(work, "checkout", "-q", "--orphan", "lonely");
        await scene.commit(work, { "l.txt": "x\n" });
      },
    ],
    "nothing to land": [
      "nothing_to_land",
      () => scene.git(work, "checkout", "-q", "-b", "idle", "refs/heads/main"),
    ],
    "no target there": [
      "not_found",
      () => scene.git(scene.forge, "update-ref", "-d", "refs/heads/main"),
    ],
  };

  test.each(Object.entries(cases))("%s", async (_name, [code, arrange]) => {
    await arrange();
    const end = await ask();
    expect(end).toMatchObject({ state: "refused", code });
    expect(end.state === "refused" && end.next.length).toBeGreaterThan(10);
    expect(await scene.git(scene.forge, "for-each-ref", "refs/heads/x")).toBe("");
  });

  test("another target, and a branch nobody knows", async () => {
    expect(await ask({ target: "dev" })).toMatchObject({ code: "wrong_target" });
    expect(await ask({ branch: "nobody" })).toMatchObject({ code: "not_found" });
  });

  test.each(["ci_changed", "target_moved_outside", "forbidden", "ci_not_green"] as const)(
    "by the forge with %s, in its words",
    async (code) => {
      const no = () => {
        throw new LandError(code, "The forge says no.", { next: "Ask the owner for it." });
      };
      forge.before("requestLanding", no, no, no, no);
      expect(await ask()).toMatchObject({
        state: "refused",
        code,
        why: "The forge says no.",
        next: "Ask the owner for it.",
      });
      expect(forge.requests.length).toBe(code === "ci_not_green" ? 3 : 1);
    },
  );

  test("changes made while a head is on its way hinder only a rebase", async () => {
    forge.ci = () => "running";
    clock.happenings.push(async () => {
      await writeFile(join(work, "a.txt"), "unsaved\n");
      forge.judge(head, "success");
    });
    expect(await ask()).toMatchObject({ state: "landed" });
    expect(await readFile(join(work, "a.txt"), "utf8")).toBe("unsaved\n");
  });
});

describe("a branch that is not checked out", () => {
  test("is landed as it was pushed", async () => {
    await ask({ merge: false });
    await scene.git(work, "checkout", "-q", "main");
    await writeFile(join(work, "a.txt"), "unsaved\n");
    expect(await ask({ branch: "x" })).toMatchObject({ state: "landed", head });
    expect(await ask({ branch: "x" })).toMatchObject({ state: "landed", already: true });
  });

  test("is not rebased", async () => {
    await ask({ merge: false });
    await scene.git(work, "checkout", "-q", "main");
    await scene.elsewhere("main", { "other.txt": "x\n" });
    expect(await ask({ branch: "x" })).toMatchObject({ state: "refused", code: "target_moved" });
  });
});

describe("with a queue", () => {
  beforeEach(() => {
    forge.rule = "queue";
    forge.ci = () => "running";
  });

  test("hands over at once, behind the target, and waits for the answer", async () => {
    await scene.elsewhere("main", { "other.txt": "x\n" });
    clock.happenings.push(
      () => {},
      () => forge.landNow("x"),
    );
    expect(await ask()).toMatchObject({ state: "landed", already: false, head });
    expect(forge.requests).toHaveLength(1);
  });

  test("says truthfully that the queue has it", async () => {
    expect(await ask({ maxSeconds: 5 })).toMatchObject({
      state: "waiting",
      on: expect.stringContaining("queue"),
    });
  });

  test("rebases where the queue tells of a text conflict", async () => {
    await scene.elsewhere("main", { "other.txt": "x\n" });
    forge.before("requestLanding", () => {
      throw new LandError("merge_conflict", "It conflicts.");
    });
    clock.happenings.push(
      () => {},
      () => forge.landNow("x"),
    );
    const end = await ask();
    expect(end).toMatchObject({ state: "landed" });
    expect(end.head).not.toBe(head);
  });
});

test("cancelling tells what was done before", async () => {
  forge.ci = () => "running";
  clock.happenings.push(() => stop.abort());
  await expect(ask()).rejects.toMatchObject({
    code: "cancelled",
    state: expect.stringContaining("pushed"),
  });
});
