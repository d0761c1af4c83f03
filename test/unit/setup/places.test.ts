import { describe, expect, it } from "vitest";
import { put } from "../../../src/setup/part.ts";
import { type Look, placesOf, type Scope, type Surroundings } from "../../../src/setup/places.ts";
import { type Client, clients } from "../../../src/setup/shapes.ts";
import { applyEdits } from "../../../src/setup/text-edit.ts";

const around = (scope: Scope): Surroundings => ({
  home: "/home/user",
  env: {},
  platform: "linux",
  worktree: "/home/user/project",
  land:
    scope === "user"
      ? { command: "/opt/node/bin/node", args: ["/opt/kit/dist/land.js"] }
      : { command: "land", args: [] },
  brief:
    scope === "user"
      ? { command: "/opt/node/bin/node", args: ["/opt/kit/dist/agent-brief.js"] }
      : { command: "agent-brief", args: [] },
  skills: [{ path: "land/SKILL.md", text: "the skill\n" }],
});

const nothing: Look = { text: () => undefined };
const holding = (files: Readonly<Record<string, string>>): Look => ({
  text: (path) => files[path],
});

/** Every file as it is where nothing was before. */
function written(client: Client, scope: Scope): string {
  const { places, notes } = placesOf(client, scope, around(scope), nothing);
  const texts = new Map<string, string>();
  for (const { file, part } of places) {
    const text = texts.get(file) ?? "";
    texts.set(file, applyEdits(text, put(part, text)));
  }
  const files = [...texts].map(([file, text]) => `=== ${file}\n${text}`);
  return [...files, ...notes.map((note) => `note: ${note}`)].join("\n");
}

const fileOf = (client: Client, scope: Scope, role: string, look: Look, env = {}) =>
  placesOf(client, scope, { ...around(scope), env }, look).places.find((one) => one.role === role)
    ?.file;

describe("places", () => {
  it.each(clients.flatMap((client) => [[client, "user"] as const, [client, "project"] as const]))(
    "of %s, %s",
    async (client, scope) => {
      await expect(written(client, scope)).toMatchFileSnapshot(`golden/${client}-${scope}.txt`);
    },
  );

  it("name no machine's path in a project's shared files", () => {
    for (const client of clients) expect(written(client, "project")).not.toContain("/opt/");
  });

  it("follow the variables that move a client's folder", () => {
    const at = (client: Client, role: string, env: Record<string, string>) =>
      fileOf(client, "user", role, nothing, env);
    expect(at("claude-code", "mcp", { CLAUDE_CONFIG_DIR: "/c" })).toBe("/c/.claude.json");
    expect(at("claude-code", "hook", { CLAUDE_CONFIG_DIR: "/c" })).toBe("/c/settings.json");
    expect(at("codex", "mcp", { CODEX_HOME: "/x" })).toBe("/x/config.toml");
    expect(at("gemini", "mcp", { GEMINI_CLI_HOME: "/g" })).toBe("/g/.gemini/settings.json");
    expect(at("copilot", "mcp", { COPILOT_HOME: "/p" })).toBe("/p/mcp-config.json");
    expect(at("opencode", "mcp", { XDG_CONFIG_HOME: "/d" })).toBe("/d/opencode/opencode.json");
    expect(at("vscode", "mcp", { XDG_CONFIG_HOME: "/d" })).toBe("/d/Code/User/mcp.json");
  });

  it("choose the file of instructions that the client reads", () => {
    const project = (client: Client, files: Record<string, string>) =>
      fileOf(client, "project", "instructions", holding(files))?.replace("/home/user/project/", "");
    const top = "/home/user/project";
    expect(project("claude-code", {})).toBe("AGENTS.md");
    expect(project("claude-code", { [`${top}/CLAUDE.md`]: "mine\n" })).toBe("CLAUDE.md");
    expect(project("claude-code", { [`${top}/CLAUDE.md`]: "@AGENTS.md\n" })).toBe("AGENTS.md");
    expect(project("gemini", {})).toBe("GEMINI.md");
    expect(project("gemini", { [`${top}/GEMINI.md`]: "# x\n@./AGENTS.md\n" })).toBe("AGENTS.md");
    const user = (client: Client, files: Record<string, string>) =>
      fileOf(client, "user", "instructions", holding(files));
    expect(user("codex", { "/home/user/.codex/AGENTS.override.md": "x" })).toBe(
      "/home/user/.codex/AGENTS.override.md",
    );
    // A new file here would hide the one that OpenCode reads now.
    expect(user("opencode", { "/home/user/.claude/CLAUDE.md": "x" })).toBeUndefined();
  });

  it("write to the OpenCode configuration that is there", () => {
    const jsonc = "/home/user/project/opencode.jsonc";
    expect(fileOf("opencode", "project", "mcp", holding({ [jsonc]: "{}" }))).toBe(jsonc);
  });
});
