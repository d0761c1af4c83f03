import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { layoutOf } from "../../../src/local/layout.ts";
import { updateSettings } from "../../../src/local/settings.ts";
import { catalogue } from "../../../src/operations/catalogue.ts";
import { worktreeOpener } from "../../../src/operations/open-worktree.ts";
import { answerOf, errorOf } from "../../support/bad-input.ts";
import { type ForgeScene, manifestOf, withForge } from "../../support/cli.ts";
import { runInProcess, scriptedTerminal } from "../../support/cli-in-process.ts";
import { spawnMcp } from "../../support/mcp.ts";

let scene: ForgeScene;

beforeAll(async () => {
  const mover = 'git --git-dir="$XDG_CACHE_HOME/../../../repository.git" update-ref';
  scene = await withForge({
    "ci/forge-lanes.toml": manifestOf({
      unit: ["sh", "-c", `test ! -e evil || ${mover} refs/heads/main "$FORGE_HEAD"`],
    }),
  });
  // As where there is no sandbox at all.
  await updateSettings(layoutOf(scene.stateDir), (before) => ({
    ...before,
    unsandboxedLanes: ["unit"],
  }));
});

afterAll(() => scene[Symbol.asyncDispose]());

const targetNow = () =>
  scene.git("--git-dir", join(scene.stateDir, "repository.git"), "rev-parse", "main");

/** A command at a terminal where a person answers; everything behind it is the product's own. */
async function atTerminal(args: readonly string[], answer: string) {
  const openWorktree = worktreeOpener({
    launcher: () => [process.execPath, "-e", "process.exit(1)"],
    version: "0.0.0",
    env: scene.env,
    cwd: scene.repo,
    stateHome: join(scene.dir, "state"),
  });
  const terminal = scriptedTerminal({ answers: [answer] });
  return runInProcess(
    args,
    { operations: catalogue, openWorktree: (path) => openWorktree(path) },
    terminal,
  );
}

describe("a target that was moved outside the forge", () => {
  it("by a lane: nothing lands, everything says so, and nothing is rebased onto it", async () => {
    const before = await targetNow();
    const behind = await scene.branch("behind", { "behind.txt": "b\n" });
    await scene.branch("evil", { evil: "e\n" });
    expect(await answerOf(scene, [])).toMatchObject({
      exit: 6,
      state: "refused",
      code: "target_moved_outside",
    });
    expect(await targetNow()).not.toBe(before);

    await scene.git("switch", "-q", "behind");
    const refusal = { exit: 6, state: "refused", code: "target_moved_outside" };
    expect(await answerOf(scene, [])).toMatchObject(refusal);
    expect(await errorOf(scene, ["rebase"])).toMatchObject({
      code: 6,
      error: { code: "target_moved_outside", next: expect.stringContaining("land target accept") },
    });
    expect(await scene.git("rev-parse", "behind")).toBe(behind);

    const [status, queue, doctor, target] = await Promise.all([
      scene.land(["status"]),
      scene.land(["queue"]),
      scene.land(["doctor"]),
      scene.land(["target"]),
    ]);
    for (const { out } of [status, queue, doctor, target]) {
      expect(out).toContain("changed outside the forge");
    }
    expect([status, queue, doctor, target].map(({ code }) => code)).toEqual([0, 0, 1, 6]);
  });

  it("is not settled by an argument alone", async () => {
    const before = await targetNow();
    for (const args of [
      ["target", "restore"],
      ["target", "accept"],
      ["recover", "reset_target"],
    ]) {
      expect(await errorOf(scene, args)).toMatchObject({ code: 6, error: { code: "forbidden" } });
    }
    const declined = await atTerminal(["target", "restore"], "yes");
    expect(declined).toMatchObject({
      code: 6,
      err: expect.stringContaining("Nothing was changed"),
    });
    expect(await targetNow()).toBe(before);
  });

  it("is put back through a question that a person answers; then the work lands", async () => {
    const moved = await targetNow();
    await using mcp = await spawnMcp(scene.repo, scene.env, {
      client: { capabilities: { elicitation: {} } },
    });
    mcp.client.setRequestHandler("elicitation/create", async ({ params }) => {
      expect(params.message).toContain("Put back what the forge left there?");
      return { action: "accept", content: { number: "main" } };
    });
    const answer = await mcp.client.callTool({
      name: "recover_ci",
      arguments: { action: "reset_target" },
    });
    expect(answer.structuredContent).toMatchObject({ done: expect.stringContaining("(restore)") });
    expect(await targetNow()).not.toBe(moved);
    expect(await scene.git("ls-remote", "forge", "refs/heads/evil")).toContain(moved);
    expect(await answerOf(scene, [])).toMatchObject({ exit: 0, state: "landed" });
    expect(await scene.git("ls-tree", "--name-only", "forge/main")).not.toContain("evil");
  });

  it("is accepted at a terminal, by who types the target's name; then the work lands", async () => {
    const head = await scene.branch("after", { "after.txt": "a\n" });
    const bare = join(scene.stateDir, "repository.git");
    const byHand = await scene.git(
      "commit-tree",
      "-p",
      "forge/main",
      "-m",
      "x",
      "forge/main^{tree}",
    );
    await scene.git("push", "-q", "forge", `${byHand}:refs/heads/by-hand`);
    await scene.git("--git-dir", bare, "update-ref", "refs/heads/main", byHand);
    const settled = await atTerminal(["target", "accept"], "main");
    expect(settled).toMatchObject({ code: 0, out: expect.stringContaining("(accept)") });
    expect(settled.asked[0]).toContain("type the target's name: main");
    expect(await targetNow()).toBe(byHand);
    expect(await answerOf(scene, [])).toMatchObject({ exit: 0, state: "landed" });
    expect(await scene.git("rev-parse", "HEAD~1")).toBe(byHand);
    expect(await scene.git("rev-parse", "HEAD")).not.toBe(head);
    expect((await scene.land(["target"])).out).toContain("nothing to settle");
  });
});
