/** The built `land`, its agents' tools and git, in a home of their own. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const land = join(dirname(fileURLToPath(import.meta.url)), "..", "dist", "land.js");
export const home = mkdtempSync(join(tmpdir(), "land-bench-"));
export const env: Record<string, string> = {
  PATH: process.env.PATH ?? "",
  HOME: home,
  XDG_STATE_HOME: join(home, "state"),
  XDG_CACHE_HOME: join(home, "cache"),
  LANG: "C.UTF-8",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "Bench",
  GIT_AUTHOR_EMAIL: "bench@example.invalid",
  GIT_COMMITTER_NAME: "Bench",
  GIT_COMMITTER_EMAIL: "bench@example.invalid",
};

export const run = promisify(execFile);
export const git = (cwd: string, ...args: string[]) => run("git", args, { cwd, env });
export const landCommand = (cwd: string, ...args: string[]) =>
  run(process.execPath, [land, ...args], { cwd, env });

export async function connect(cwd: string): Promise<Client> {
  const client = new Client(
    { name: "bench", version: "1" },
    { versionNegotiation: { mode: "auto" } },
  );
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args: [land, "mcp"], cwd, env }),
  );
  return client;
}

export async function call(client: Client, name: string, args: Record<string, unknown>) {
  const result = await client.callTool({ name, arguments: args });
  const text = (result.content as { text?: string }[])[0]?.text ?? "";
  if (result.isError === true) throw new Error(`${name}: ${text}`);
  return { text, facts: (result.structuredContent ?? {}) as Record<string, unknown> };
}

export function removeHome(): void {
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
}
