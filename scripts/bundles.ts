// What makes this package a plugin, an extension or a registry entry for each client. Everything is
// made of package.json, the clients' shapes and the catalogue of tools, so that nothing is said twice.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { catalogue } from "../src/operations/catalogue.ts";
import {
  briefFormatOf,
  type Client,
  mcpEntry,
  serverName,
  sessionStartHooks,
  waitSecondsOf,
} from "../src/setup/shapes.ts";
import { workflow } from "../src/setup/texts.ts";

/** What package.json says of this package, as far as bundles tell it on. */
export interface About {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly keywords: readonly string[];
  readonly author: string;
  /** The name in the MCP registry, which it looks for in the published package.json. */
  readonly mcpName: string;
  /** The range of Node that this package runs on. */
  readonly node: string;
}

const packageJson = z.object({
  name: z.string(),
  version: z.string(),
  description: z.string(),
  license: z.string(),
  keywords: z.array(z.string()),
  author: z.string(),
  mcpName: z.string(),
  engines: z.object({ node: z.string() }),
});

/** Reads a package.json's text. Throws where a bundle would miss something. */
export function aboutOf(text: string): About {
  const { engines, ...rest } = packageJson.parse(JSON.parse(text));
  return { ...rest, node: engines.node };
}

/** The clients that take this package as a plugin of theirs. */
type Host = Extract<Client, "claude-code" | "codex" | "gemini" | "cursor">;

/** What each host puts the package's folder in place of, in hooks and where it can in servers. */
const folders: Readonly<Record<Host, string>> = {
  "claude-code": variable("CLAUDE_PLUGIN_ROOT"),
  codex: variable("PLUGIN_ROOT"),
  gemini: variable("extensionPath"),
  cursor: variable("CURSOR_PLUGIN_ROOT"),
};

/** What Gemini's model reads in every session. */
const contextFile = "docs/forge-workflow.md";

/** What each file holds: JSON, or a text as it is. */
const makers: Readonly<Record<string, (about: About) => object | string>> = {
  ".claude-plugin/plugin.json": claudePlugin,
  ".claude-plugin/marketplace.json": claudeMarketplace,
  "hooks/claude.json": () => hooksOf("claude-code"),
  ".codex-plugin/plugin.json": codexPlugin,
  ".mcp.codex.json": codexServers,
  "hooks/codex.json": () => hooksOf("codex"),
  "gemini-extension.json": geminiExtension,
  "hooks/hooks.json": geminiHooks,
  [contextFile]: () => `${workflow}\n`,
  ".cursor-plugin/plugin.json": cursorPlugin,
  ".mcp.cursor.json": () => ({ mcpServers: serversOf("cursor") }),
  "hooks/cursor.json": () => hooksOf("cursor"),
  "server.json": registryEntry,
  "manifest.json": mcpbManifest,
};

/** The path of every bundle's file, from the package's root. */
export const bundlePaths: readonly string[] = Object.keys(makers);

/** The text of one bundle's file. Throws for a path that is none of `bundlePaths`. */
export function bundleText(path: string, about: About): string {
  const make = makers[path];
  if (make === undefined) throw new Error(`No bundle has a file ${path}.`);
  const content = make(about);
  return typeof content === "string" ? content : `${JSON.stringify(content, null, 2)}\n`;
}

/** As `bundleText`, of this package. */
export function bundleDocument(path: string): string {
  const root = join(dirname(fileURLToPath(import.meta.url)), "..");
  return bundleText(path, aboutOf(readFileSync(join(root, "package.json"), "utf8")));
}

/** The list of servers with our own, started from the package's folder. */
function serversOf(host: Host, folder = folders[host]): Record<string, Record<string, unknown>> {
  const launch = { command: "node", args: [`${folder}/dist/land.js`] };
  return { [serverName]: mcpEntry(host, launch) };
}

/** Runs the brief at a session's start, if the shell says yes to `condition`. */
function hooksOf(host: Host, condition = ""): object {
  const brief = `node "${folders[host]}/dist/agent-brief.js" --format ${briefFormatOf(host)}`;
  const hooks = sessionStartHooks(host, condition + brief);
  if (hooks === undefined) throw new Error(`${host} has no hooks.`);
  return hooks;
}

/** What every plugin manifest tells of the package, in keys that they share. */
function pluginFacts(about: About): Record<string, unknown> {
  const { name, version, description, author, license, keywords } = about;
  return { name, version, description, author: { name: author }, license, keywords };
}

/**
 * Names its own hooks, since `hooks/hooks.json` is Gemini's, and holds its server itself, since a
 * `.mcp.json` at the top of this repository would be the setting of whoever works on it.
 */
function claudePlugin(about: About): object {
  return {
    ...pluginFacts(about),
    displayName: titleOf(about),
    hooks: "./hooks/claude.json",
    mcpServers: serversOf("claude-code"),
  };
}

/** A marketplace of this one plugin, which Codex reads too: the folder of the package itself. */
function claudeMarketplace(about: About): object {
  const { name, description, author } = about;
  return {
    name,
    description,
    owner: { name: author },
    plugins: [{ name, description, source: "./" }],
  };
}

function codexPlugin(about: About): object {
  return {
    ...pluginFacts(about),
    skills: "./skills/",
    hooks: "./hooks/codex.json",
    mcpServers: "./.mcp.codex.json",
    interface: {
      displayName: titleOf(about),
      shortDescription: shortDescription(about),
      developerName: about.author,
    },
  };
}

/** Codex expands no variable here, but takes `cwd` as relative to the plugin. */
function codexServers(): object {
  const servers = Object.entries(serversOf("codex", "."));
  return {
    mcpServers: Object.fromEntries(servers.map(([name, entry]) => [name, { ...entry, cwd: "." }])),
  };
}

function geminiExtension(about: About): object {
  const { name, version, description } = about;
  const mcpServers = serversOf("gemini");
  return { name, version, description, contextFileName: contextFile, mcpServers };
}

/**
 * Gemini reads no other file than `hooks/hooks.json`, and Claude Code reads that one too: only
 * Gemini has put a path in place of `${extensionPath}`; in another's shell it is empty.
 */
function geminiHooks(): object {
  return hooksOf("gemini", `[ -z "${folders.gemini}" ] || `);
}

function cursorPlugin(about: About): object {
  return {
    ...pluginFacts(about),
    displayName: titleOf(about),
    skills: "./skills/",
    hooks: "./hooks/cursor.json",
    mcpServers: "./.mcp.cursor.json",
  };
}

/** For a client that nothing is known of: the wait that the strictest of those known allows. */
const cautiousWait = String(waitSecondsOf("cursor"));

function registryEntry(about: About): object {
  const { mcpName, name, version } = about;
  return {
    $schema: "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
    name: mcpName,
    title: titleOf(about),
    description: shortDescription(about),
    version,
    packages: [
      {
        registryType: "npm",
        identifier: name,
        version,
        runtimeHint: "npx",
        transport: { type: "stdio" },
        packageArguments: [
          { type: "positional", value: "mcp" },
          { type: "named", name: "--wait", value: cautiousWait },
        ],
      },
    ],
  };
}

/** A desktop starts servers nowhere in particular, so it is asked for a work tree to speak of. */
function mcpbManifest(about: About): object {
  const { name, version, description, author, license, keywords, node } = about;
  const entry = "dist/land.js";
  return {
    manifest_version: "0.3",
    name,
    display_name: titleOf(about),
    version,
    description,
    author: { name: author },
    license,
    keywords,
    server: {
      type: "node",
      entry_point: entry,
      mcp_config: {
        command: "node",
        args: [
          `${variable("__dirname")}/${entry}`,
          ...["mcp", "--wait", cautiousWait, "--worktree", variable("user_config.worktree")],
        ],
      },
    },
    tools: catalogue.flatMap(({ faces, summary }) =>
      faces.tool === undefined ? [] : [{ name: faces.tool, description: summary }],
    ),
    compatibility: { platforms: ["linux", "darwin"], runtimes: { node } },
    user_config: {
      worktree: {
        type: "directory",
        title: "Work tree",
        description: "The git work tree to speak of where a call names none.",
        required: true,
      },
    },
  };
}

/** What a client replaces by a value of its own. */
function variable(name: string): string {
  return `\${${name}}`;
}

/** `forge-landing-kit` as words: "Forge landing kit". */
function titleOf(about: About): string {
  const words = about.name.replaceAll("-", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The description up to its colon, for places that allow little. */
function shortDescription(about: About): string {
  return about.description.split(":", 1)[0] ?? about.description;
}
