import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { launcher, type Ran, runToEnd, type Scene } from "./cli.ts";
import { onLoopback } from "./loopback.ts";
import { root } from "./sources.ts";

const bin = join(root, "tools", "official", "node_modules", ".bin");
const tools = { inspector: join(bin, "mcp-inspector"), conformance: join(bin, "conformance") };

/** Whether the protocol's own checks are installed; says how, where they are not. */
export function officialInstalled(): boolean {
  const there = Object.values(tools).every((tool) => existsSync(tool));
  if (!there) {
    console.warn("Skipped: tools/official is not installed; `npm run test:official` does it.");
  }
  return there;
}

/** `land mcp --http`, the built one. */
export interface McpOverHttp extends AsyncDisposable {
  readonly url: URL;
  readonly token: string;
}

/** Serves the scene's work tree over HTTP on any free port, and answers once it listens. */
export async function serveMcpOverHttp(scene: Scene): Promise<McpOverHttp> {
  const token = "a-token-for-the-official-checks";
  const child = spawn(process.execPath, [launcher, "mcp", "--http", "0"], {
    cwd: scene.repo,
    env: { ...scene.env, LAND_MCP_TOKEN: token },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(child, "exit");
  const url = await addressIn(child.stderr);
  // Nobody reads on, and a full pipe would hold the server up.
  child.stderr.resume();
  return {
    url,
    token,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** The address that the server says once it listens. */
async function addressIn(stderr: NodeJS.ReadableStream): Promise<URL> {
  const said: string[] = [];
  for await (const line of createInterface({ input: stderr })) {
    said.push(line);
    const url = /http:\/\/\S+/.exec(line)?.[0];
    if (url !== undefined) return new URL(url);
  }
  throw new Error(`The server did not come up:\n${said.join("\n")}`);
}

/**
 * Passes every request on to a server with its bearer token added, and nothing else changed, Host
 * and Origin included: the conformance suite cannot send a token.
 */
export async function withTokenAdded(
  server: Pick<McpOverHttp, "url" | "token">,
): Promise<AsyncDisposable & { readonly url: string }> {
  const proxy = createServer((incoming, answer) => {
    const passed = request({
      host: server.url.hostname,
      port: server.url.port,
      method: incoming.method,
      path: incoming.url,
      headers: [...incoming.rawHeaders, "Authorization", `Bearer ${server.token}`],
      setHost: false,
    });
    passed.on("response", (from) => {
      answer.writeHead(from.statusCode ?? 502, from.rawHeaders);
      from.pipe(answer);
    });
    passed.on("error", () => answer.destroy());
    answer.on("close", () => passed.destroy());
    incoming.pipe(passed);
  });
  const { origin, close } = await onLoopback(proxy);
  return { url: `${origin}${server.url.pathname}`, [Symbol.asyncDispose]: close };
}

/** One thing that a scenario looked at. */
export interface Check {
  readonly id: string;
  readonly status: "SUCCESS" | "FAILURE" | "WARNING" | "SKIPPED" | "INFO";
  readonly errorMessage?: string;
}

/** It takes some five seconds; one scenario that hangs is given up by the suite after thirty. */
const longestRunMs = 80_000;

/** Runs all that a revision asks of servers; answers the checks of each scenario. */
export async function runConformance(
  scene: Scene,
  url: string,
  revision: string,
): Promise<ReadonlyMap<string, readonly Check[]>> {
  const out = join(scene.dir, `conformance-${revision}`);
  const args = ["server", "--url", url, "--requirements", revision, "-o", out];
  const ran = await runToEnd(process.execPath, [tools.conformance, ...args], {
    cwd: scene.repo,
    env: scene.env,
    signal: AbortSignal.timeout(longestRunMs),
  });
  const named = await readdir(out).catch(() => []);
  if (named.length === 0) throw new Error(`No scenario ran:\n${ran.out}${ran.err}`);
  const read = named.map(async (folder) => {
    const scenario = folder.replace(/^server-/, "").replace(/-\d{4}-\d\d-\d\dT[\dZ-]+$/, "");
    const checks = JSON.parse(await readFile(join(out, folder, "checks.json"), "utf8"));
    return [scenario, checks as readonly Check[]] as const;
  });
  return new Map(await Promise.all(read));
}

/** One call of the Inspector's command line. Target: the built server's words, or an address. */
export function inspect(scene: Scene, target: readonly string[], ...args: string[]): Promise<Ran> {
  const words = [tools.inspector, "--cli", ...target, ...args, "--format", "json"];
  return runToEnd(process.execPath, words, { cwd: scene.repo, env: scene.env });
}

/** The built server over stdio, as the Inspector starts it. */
export const overStdio = [process.execPath, launcher, "mcp"];
