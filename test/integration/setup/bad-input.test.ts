import { chmod, chown, lstat, mkdir, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { LandError } from "../../../src/domain/errors.ts";
import { surveyClients } from "../../../src/setup/setup.ts";
import type { Client } from "../../../src/setup/shapes.ts";
import { aSetupScene, type SetupHow, type SetupScene } from "../../support/setup.ts";

/** Expects a refusal in clear words, and that nothing whatever changed. */
async function refused(scene: SetupScene, client: Client, words: RegExp, how: SetupHow = {}) {
  const before = await scene.tree();
  const error = await scene.run(client, how).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof LandError)) throw new Error(`not refused: ${error}`);
  expect(error.message).toMatch(words);
  expect(error.state).toMatch(/^Nothing was changed/);
  expect(error.next ?? "").not.toBe("");
  expect(await scene.tree()).toEqual(before);
  return error;
}

const mcp = "home/.cursor/mcp.json";
const isRoot = process.getuid?.() === 0;

describe("land setup meets", () => {
  it.each([
    ["a cut JSON file", mcp, '{\n"mcpServers": {', /mcp\.json: it is not valid JSON .*line 2/],
    ["a JSON list", mcp, "[]", /it holds no JSON object/],
    ["servers that are no object", mcp, '{"mcpServers": []}', /`mcpServers` is not an object/],
    [
      "a key that is there twice",
      mcp,
      '{"mcpServers":{},\n"mcpServers":{}}',
      /`mcpServers` is there twice, line 2/,
    ],
    [
      "an entry of the same name",
      mcp,
      '{"mcpServers":{"land":{"command":"x"}}}',
      /`mcpServers\.land` is there already/,
    ],
    [
      "an entry of another kind",
      mcp,
      '{"mcpServers":{"land":"x"}}',
      /`mcpServers\.land` is there already/,
    ],
    [
      "hooks that are no list",
      "home/.cursor/hooks.json",
      '{"hooks":{"sessionStart":{}}}',
      /is not a list/,
    ],
    [
      "a file of the same name",
      "home/.cursor/skills/land/SKILL.md",
      "mine",
      /SKILL\.md: a file of this name/,
    ],
  ])("%s", async (_, path, text, words) => {
    await using scene = await aSetupScene();
    await scene.write({ [path]: text });
    await refused(scene, "cursor", words);
  });

  it("broken TOML, and TOML that no table can be added to", async () => {
    await using scene = await aSetupScene();
    await scene.write({ "home/.codex/config.toml": "model = 1\nx = [" });
    await refused(scene, "codex", /config\.toml: it is not valid TOML/);
    await scene.write({ "home/.codex/config.toml": 'mcp_servers = { a = { command = "x" } }\n' });
    await refused(scene, "codex", /cannot be written there without harm/);
  });

  it("marks that somebody tore apart", async () => {
    await using scene = await aSetupScene();
    await scene.write({ "home/.codex/AGENTS.md": "<!-- forge-landing-kit:begin -->\ntext\n" });
    await refused(scene, "codex", /marks do not belong together/);
  });

  it("several at once, and tells them all", async () => {
    await using scene = await aSetupScene();
    await scene.write({ [mcp]: "{", "home/.cursor/hooks.json": "[" });
    const error = await refused(scene, "cursor", /2 files stand in the way/);
    expect(error.message).toMatch(/mcp\.json[\s\S]*hooks\.json/);
  });

  it("a file that is read-only, unless nothing has to change in it", async () => {
    await using scene = await aSetupScene();
    await scene.write({ [mcp]: "{}" });
    await chmod(join(scene.home, ".cursor/mcp.json"), 0o444);
    await refused(scene, "cursor", /mcp\.json: it is read-only/);
    await chmod(join(scene.home, ".cursor/mcp.json"), 0o644);
    await scene.run("cursor");
    await chmod(join(scene.home, ".cursor/mcp.json"), 0o444);
    expect((await scene.run("cursor")).files).toEqual([]);
  });

  it("a folder that is read-only", async () => {
    await using scene = await aSetupScene();
    await scene.write({ [mcp]: "{}" });
    await chmod(join(scene.home, ".cursor"), 0o555);
    await refused(scene, "cursor", /the folder .*\.cursor is read-only/);
    await chmod(join(scene.home, ".cursor"), 0o755);
  });

  it("a link to a file of the user's own, which it keeps and writes through", async () => {
    await using scene = await aSetupScene();
    await scene.write({ "home/dotfiles/mcp.json": "{}\n", "home/.cursor/x": "" });
    await symlink("../dotfiles/mcp.json", join(scene.home, ".cursor/mcp.json"));
    const before = await scene.tree();
    await scene.run("cursor");
    expect((await lstat(join(scene.home, ".cursor/mcp.json"))).isSymbolicLink()).toBe(true);
    expect(await scene.read("home/dotfiles/mcp.json")).toContain("land.js");
    await scene.run("cursor", { undo: true });
    expect(await scene.tree()).toEqual(before);
  });

  it("links that lead nowhere, in circles, and to folders", async () => {
    await using scene = await aSetupScene();
    const at = join(scene.home, ".cursor/mcp.json");
    await mkdir(join(scene.home, ".cursor"));
    for (const [to, words] of [
      ["nowhere", /it is a link that leads nowhere/],
      ["mcp.json", /it is a link in a circle/],
      ["..", /which is a folder/],
    ] as const) {
      await symlink(to, at);
      await refused(scene, "cursor", words);
      await rm(at);
    }
    await rm(join(scene.home, ".cursor"), { recursive: true });
    await symlink("nowhere", join(scene.home, ".cursor"));
    await refused(scene, "cursor", /the folder .*\.cursor is a link that leads nowhere/);
  });

  it.skipIf(!isRoot)("a link to another user's file (needs root)", async () => {
    await using scene = await aSetupScene();
    await scene.write({ "home/theirs.json": "{}", "home/.cursor/x": "" });
    await chown(join(scene.home, "theirs.json"), 12345, 12345);
    await symlink("../theirs.json", join(scene.home, ".cursor/mcp.json"));
    await refused(scene, "cursor", /theirs\.json, which belongs to another user/);
  });

  it("a project's link that leads out of the work tree", async () => {
    await using scene = await aSetupScene();
    await scene.write({ "home/.claude.json": "{}" });
    await symlink("../home/.claude.json", join(scene.project, ".mcp.json"));
    await refused(scene, "claude-code", /leads out of the work tree/, { project: true });
    await rm(join(scene.project, ".mcp.json"));
    await symlink("../home", join(scene.project, ".claude"));
    await refused(scene, "claude-code", /leads out of the work tree/, { project: true });
  });

  it("a folder in a file's place, and a file in a folder's", async () => {
    await using scene = await aSetupScene();
    await mkdir(join(scene.home, ".cursor/mcp.json"), { recursive: true });
    await refused(scene, "cursor", /mcp\.json: it is a folder/);
    await rm(join(scene.home, ".cursor"), { recursive: true });
    await scene.write({ "home/.cursor": "a file" });
    await refused(scene, "cursor", /is a file and not a folder|is not a folder/);
  });

  it("a file in the way, and prints what it lacks", async () => {
    await using scene = await aSetupScene();
    await scene.write({ [mcp]: "{", "home/.cursor/hooks.json": "{}" });
    await chmod(join(scene.home, ".cursor/hooks.json"), 0o444);
    const { files, problem } = await scene.plan("cursor");
    expect(problem?.message).toMatch(/mcp\.json[\s\S]*hooks\.json: it is read-only/);
    const of = (name: string) => files.find(({ path }) => path.endsWith(name));
    expect(of("mcp.json")).toMatchObject({ action: "by_hand" });
    expect(of("mcp.json")?.diff.join("\n")).toContain('+  "mcpServers"');
    expect(of("hooks.json")).toMatchObject({ action: "change" });
    await refused(scene, "cursor", /2 files stand in the way/);
  });

  it.each([
    [
      "claude-code",
      "home/.claude/settings.json",
      '{\n"a": 1 // why\n}',
      "loads nothing of it while it has a comment, line 2",
    ],
    [
      "claude-code",
      "home/.claude.json",
      '{"a": [1,\n2,]}',
      "takes it for damaged while it has a trailing comma, line 2",
    ],
    [
      "claude-code",
      "project/.mcp.json",
      "/**/{}",
      "takes it for damaged while it has a comment, line 1",
    ],
    [
      "codex",
      "home/.codex/hooks.json",
      "\uFEFF{}",
      "runs no hook of it while it has a byte order mark.",
    ],
    [
      "gemini",
      "home/.gemini/settings.json",
      '{ "a": 1,\n// why\n}',
      "does not start while it has a trailing comma, line 1",
    ],
    [
      "gemini",
      "home/.gemini/settings.json",
      "\uFEFF{}",
      "does not start while it has a byte order mark.",
    ],
    [
      "copilot",
      "home/.copilot/hooks/forge-landing-kit.json",
      "{} // why",
      "runs no hook of it while it has a comment, line 1",
    ],
  ] as const)("%s with %s that it would not read", async (client, path, text, words) => {
    await using scene = await aSetupScene();
    const strict = '{ "a": [",}", "//", { "b": [] }, {}] }';
    await scene.write({ [path]: strict });
    const how = { project: path.startsWith("project/") };
    await scene.run(client, how);
    await scene.run(client, { ...how, undo: true });
    expect(await scene.read(path)).toBe(strict);
    await scene.write({ [path]: text });
    await refused(scene, client, new RegExp(words), how);
    const found = await surveyClients(scene.machine, scene.project);
    const state = found.find((one) => one.client === client);
    expect(how.project ? state?.project : state?.user).toBe("unknown");
  });

  it("a file that became unreadable for its client, says so, and can be undone", async () => {
    await using scene = await aSetupScene();
    await scene.run("claude-code");
    const path = "home/.claude/settings.json";
    await scene.write({ [path]: `// mine\n${await scene.read(path)}` });
    await refused(scene, "claude-code", /loads nothing of it while it has a comment, line 1/);
    await scene.run("claude-code", { undo: true });
    expect(await scene.read(path)).toBe("// mine\n{}\n");
  });

  it("comments where it is not known what the client makes of them, and says so", async () => {
    await using scene = await aSetupScene();
    await scene.write({ [mcp]: "{\n// why\n}" });
    const { notes } = await scene.run("cursor");
    expect(notes.join()).toMatch(/mcp\.json: Cursor may load nothing of it .* comment \(line 2\)/);
  });

  it("a document nested beyond reading", async () => {
    await using scene = await aSetupScene();
    await scene.write({ [mcp]: `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}` });
    await refused(scene, "cursor", /mcp\.json: it is nested too deeply/);
    expect((await scene.plan("cursor")).problem?.message).toMatch(/nested too deeply/);
  });

  it("a huge file, and one that is no text", async () => {
    await using scene = await aSetupScene();
    await scene.write({ [mcp]: "{}" });
    await truncate(join(scene.home, ".cursor/mcp.json"), 40 * 1024 * 1024);
    const error = await scene.plan("cursor").catch((thrown) => thrown);
    expect(error.message).toMatch(/it has 40 MiB/);
    await writeFile(join(scene.home, ".cursor/mcp.json"), Buffer.from([0x7b, 0xff, 0x7d]));
    await refused(scene, "cursor", /it is not UTF-8 text/);
  });

  it("no home, and a variable that is relative", async () => {
    await using scene = await aSetupScene();
    for (const home of ["", join(scene.home, "none"), "relative"]) {
      await refused(scene, "codex", /There is no home folder/, { machine: { home } });
    }
    const env = { CODEX_HOME: "here" };
    await refused(scene, "codex", /CODEX_HOME is a relative path/, { machine: { env } });
  });

  it("a ledger that cannot be read", async () => {
    await using scene = await aSetupScene();
    await scene.write({ "state/forge-landing-kit/setup/ledger.json": '{"version": 9}' });
    await refused(scene, "codex", /ledger\.json: the record of what was set up cannot be read/);
  });

  it("somebody who writes between plan and write, and takes all back", async () => {
    await using scene = await aSetupScene();
    await scene.write({ [mcp]: "{}\n", "home/.cursor/hooks.json": '{ "version": 1 }\n' });
    const plan = await scene.plan("cursor");
    await scene.write({ "home/.cursor/hooks.json": '{ "version": 1, "hooks": {} }\n' });
    const before = await scene.tree();
    const error = await plan.apply().catch((thrown) => thrown);
    expect(error).toMatchObject({ code: "unsupported", state: /taken back/ });
    expect(error.message).toMatch(/hooks\.json: somebody else wrote it meanwhile/);
    expect(await scene.tree()).toEqual(before);
    await scene.run("cursor");
  });

  it("somebody who makes a file between plan and write", async () => {
    await using scene = await aSetupScene();
    const plan = await scene.plan("cursor");
    await scene.write({ "home/.cursor/skills/recover-ci/SKILL.md": "theirs\n" });
    const before = await scene.tree();
    await expect(plan.apply()).rejects.toThrow("somebody else");
    expect(await scene.tree()).toEqual(before);
  });

  it("a cancel, and writes nothing", async () => {
    await using scene = await aSetupScene();
    const plan = await scene.plan("cursor");
    await expect(plan.apply(AbortSignal.abort())).rejects.toMatchObject({ code: "cancelled" });
    expect(await scene.tree()).toEqual({});
  });
});
