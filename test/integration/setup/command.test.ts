import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { agentHalf } from "../../../src/bin/agent-half.ts";
import { setupsOf } from "../../../src/bin/setups.ts";
import { environmentOf } from "../../../src/config/environment.ts";
import { aRepository } from "../../support/cli.ts";
import { runInProcess } from "../../support/cli-in-process.ts";
import { aSetupScene } from "../../support/setup.ts";

/** The command as it is put together, for a repository of its own. */
async function aCommand() {
  const repository = await aRepository();
  const scene = await aSetupScene();
  const env = { ...repository.env, HOME: scene.home, XDG_STATE_HOME: scene.machine.stateHome };
  const environment = environmentOf({ env, home: scene.home, cwd: repository.repo });
  const own = { root: scene.machine.packageRoot, version: "1.2.3" };
  const setups = setupsOf(agentHalf(environment, own), own);
  return {
    repository,
    scene,
    setup: (...args: string[]) => runInProcess(["setup", ...args], { setups }),
    async [Symbol.asyncDispose]() {
      await repository[Symbol.asyncDispose]();
      await scene[Symbol.asyncDispose]();
    },
  };
}

describe("land setup", () => {
  it("leaves the work tree clean by default, and starts this very installation", async () => {
    await using it = await aCommand();
    expect(await it.setup("codex")).toMatchObject({ code: 0 });
    expect(await it.repository.git("status", "--porcelain")).toBe("");
    const config = await it.scene.read("home/.codex/config.toml");
    expect(config).toContain(`command = "${process.execPath}"`);
    expect(config).toContain(join(it.scene.machine.packageRoot, "dist", "land.js"));
    expect((await it.setup()).out).toMatch(
      /codex +found on this machine · you: set up · this project: not/,
    );
  });

  it("writes to the top of the work tree from anywhere in it, and names what git ignores", async () => {
    await using it = await aCommand();
    await it.repository.write({ ".gitignore": ".vscode\n", "sub/x": "" });
    const { code, out } = await it.setup(
      "vscode",
      "--project",
      "-C",
      join(it.repository.repo, "sub"),
    );
    expect(code).toBe(0);
    expect(out).toContain("git ignores .vscode/mcp.json: `git add --force`");
    const text = await readFile(join(it.repository.repo, ".vscode/mcp.json"), "utf8");
    expect(JSON.parse(text).servers.land).toMatchObject({ command: "land" });
    await it.setup("vscode", "--project", "--undo");
    expect(await it.repository.git("status", "--porcelain")).toBe("?? .gitignore\n?? sub/");
  });

  it("needs a work tree for a project, and none for the user's own", async () => {
    await using it = await aCommand();
    const elsewhere = ["-C", it.scene.home];
    expect(await it.setup("codex", "--project", ...elsewhere)).toMatchObject({ code: 8 });
    expect(await it.setup("codex", ...elsewhere)).toMatchObject({ code: 0 });
    expect((await it.setup(...elsewhere)).out).not.toContain("this project");
  });

  it("tells a refusal with its file, state and next step", async () => {
    await using it = await aCommand();
    await it.scene.write({ "home/.gemini/settings.json": "{" });
    const { code, err } = await it.setup("gemini");
    expect(code).toBe(1);
    expect(err).toMatch(
      /settings\.json: it is not valid JSON[\s\S]*Nothing was changed[\s\S]*--print/,
    );
  });
});
