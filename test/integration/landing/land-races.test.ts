import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LandError } from "../../../src/domain/errors.ts";
import type { WorkingCopy } from "../../../src/git/working-copy.ts";
import { cut, ForgeDouble } from "../../support/forge-double.ts";
import { type LandingScene, makeLandingScene } from "../../support/landing.ts";

let at: LandingScene;

beforeEach(async () => {
  at = await makeLandingScene();
});
afterEach(() => at.scene.remove());

describe("somebody else, between two steps", () => {
  test.each(["pinned", "compared"] as const)("moves the target three times (%s)", async (kind) => {
    at.forge.head = kind;
    const move = (n: number) => async () => {
      await at.scene.elsewhere("main", { [`other${n}.txt`]: "x\n" });
    };
    at.forge.before("requestLanding", move(1), move(2), move(3));
    const end = await at.ask();
    expect(end).toMatchObject({ state: "landed", already: false });
    expect(at.forge.requests).toHaveLength(4);
    await at.expectEachMergeTested();
  });

  test("pushes to the branch: it is told and their work stays", async () => {
    let theirs = "";
    at.forge.before("requestLanding", async () => {
      theirs = await at.scene.elsewhere("x", { "theirs.txt": "x\n" });
    });
    expect(await at.ask()).toMatchObject({ state: "refused", code: "remote_moved" });
    expect(await at.there("x")).toBe(theirs);
    expect(await at.ask()).toMatchObject({ state: "refused", code: "remote_moved" });
    await at.scene.git(at.work, "merge", "-q", "--no-edit", "refs/remotes/forge/x");
    expect(await at.ask()).toMatchObject({ state: "landed" });
  });

  test("pushes to the branch while it is being rebased: the lease holds", async () => {
    await at.ask({ merge: false });
    await at.scene.elsewhere("main", { "other.txt": "x\n" });
    let theirs = "";
    const racing: WorkingCopy = {
      ...at.copy,
      async push(request, signal) {
        theirs = await at.scene.elsewhere("x", { "theirs.txt": "x\n" });
        await at.copy.push(request, signal);
      },
    };
    expect(await at.ask({}, racing)).toMatchObject({ state: "refused", code: "remote_moved" });
    expect(await at.there("x")).toBe(theirs);
  });

  test("closes the branch", async () => {
    at.forge.ci = () => "running";
    at.clock.happenings.push(() => at.forge.closeBranch("x"));
    expect(await at.ask()).toMatchObject({ state: "closed", number: "1" });
    expect(await at.ask()).toMatchObject({ state: "closed" });
    await at.scene.commit(at.work, { "more.txt": "x\n" });
    at.forge.ci = () => "success";
    expect(await at.ask()).toMatchObject({ state: "landed", number: "2" });
  });

  test("closes the branch right before it is landed", async () => {
    at.forge.before("requestLanding", () => at.forge.closeBranch("x"));
    expect(await at.ask()).toMatchObject({ state: "closed" });
  });

  test("lands the same head first", async () => {
    at.forge.ci = () => "running";
    at.clock.happenings.push(() => at.forge.landNow("x"));
    expect(await at.ask()).toMatchObject({ state: "landed", already: true, head: at.head });
    expect(at.forge.requests).toEqual([]);
  });

  test("lands the older head while a newer one is being made", async () => {
    await at.ask({ merge: false });
    await at.scene.elsewhere("main", { "other.txt": "x\n" });
    const racing: WorkingCopy = {
      ...at.copy,
      async push(request, signal) {
        await at.forge.landNow("x");
        await at.copy.push(request, signal);
      },
    };
    expect(await at.ask({}, racing)).toMatchObject({ state: "landed", already: true });
    expect(at.forge.landed).toEqual([{ id: "1", head: at.head }]);
  });

  test("commits here while CI runs: only what was asked for is landed", async () => {
    at.forge.ci = () => "running";
    at.clock.happenings.push(async () => {
      await at.scene.commit(at.work, { "more.txt": "x\n" });
    });
    expect(await at.ask()).toMatchObject({ state: "refused", code: "head_moved" });
    expect(await at.there("x")).toBe(at.head);
  });

  test("checks out another branch here: the pushed head is landed", async () => {
    at.forge.ci = () => "running";
    at.clock.happenings.push(async () => {
      await at.scene.git(at.work, "checkout", "-q", "main");
      at.forge.judge(at.head, "success");
    });
    expect(await at.ask()).toMatchObject({ state: "landed", head: at.head, branch: "x" });
  });

  test("takes the merge back out of the target: it is not called landed", async () => {
    const before = await at.target();
    at.forge.after("requestLanding", async () => {
      await at.scene.git(at.scene.forge, "update-ref", "refs/heads/main", before);
    });
    expect(await at.ask()).toMatchObject({ state: "refused", code: "target_moved_outside" });
  });
});

describe("the forge goes away", () => {
  test("during the request, with the merge done: landed once", async () => {
    at.forge.after("requestLanding", cut);
    expect(await at.ask()).toMatchObject({ state: "landed", already: false });
    expect(at.forge.requests).toHaveLength(1);
  });

  test("during the request, with nothing done: landed once", async () => {
    at.forge.before("requestLanding", cut, cut);
    expect(await at.ask()).toMatchObject({ state: "landed" });
    expect([at.forge.requests.length, at.forge.landed.length]).toEqual([3, 1]);
  });

  test.each(["capabilities", "branch", "ensureChange"] as const)(
    "for a moment, at %s: it goes on",
    async (method) => {
      at.forge.looksByItself = false;
      at.forge.before(method, cut, cut);
      expect(await at.ask()).toMatchObject({ state: "landed" });
    },
  );

  test.each(["capabilities", "branch", "ensureChange", "requestLanding"] as const)(
    "for good, at %s: told with what was done, and asking again lands",
    async (method) => {
      at.forge.looksByItself = method !== "ensureChange";
      at.forge.before(method, ...Array.from({ length: 20 }, () => cut));
      const error = await at.ask().catch((thrown) => thrown);
      expect(error).toBeInstanceOf(LandError);
      expect(error).toMatchObject({
        code: "forge_unreachable",
        state: expect.stringMatching(/Done before|Nothing was changed/),
        next: expect.stringContaining("Land again"),
      });
      at.forge = new ForgeDouble(at.scene);
      expect(await at.ask()).toMatchObject({ state: "landed" });
    },
  );

  test("while a failed lane's log is read: the failure is told all the same", async () => {
    at.forge.ci = () => "failed";
    at.forge.before("log", cut);
    expect(await at.ask()).toMatchObject({ state: "ci_failed", lanes: [{ lane: "unit" }] });
  });
});
