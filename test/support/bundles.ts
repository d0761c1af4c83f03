import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { connect } from "./mcp.ts";
import { root } from "./sources.ts";

/** A program, its arguments and where it is started; `undefined` is where the client is. */
export interface Started {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string | undefined;
}

/** The clients that take the package as a plugin, each with the name of its plugin's folder. */
export const hosts = {
  "claude-code": "CLAUDE_PLUGIN_ROOT",
  codex: "PLUGIN_ROOT",
  gemini: "extensionPath",
  cursor: "CURSOR_PLUGIN_ROOT",
} as const;
export type Host = keyof typeof hosts;

interface Server {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
}

/** One of this package's JSON files. */
export function bundle<T = Record<string, unknown>>(path: string): T {
  return JSON.parse(readFileSync(join(root, path), "utf8")) as T;
}

/** How a host starts our server, with its own names put in place as it does. */
export function serverOf(host: Host): Started {
  const files = {
    "claude-code": ".claude-plugin/plugin.json",
    codex: ".mcp.codex.json",
    gemini: "gemini-extension.json",
    cursor: ".mcp.cursor.json",
  };
  const { mcpServers } = bundle<{ mcpServers: { land: Server } }>(files[host]);
  const { command, args, cwd } = mcpServers.land;
  return {
    command,
    // Codex puts nothing in place of a name here.
    args: host === "codex" ? args : args.map((arg) => filled(arg, hosts[host], root)),
    cwd: cwd === undefined ? undefined : join(root, cwd),
  };
}

/** How a desktop starts our server for a work tree, by the MCPB manifest, from where it unpacked it. */
export function desktopServer(worktree: string, folder: string = root): Started {
  const { server } = bundle<{ server: { mcp_config: Server } }>("manifest.json");
  const { command, args } = server.mcp_config;
  return {
    command,
    args: args.map((arg) =>
      filled(filled(arg, "__dirname", folder), "user_config.worktree", worktree),
    ),
    cwd: "/",
  };
}

/** An MCP client on such a server, as a client in a folder would start it. */
export async function connectTo(
  server: Started,
  folder: string,
  env: Readonly<Record<string, string>>,
): Promise<Client> {
  const { command, args, cwd } = server;
  const how = { command, args: [...args], cwd: cwd ?? folder, env: { ...env } };
  return connect(new StdioClientTransport(how), "legacy");
}

interface Hooks {
  readonly hooks: Readonly<
    Record<string, readonly { hooks?: readonly { command: string }[]; command?: string }[]>
  >;
}

/** The shell command that a file of hooks runs at a session's start, as it is written. */
export function hookIn(path: string): string {
  const [groups] = Object.values(bundle<Hooks>(path).hooks);
  const command = groups?.[0]?.command ?? groups?.[0]?.hooks?.[0]?.command;
  if (command === undefined) throw new Error(`${path} has no hook.`);
  return command;
}

/** Where a host's hook is, and the environment that the host runs it in. */
export function hookOf(host: Host): { command: string; env: Readonly<Record<string, string>> } {
  const name = hosts[host];
  if (host === "gemini") {
    return { command: filled(hookIn("hooks/hooks.json"), name, root), env: {} };
  }
  const file = host === "claude-code" ? "claude" : host;
  return { command: hookIn(`hooks/${file}.json`), env: { [name]: root } };
}

function filled(text: string, name: string, value: string): string {
  return text.replaceAll(`\${${name}}`, value);
}
