import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LandError } from "../../../src/domain/errors.ts";
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
    expect(await at.scene.git(at.scene.forge, "for-each-ref", "refs/heads/x")).toBe("");
  });

  test("another target, and a branch nobody knows", async () => {
    expect(await at.ask({ target: "dev" })).toMatchObject({ code: "wrong_target" });
    expect(await at.ask({ branch: "nobody" })).toMatchObject({ code: "not_found" });
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
