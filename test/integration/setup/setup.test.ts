import { chmod, readFile, rm, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { surveyClients } from "../../../src/setup/setup.ts";
import { type Client, clients } from "../../../src/setup/shapes.ts";
import { aSetupScene, type SetupHow } from "../../support/setup.ts";

const scopes: readonly (readonly [Client, "user" | "project"])[] = clients.flatMap((client) => [
  [client, "user"] as const,
  [client, "project"] as const,
]);

/** Files that people have, in the forms that they have them in. */
const theirs = {
  "home/.claude.json": '{"numStartups": 3,"mcpServers":{"other":{"command":"x"}}}',
  "home/.claude/settings.json":
    '\uFEFF{\n  "hooks": { "SessionStart": [ { "hooks": [ { "type": "command", "command": "date" } ] } ] }\n}\n',
  "home/.claude/CLAUDE.md": "Be brief.\r\n",
  "home/.codex/config.toml": '# mine\nmodel = "x"\n\n[mcp_servers.other]\ncommand = "y"',
  "home/.codex/AGENTS.md": "",
  "home/.gemini/settings.json": '{\r\n\t"ui": {} // note\r\n}\r\n',
  "home/.copilot/mcp-config.json": '{ "mcpServers": {} }\n',
  "home/.cursor/hooks.json": '{ "version": 1, "hooks": {} }\n',
  "home/.config/Code/User/mcp.json": '{\n    "servers": {},\n    "inputs": []\n}\n',
  "home/.config/opencode/opencode.jsonc": '// mine\n{ "theme": "x", }\n',
  "project/.mcp.json": "{}\n",
  "project/.claude/settings.json": '{ "hooks": { "Stop": [] } }\n',
  "project/.codex/config.toml": "",
  "project/.gemini/settings.json": '{"mcpServers": {"a": {"command": "b"}}}\n',
  "project/.cursor/mcp.json": '{"mcpServers":{}}',
  "project/.vscode/mcp.json": "// none yet\n{}\n",
  "project/opencode.json": '{"$schema":"https://opencode.ai/config.json"}',
  "project/AGENTS.md": "# How we work\n\nWell.",
};

const how = (scope: "user" | "project", more: SetupHow = {}) => ({
  ...more,
  project: scope === "project",
});

describe("land setup", () => {
  it.each(scopes)("sets %s up for %s, once, and undoes it byte for byte", async (client, scope) => {
    await using scene = await aSetupScene();
    await scene.write(theirs);
    const before = await scene.tree();
    const first = await scene.run(client, how(scope));
    expect(first.files.length).toBeGreaterThanOrEqual(5);
    const between = await scene.tree();
    expect(between).not.toEqual(before);
    expect((await scene.plan(client, how(scope))).files).toEqual([]);
    await scene.run(client, how(scope, { undo: true }));
    expect(await scene.tree()).toEqual(before);
    await expect(stat(scene.machine.stateHome)).resolves.toBeDefined();
  });

  it.each(scopes)(
    "sets %s up for %s where nothing is, and leaves nothing",
    async (client, scope) => {
      await using scene = await aSetupScene();
      await scene.run(client, how(scope));
      await scene.run(client, how(scope, { undo: true }));
      expect(await scene.tree()).toEqual({});
    },
  );

  it("touches no work tree for the user's own set-up", async () => {
    await using scene = await aSetupScene();
    for (const client of clients) {
      const plan = await scene.run(client);
      expect(plan.files.every(({ path }) => path.startsWith(scene.home))).toBe(true);
    }
  });

  it("follows the kit to another place, and still knows the way back", async () => {
    await using scene = await aSetupScene();
    await scene.write(theirs);
    const before = await scene.tree();
    for (const client of clients) await scene.run(client);
    const moved = { machine: { node: "/opt/newer/bin/node" } };
    for (const client of clients) {
      const files = (await scene.run(client, moved)).files.map(({ path }) => path);
      expect(files.length === 0).toBe(client === "vscode" && files.length === 0);
      expect((await scene.plan(client, moved)).files).toEqual([]);
    }
    expect(await scene.read("home/.codex/config.toml")).not.toContain("/opt/node/");
    for (const client of clients) await scene.run(client, { undo: true });
    expect(await scene.tree()).toEqual(before);
  });

  it("drops a file that a skill no longer has", async () => {
    await using scene = await aSetupScene();
    await scene.run("codex");
    await rm(join(scene.machine.packageRoot, "skills/land/references/more.md"));
    await scene.write({ "kit/skills/land/SKILL.md": "newer\n" });
    const { files } = await scene.run("codex");
    expect(files.map(({ action }) => action).sort()).toEqual(["change", "remove"]);
    expect(await scene.read("home/.codex/skills/land/SKILL.md")).toBe("newer\n");
    expect(Object.keys(await scene.tree())).not.toContain(
      "home/.codex/skills/land/references/more.md",
    );
  });

  it("keeps what several clients share until the last one is undone", async () => {
    await using scene = await aSetupScene();
    const project = { project: true };
    for (const client of ["codex", "cursor", "copilot", "vscode"] as const) {
      await scene.run(client, project);
    }
    const { notes } = await scene.run("codex", { ...project, undo: true });
    expect(notes.join()).toContain("SKILL.md and 3 more: stays");
    expect(await scene.read("project/AGENTS.md")).toContain("forge-landing-kit:begin");
    await scene.run("copilot", { ...project, undo: true });
    expect(await scene.read("project/.github/hooks/forge-landing-kit.json")).toContain(
      "agent-brief",
    );
    await scene.run("cursor", { ...project, undo: true });
    await scene.run("vscode", { ...project, undo: true });
    expect(await scene.tree()).toEqual({});
  });

  it("lets Claude Code and Copilot CLI share one entry that both can wait for", async () => {
    await using scene = await aSetupScene();
    await scene.run("claude-code", { project: true });
    const { files } = await scene.run("copilot", { project: true });
    expect(files.map(({ path }) => path)).not.toContain(join(scene.project, ".mcp.json"));
    expect(await scene.read("project/.mcp.json")).toContain('"150"');
  });

  it("takes only its own parts out of what others changed since", async () => {
    await using scene = await aSetupScene();
    await scene.write(theirs);
    await scene.run("gemini");
    await scene.run("codex");
    const settings = await scene.read("home/.gemini/settings.json");
    const config = await scene.read("home/.codex/config.toml");
    await scene.write({
      "home/.gemini/settings.json": settings.replace('"ui": {}', '"ui": {"theme": "y"}'),
      // What Codex writes when a person always allows a tool.
      "home/.codex/config.toml": `${config}\n[mcp_servers.land.tools.land_branch]\napproval_mode = "approve"\n`,
      "home/.codex/AGENTS.md": `${await scene.read("home/.codex/AGENTS.md")}\nMine.\n`,
    });
    expect((await scene.plan("codex")).files).toEqual([]);
    await scene.run("gemini", { undo: true });
    await scene.run("codex", { undo: true });
    expect(await scene.read("home/.gemini/settings.json")).toBe(
      '{\r\n\t"ui": {"theme": "y"} // note\r\n}\r\n',
    );
    expect(await scene.read("home/.codex/config.toml")).toBe(
      `${theirs["home/.codex/config.toml"]}\n`,
    );
    expect(await scene.read("home/.codex/AGENTS.md")).toBe("\nMine.\n");
  });

  it("never takes what others wrote into a file that it made, however often it is set up", async () => {
    await using scene = await aSetupScene();
    await scene.run("codex");
    await scene.run("claude-code");
    const config = "home/.codex/config.toml";
    const memory = "home/.claude/CLAUDE.md";
    await scene.write({
      [config]: `${await scene.read(config)}\n[mine]\na = 1\n`,
      [memory]: `${await scene.read(memory)}\nMine.\n`,
    });
    for (const node of ["/opt/newer/bin/node", "/opt/newest/bin/node"]) {
      await scene.run("codex", { machine: { node } });
      await scene.run("claude-code", { machine: { node } });
    }
    await scene.run("codex", { undo: true });
    await scene.run("claude-code", { undo: true });
    expect(await scene.read(config)).toBe("\n[mine]\na = 1\n");
    expect(await scene.read(memory)).toBe("\nMine.\n");
    expect(Object.keys(await scene.tree()).filter((path) => !path.endsWith("/"))).toEqual([
      config,
      memory,
    ]);
  });

  it.each([["opencode", "vscode"] as const, ["vscode", "opencode"] as const])(
    "leaves no folder where %s is undone before %s",
    async (first, second) => {
      await using scene = await aSetupScene();
      await scene.run(first);
      await scene.run(second);
      await scene.run(first, { undo: true });
      await scene.run(second, { undo: true });
      expect(await scene.tree()).toEqual({});
    },
  );

  it("knows its hook where somebody put another beside it", async () => {
    await using scene = await aSetupScene();
    await scene.run("claude-code");
    const path = "home/.claude/settings.json";
    const value = JSON.parse(await scene.read(path));
    const theirs = { type: "command", command: "date" };
    value.hooks.SessionStart[0].hooks.push(theirs);
    await scene.write({ [path]: JSON.stringify(value) });
    expect((await scene.plan("claude-code")).files).toEqual([]);
    await scene.run("claude-code", { machine: { node: "/opt/newer/bin/node" } });
    const now = await scene.read(path);
    expect(now.match(/agent-brief\.js --format/g)).toHaveLength(1);
    expect(now).toContain("/opt/newer/bin/node");
    await scene.run("claude-code", { undo: true });
    expect(JSON.parse(await scene.read(path))).toEqual({
      hooks: { SessionStart: [{ matcher: "startup|resume|clear|compact", hooks: [theirs] }] },
    });
  });

  it("keeps the comments of a file that holds nothing else", async () => {
    await using scene = await aSetupScene();
    await scene.write({ "home/.gemini/settings.json": "// mine" });
    await scene.run("gemini");
    expect(await scene.read("home/.gemini/settings.json")).toMatch(/^\/\/ mine\n\{\n/);
    await scene.run("gemini", { undo: true });
    expect(await scene.read("home/.gemini/settings.json")).toBe("// mine");
  });

  it("removes a file of its own that a client only put its schema into", async () => {
    await using scene = await aSetupScene();
    await scene.run("opencode");
    const path = "home/.config/opencode/opencode.json";
    const value = JSON.parse(await scene.read(path));
    const schema = { $schema: "https://opencode.ai/config.json" };
    await scene.write({ [path]: JSON.stringify({ ...schema, ...value }) });
    await scene.run("opencode", { undo: true });
    expect(await scene.tree()).toEqual({});
  });

  it("leaves an entry that somebody changed since, and says so", async () => {
    await using scene = await aSetupScene();
    await scene.run("cursor");
    const path = "home/.cursor/mcp.json";
    await scene.write({ [path]: (await scene.read(path)).replace('"30"', '"30", "--read-only"') });
    await expect(scene.run("cursor")).rejects.toThrow("`mcpServers.land` is there already");
    const { notes } = await scene.run("cursor", { undo: true });
    expect(notes.join()).toContain("mcpServers.land was changed since");
    expect(await scene.read(path)).toContain("--read-only");
    expect(Object.keys(await scene.tree())).toEqual(["home/.cursor/mcp.json", "home/.cursor/"]);
  });

  it("knows its own parts by their shape where the record of them is gone", async () => {
    await using scene = await aSetupScene();
    await scene.write(theirs);
    for (const client of ["codex", "claude-code", "cursor"] as const) await scene.run(client);
    await rm(scene.machine.stateHome, { recursive: true });
    const moved = { machine: { node: "/opt/newer/bin/node" } };
    await scene.run("codex", moved);
    await rm(scene.machine.stateHome, { recursive: true });
    for (const client of ["codex", "claude-code", "cursor"] as const) {
      await scene.run(client, { undo: true });
    }
    const left = Object.values(await scene.tree()).join("\n");
    expect(left).not.toMatch(/agent-brief|land\.js|forge-landing-kit/);
    expect(await scene.read("home/.claude/settings.json")).toContain('"date"');
  });

  it("gives back what it replaced", async () => {
    await using scene = await aSetupScene();
    const mine = {
      "home/.codex/config.toml": '[mcp_servers.land]\ncommand = "mine" # note\nenv = { A = "b" }\n',
      "home/.cursor/mcp.json": '{"mcpServers":{"land":{"command":"mine"}}}\n',
      "home/.codex/skills/land/SKILL.md": "my own\n",
    };
    await scene.write(mine);
    for (const client of ["codex", "cursor"] as const) {
      await expect(scene.run(client)).rejects.toThrow("there");
      await scene.run(client, { replace: true });
      expect((await scene.plan(client)).files).toEqual([]);
    }
    expect(await scene.read("home/.cursor/mcp.json")).not.toContain("mine");
    expect(await scene.read("home/.codex/config.toml")).not.toContain("mine");
    for (const client of ["codex", "cursor"] as const) await scene.run(client, { undo: true });
    for (const [path, text] of Object.entries(mine)) expect(await scene.read(path)).toBe(text);
  });

  it("leaves skills that another installer linked", async () => {
    await using scene = await aSetupScene();
    await scene.write({ "home/.agents/skills/land/SKILL.md": "theirs\n" });
    await scene.write({ "home/.claude/skills/x/SKILL.md": "x\n" });
    await symlink("../../.agents/skills/land", join(scene.home, ".claude/skills/land"));
    const { notes } = await scene.run("claude-code");
    expect(notes.join()).toContain(".claude/skills/land is a link");
    expect(await scene.read("home/.agents/skills/land/SKILL.md")).toBe("theirs\n");
  });

  it("keeps the mode of files and makes the user's own private", async () => {
    await using scene = await aSetupScene();
    await scene.write({ "home/.cursor/mcp.json": "{}" });
    await chmod(join(scene.home, ".cursor/mcp.json"), 0o640);
    await scene.run("cursor");
    await scene.run("cursor", { project: true });
    const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
    expect(await mode(join(scene.home, ".cursor/mcp.json"))).toBe("640");
    expect(await mode(join(scene.home, ".cursor/hooks.json"))).toBe("600");
    expect(await mode(join(scene.project, ".cursor/mcp.json"))).toBe("644");
    expect(await mode(join(scene.machine.stateHome, "forge-landing-kit/setup/ledger.json"))).toBe(
      "600",
    );
  });

  it("surveys every client", async () => {
    await using scene = await aSetupScene();
    await scene.run("codex");
    await scene.run("gemini", { project: true });
    await scene.write({ "home/.cursor/mcp.json": "{" });
    const found = await surveyClients(scene.machine, scene.project);
    const of = (client: Client) => found.find((one) => one.client === client);
    expect(of("codex")).toMatchObject({
      found: [join(scene.home, ".codex")],
      user: "set_up",
      project: "partly",
    });
    expect(of("gemini")).toMatchObject({ found: [], user: "none", project: "set_up" });
    expect(of("cursor")).toMatchObject({ user: "unknown" });
  });

  it("undoes any document byte for byte", async () => {
    await using scene = await aSetupScene();
    const json = fc
      .dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), {
        noNullPrototype: true,
      })
      .map((value) => JSON.stringify(value, undefined, 3));
    const documents = fc.record({
      "home/.gemini/settings.json": json,
      "home/.gemini/GEMINI.md": fc.string({ unit: fc.constantFrom("a", "\n", "\r\n", "#", " ") }),
    });
    await fc.assert(
      fc.asyncProperty(documents, async (files) => {
        await scene.write(files);
        await scene.run("gemini");
        await scene.run("gemini", { undo: true });
        for (const [path, text] of Object.entries(files)) expect(await scene.read(path)).toBe(text);
      }),
      { numRuns: 25 },
    );
    await expect(
      readFile(join(scene.machine.stateHome, "forge-landing-kit/setup/ledger.json")),
    ).rejects.toThrow("ENOENT");
  });
});
