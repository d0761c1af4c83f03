import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { type McpOptions, readMcpOptions } from "../cli/long-running.ts";
import { readEnvironment } from "../config/environment.ts";
import { runMcpStdio } from "../mcp/stdio.ts";
import { roadmapSource } from "../roadmap/read.ts";
import { oneLine } from "../text/control.ts";
import { agentHalf } from "./agent-half.ts";
import { ownPackage } from "./package.ts";
import { endProcess } from "./report.ts";
import { stopSignals } from "./stop-signals.ts";

/** The launcher's way in: `land mcp …`. */
export async function main(args: readonly string[]): Promise<void> {
  await endProcess(() => mcp(readMcpOptions(args.slice(1))));
}

/** Serves MCP clients until they leave or the process is told to stop. */
export async function mcp(options: McpOptions): Promise<number> {
  const signal = stopSignals();
  const environment = readEnvironment();
  const own = ownPackage();
  const agent = agentHalf(environment, own, options.worktree);
  const shared = {
    version: own.version,
    openWorktree: agent.openWorktree,
    waitSeconds: options.waitSeconds,
    readOnly: options.readOnly,
    tools: options.tools,
    skillsDir: join(own.root, "skills"),
    roadmap: roadmapSource({ folder: agent.pathOf(undefined), env: environment.env }),
    signal,
    onError: (error: Error) => say(oneLine(error.message)),
  };
  if (options.httpPort === undefined) {
    await runMcpStdio(shared);
    return 0;
  }
  const token = environment.env.LAND_MCP_TOKEN ?? randomBytes(24).toString("base64url");
  const { runMcpHttp } = await import("../mcp/http.ts");
  await runMcpHttp({
    ...shared,
    port: options.httpPort,
    token,
    onListening: (url) => {
      const header = environment.env.LAND_MCP_TOKEN === undefined ? token : "$LAND_MCP_TOKEN";
      say(`MCP over HTTP at ${url} — Authorization: Bearer ${header}`);
    },
  });
  return 0;
}

/** Standard output belongs to the protocol. */
function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
