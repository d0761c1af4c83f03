import { join } from "node:path";
import { type Dialect, dialectOf } from "./dialects.ts";
import { type HookFormat, hookCommand } from "./hook-command.ts";
import type { Path } from "./json-edit.ts";
import type { Part } from "./part.ts";
import {
  type Client,
  type Launch,
  mcpEntry,
  serverName,
  serversKeyOf,
  sessionStartHooks,
  waitSecondsOf,
} from "./shapes.ts";
import { instructionsFile, opencodePlugin, pluginMark, workflowBlock } from "./texts.ts";

export type Scope = "user" | "project";

/** Where clients keep their things, and what starts ours. */
export interface Surroundings {
  readonly home: string;
  /** The variables that move a client's folder. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
  /** The work tree's top; needed for the project scope. */
  readonly worktree: string | undefined;
  /** Starts `land` and `agent-brief` in this scope: absolute for the user's, portable for a project. */
  readonly land: Launch;
  readonly brief: Launch;
  readonly skills: readonly SkillFile[];
}

/** A file of the kit's skills. */
export interface SkillFile {
  /** Below the folder of skills, such as `land/SKILL.md`. */
  readonly path: string;
  readonly text: string;
}

/** What is to be in one file. */
export interface Place {
  readonly file: string;
  readonly role: "mcp" | "hook" | "plugin" | "skill" | "instructions";
  readonly part: Part;
  /** What the client takes in this file, where that is less than JSON with comments. */
  readonly dialect?: Dialect | undefined;
}

/** What can be seen of the file system when places are chosen. */
export interface Look {
  /** A file's text; undefined where there is none, or none that can be read. */
  text(path: string): string | undefined;
}

export interface Places {
  readonly places: readonly Place[];
  /** What a person has to do or know. */
  readonly notes: readonly string[];
}

/** Everything that `land setup` writes for a client. Pure but for the given look. */
export function placesOf(client: Client, scope: Scope, around: Surroundings, look: Look): Places {
  const at = foldersOf(client, scope, around, look);
  const places: Place[] = [mcpPlace(client, scope, at, around)];
  places.push(hookPlace(client, scope, at, around));
  for (const skill of around.skills) {
    places.push({
      file: join(at.skills, skill.path),
      role: "skill",
      part: { kind: "whole", text: skill.text, mark: undefined },
    });
  }
  if (at.instructions !== undefined) {
    const whole = at.instructions.endsWith(".instructions.md");
    places.push({
      file: at.instructions,
      role: "instructions",
      part: whole
        ? { kind: "whole", text: instructionsFile, mark: "forge-landing-kit:begin" }
        : { kind: "block", text: workflowBlock },
    });
  }
  return { places, notes: [...at.notes, ...notesOf(client, scope)] };
}

interface Folders {
  readonly mcp: string;
  readonly hook: string;
  readonly skills: string;
  readonly instructions: string | undefined;
  readonly notes: readonly string[];
}

function foldersOf(client: Client, scope: Scope, around: Surroundings, look: Look): Folders {
  return scope === "user"
    ? userFolders(client, around, look)
    : projectFolders(client, around.worktree ?? "", look);
}

function userFolders(client: Client, around: Surroundings, look: Look): Folders {
  const { home, env } = around;
  const own = configHome(client, around);
  const at = (...names: string[]) => join(own, ...names);
  const kit = "forge-landing-kit";
  switch (client) {
    case "claude-code":
      return {
        mcp: env.CLAUDE_CONFIG_DIR === undefined ? join(home, ".claude.json") : at(".claude.json"),
        hook: at("settings.json"),
        skills: at("skills"),
        instructions: at("CLAUDE.md"),
        notes: [],
      };
    case "codex":
      return {
        mcp: at("config.toml"),
        hook: at("hooks.json"),
        skills: at("skills"),
        // Codex reads the override alone where there is one.
        instructions: at(
          holdsWords(look, at("AGENTS.override.md")) ? "AGENTS.override.md" : "AGENTS.md",
        ),
        notes: [],
      };
    case "gemini":
      return {
        mcp: at("settings.json"),
        hook: at("settings.json"),
        skills: at("skills"),
        instructions: at("GEMINI.md"),
        notes: [],
      };
    case "copilot":
    case "vscode":
      return {
        mcp: client === "copilot" ? at("mcp-config.json") : join(vscodeUser(around), "mcp.json"),
        hook: at("hooks", `${kit}.json`),
        skills: at("skills"),
        instructions: at("instructions", `${kit}.instructions.md`),
        notes: [],
      };
    case "cursor":
      return {
        mcp: at("mcp.json"),
        hook: at("hooks.json"),
        skills: at("skills"),
        instructions: undefined,
        notes: [
          "Cursor keeps a user's own rules in its settings, so the text about the forge is not written; `--project` writes it to AGENTS.md.",
        ],
      };
    case "opencode": {
      // Without an AGENTS.md of its own OpenCode reads Claude's file, which one of ours would hide.
      const shared = join(home, ".claude", "CLAUDE.md");
      const hidden = !holdsWords(look, at("AGENTS.md")) && holdsWords(look, shared);
      return {
        mcp: at(firstWith(look, own, ["opencode.jsonc", "opencode.json"], "opencode.json")),
        hook: at("plugins", `${kit}.js`),
        skills: at("skills"),
        instructions: hidden ? undefined : at("AGENTS.md"),
        notes: hidden
          ? [
              `OpenCode reads ${shared} as long as ${at("AGENTS.md")} is not there, so the text about the forge is not written; \`land setup claude-code\` puts it there.`,
            ]
          : [],
      };
    }
  }
}

/** A client's own folder of configuration, where its variable may have moved it. */
export function configHome(client: Client, around: Pick<Surroundings, "home" | "env">): string {
  const { home, env } = around;
  switch (client) {
    case "claude-code":
      return env.CLAUDE_CONFIG_DIR ?? join(home, ".claude");
    case "codex":
      return env.CODEX_HOME ?? join(home, ".codex");
    case "gemini":
      return join(env.GEMINI_CLI_HOME ?? home, ".gemini");
    case "copilot":
      return env.COPILOT_HOME ?? join(home, ".copilot");
    case "cursor":
      return join(home, ".cursor");
    case "vscode":
      // VS Code reads hooks, skills and instructions where Copilot CLI has them by default.
      return join(home, ".copilot");
    case "opencode":
      return env.OPENCODE_CONFIG_DIR ?? join(xdgConfig(around), "opencode");
  }
}

/** The folder of VS Code's own user settings. */
export function vscodeUser(around: Pick<Surroundings, "home" | "env" | "platform">): string {
  return around.platform === "darwin"
    ? join(around.home, "Library", "Application Support", "Code", "User")
    : join(xdgConfig(around), "Code", "User");
}

function xdgConfig({ home, env }: Pick<Surroundings, "home" | "env">): string {
  return env.XDG_CONFIG_HOME ?? join(home, ".config");
}

function projectFolders(client: Client, top: string, look: Look): Folders {
  const at = (...names: string[]) => join(top, ...names);
  const shared = { skills: at(".agents", "skills"), instructions: at("AGENTS.md"), notes: [] };
  const githubHook = at(".github", "hooks", "forge-landing-kit.json");
  switch (client) {
    case "claude-code":
      return {
        mcp: at(".mcp.json"),
        hook: at(".claude", "settings.json"),
        skills: at(".claude", "skills"),
        instructions: memoryFile(look, top, "CLAUDE.md", false),
        notes: [],
      };
    case "codex":
      return { ...shared, mcp: at(".codex", "config.toml"), hook: at(".codex", "hooks.json") };
    case "gemini":
      return {
        ...shared,
        mcp: at(".gemini", "settings.json"),
        hook: at(".gemini", "settings.json"),
        instructions: memoryFile(look, top, "GEMINI.md", true),
      };
    case "copilot":
      return { ...shared, mcp: at(".mcp.json"), hook: githubHook };
    case "vscode":
      return { ...shared, mcp: at(".vscode", "mcp.json"), hook: githubHook };
    case "cursor":
      return { ...shared, mcp: at(".cursor", "mcp.json"), hook: at(".cursor", "hooks.json") };
    case "opencode":
      return {
        ...shared,
        mcp: at(firstWith(look, top, ["opencode.jsonc", "opencode.json"], "opencode.json")),
        hook: at(".opencode", "plugins", "forge-landing-kit.js"),
      };
  }
}

/**
 * Where a client with a file of its own reads the project's instructions: its own file, unless that
 * imports AGENTS.md, or is not there and the client reads AGENTS.md then (`always` false).
 */
function memoryFile(look: Look, top: string, own: string, always: boolean): string {
  const text = look.text(join(top, own));
  const elsewhere = text === undefined ? !always : /^\s*@(?:\.\/)?AGENTS\.md\s*$/m.test(text);
  return join(top, elsewhere ? "AGENTS.md" : own);
}

function firstWith(look: Look, folder: string, names: readonly string[], other: string): string {
  return names.find((name) => look.text(join(folder, name)) !== undefined) ?? other;
}

function holdsWords(look: Look, path: string): boolean {
  return (look.text(path) ?? "").trim() !== "";
}

function mcpPlace(client: Client, scope: Scope, at: Folders, around: Surroundings): Place {
  const path: Path = [serversKeyOf(client), serverName];
  // Claude Code and Copilot CLI read the same file of a project: one entry, which both can wait for.
  const shared = scope === "project" && (client === "claude-code" || client === "copilot");
  const value = shared
    ? mcpEntry("claude-code", around.land, waitSecondsOf("copilot"))
    : mcpEntry(client, around.land);
  const kind = client === "codex" ? "toml_table" : "json_member";
  const dialect = dialectOf(client, "mcp");
  return { file: at.mcp, role: "mcp", part: { kind, path, value }, dialect };
}

const hookFormats: Readonly<Record<Exclude<Client, "opencode">, HookFormat>> = {
  "claude-code": "claude",
  codex: "codex",
  gemini: "gemini",
  copilot: "copilot_or_vscode",
  vscode: "copilot_or_vscode",
  cursor: "cursor",
};

function hookPlace(client: Client, scope: Scope, at: Folders, around: Surroundings): Place {
  if (client === "opencode") {
    const text = opencodePlugin(around.brief, goneText(client, scope));
    return { file: at.hook, role: "plugin", part: { kind: "whole", text, mark: pluginMark } };
  }
  // One file for both, in the shape that both are known to read.
  const shape = client === "vscode" ? "copilot" : client;
  const gone = goneText(shape, scope);
  const { hooks, ...beside } = sessionStartHooks(
    shape,
    hookCommand(around.brief, hookFormats[client], gone),
  ) as { hooks: Record<string, Record<string, unknown>[]> } & Record<string, unknown>;
  const [[event, items] = ["", []]] = Object.entries(hooks);
  const [value = {}] = items;
  const part: Part = { kind: "json_item", path: ["hooks", event], value, beside };
  return { file: at.hook, role: "hook", part, dialect: dialectOf(client, "hook") };
}

function goneText(client: Client, scope: Scope): string {
  return scope === "user"
    ? `There is no session brief: agent-brief of forge-landing-kit is no longer where it was. \`land setup ${client}\` sets it up again, \`land setup ${client} --undo\` removes this hook.`
    : "There is no session brief: agent-brief is not in PATH here. `npm install --global forge-landing-kit` brings it; work can go on without.";
}

function notesOf(client: Client, scope: Scope): string[] {
  const mcp = scope === "project" ? "asks once whether the project's MCP server may run" : "";
  switch (client) {
    case "claude-code":
      return mcp === "" ? [] : [`Claude Code ${mcp}.`];
    case "codex":
      return [
        scope === "project"
          ? "Codex reads a project's configuration only once the folder is trusted, and runs the hook only once a person has looked at it: start `codex` here and open `/hooks`."
          : "Codex runs the hook only once a person has looked at it: start `codex` and open `/hooks`. It asks again after each change of the hook.",
        'Without a person, `codex exec` declines our tools unless `[mcp_servers.land]` has `default_tools_approval_mode = "approve"`; set it yourself if you want that.',
      ];
    case "gemini":
      return [
        "Gemini CLI starts MCP servers and a project's hooks only in trusted folders; without a person, `GEMINI_CLI_TRUST_WORKSPACE=true` trusts one, and `--allowed-mcp-server-names=land` or `--approval-mode=yolo` lets it call our tools.",
      ];
    case "copilot":
      return mcp === ""
        ? []
        : ["Copilot CLI reads a project's hooks and servers only in trusted folders."];
    case "vscode":
      return ["VS Code asks once whether the MCP server may run; its hooks are a preview."];
    case "cursor":
      return ["Cursor may want the MCP server switched on in its settings."];
    case "opencode":
      return [];
  }
}
