import { afterEach, describe, expect, it } from "vitest";
import { launcher, runToEnd } from "../../support/cli.ts";
import { spawnMcp } from "../../support/mcp.ts";
import type { Revision } from "../../support/reference/index.ts";
import { type ReferenceScene, referenceScene } from "../../support/reference-scene.ts";

let scene: ReferenceScene | undefined;
afterEach(async () => {
  await scene?.[Symbol.asyncDispose]();
  scene = undefined;
});

describe.each<Revision>(["seed", "head"])("the built package on the reference, %s", (revision) => {
  it("lands from the command line with the reference client's session", async () => {
    scene = await referenceScene({ revision, autoCi: "success" });
    const { repo, env } = scene;
    const land = (...args: string[]) =>
      runToEnd(process.execPath, [launcher, ...args], { cwd: repo, env });
    const head = await scene.commit("feature/cli", { "cli.txt": "1\n" });
    const landed = await land("--json", "--max-seconds", "50");
    expect(landed).toMatchObject({ code: 0 });
    expect(landed.json()).toMatchObject({ state: "landed", head, target: "master" });
    expect(await scene.onTarget(head)).toBe(true);
    const other = await land("status", "--base-url", "http://127.0.0.1:9");
    expect(other).toMatchObject({ code: 1, err: expect.stringContaining("refusing to reuse") });
    expect(`${landed.out}${landed.err}`).not.toMatch(/[0-9a-f]{64}/);
  });

  it("lands over MCP, after a red lane was read and mended", async () => {
    scene = await referenceScene({
      revision,
      autoCi: { status: "failed", log: "Error: this is why\n" },
    });
    await using on = await spawnMcp(scene.repo, scene.env);
    const call = async (name: string, given: Record<string, unknown> = {}) =>
      (await on.client.callTool({ name, arguments: given })).structuredContent;
    await scene.commit("feature/mcp", { "mcp.txt": "1\n" });
    expect(await call("land_branch", { max_seconds: 50 })).toMatchObject({
      state: "ci_failed",
      lanes: [{ lane: "check", log: expect.stringContaining("this is why") }],
    });
    scene.forge.autoCi("success");
    const head = await scene.commit("feature/mcp", { "mcp.txt": "2\n" });
    expect(await call("land_branch", { max_seconds: 50 })).toMatchObject({ state: "landed", head });
    expect(await scene.onTarget(head)).toBe(true);
  });
});
