import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LandError } from "../../../src/domain/errors.ts";
import type { WorkingCopy } from "../../../src/git/working-copy.ts";
import { type LandingScene, makeLandingScene } from "../../support/landing.ts";

let at: LandingScene;

beforeEach(async () => {
  at = await makeLandingScene();
});
afterEach(() => at.scene.remove());

describe("refused", () => {
  const cases: Record<string, readonly [string, () => Promise<unknown>]> = {
    "on the target": ["on_target", () => at.scene.git(at.work, "checkout", "-q", "main")],
    "detached head": ["detached_head", () => at.scene.git(at.work, "checkout", "-q", "--detach")],
    "tracked changes": ["uncommitted_changes", () => writeFile(join(at.work, "a.txt"), "unsaved")],
    "operation in progress": [
      "operation_in_progress",
      () => at.scene.git(at.work, "bisect", "start"),
    ],
    "unrelated histories": [
      "unrelated_histories",
      async () => {
        await at.scene.git(at.work, "checkout", "-q", "--orphan", "lonely");
        await at.scene.commit(at.work, { "l.txt": "x\n" });
      },
    ],
    "nothing to land": [
      "nothing_to_land",
      () => at.scene.git(at.work, "checkout", "-q", "-b", "idle", "refs/heads/main"),
    ],
    "a name that another branch is in the way of": [
      "push_rejected",
      () => at.scene.git(at.scene.forge, "update-ref", "refs/heads/x/y", "refs/heads/main"),
    ],
    "no target there": [
      "not_found",
      () => at.scene.git(at.scene.forge, "update-ref", "-d", "refs/heads/main"),
    ],
  };

  test.each(Object.entries(cases))("%s", async (_name, [code, arrange]) => {
    await arrange();
    const end = await at.ask();
    expect(end).toMatchObject({ state: "refused", code });
    expect(end.state === "refused" && end.next.length).toBeGreaterThan(10);
    expect(await at.there("x")).toBeUndefined();
  });

  test("another target, and a branch nobody knows", async () => {
    expect(await at.ask({ target: "dev" })).toMatchObject({ code: "wrong_target" });
    expect(await at.ask({ branch: "nobody" })).toMatchObject({ code: "not_found" });
  });

  test("a push that the remote turns down as moved, though it is where it was", async () => {
    let pushes = 0;
    const stubborn: WorkingCopy = {
      ...at.copy,
      push: async () => {
        pushes += 1;
        throw new LandError("remote_moved", "It moved, it says.", { next: "Look at it." });
      },
    };
    expect(await at.ask({}, stubborn)).toMatchObject({ state: "refused", code: "remote_moved" });
    expect(pushes).toBe(3);
  });

  test("a branch that is not checked out and has commits here which were never pushed", async () => {
    await at.ask({ merge: false });
    const newer = await at.scene.commit(at.work, { "newer.txt": "x\n" });
    await at.scene.git(at.work, "checkout", "-q", "main");
    const end = await at.ask({ branch: "x" });
    expect(end).toMatchObject({ state: "refused", code: "head_moved", head: at.head });
    expect(end.state === "refused" && end.why).toContain(newer.slice(0, 12));
    expect(at.forge.landed).toEqual([]);
    await at.scene.git(at.work, "update-ref", "refs/heads/x", at.head);
    expect(await at.ask({ branch: "x" })).toMatchObject({ state: "landed", head: at.head });
  });

  test.each(["ci_changed", "target_moved_outside", "forbidden", "ci_not_green"] as const)(
    "by the forge with %s, in its words",
    async (code) => {
      const no = () => {
        throw new LandError(code, "The forge says no.", { next: "Ask the owner for it." });
      };
      at.forge.before("requestLanding", no, no, no, no);
      expect(await at.ask()).toMatchObject({
        state: "refused",
        code,
        why: "The forge says no.",
        next: "Ask the owner for it.",
      });
      expect(at.forge.requests.length).toBe(code === "ci_not_green" ? 3 : 1);
    },
  );

  test("changes made while a head is on its way hinder only a rebase", async () => {
    at.forge.ci = () => "running";
    at.clock.happenings.push(async () => {
      await writeFile(join(at.work, "a.txt"), "unsaved\n");
      at.forge.judge(at.head, "success");
    });
    expect(await at.ask()).toMatchObject({ state: "landed" });
    expect(await readFile(join(at.work, "a.txt"), "utf8")).toBe("unsaved\n");
  });
});
