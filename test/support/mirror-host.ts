import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { basename, dirname } from "node:path";
import { run } from "../../src/process/run.ts";
import { onLoopback } from "./loopback.ts";

/** What a host of repositories over HTTP does before git itself answers. */
export interface HostManners {
  /** The one login that is let in; undefined: everybody is. */
  readonly token?: string;
  /** Looks at a request that was let in; true where it is answered (or left hanging) already. */
  readonly meet?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** A repository behind git's own smart HTTP, on loopback. */
export async function serveOverHttp(
  bare: string,
  manners: HostManners,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const where = await run("git", ["--exec-path"], { env: process.env, timeoutMs: 10_000 });
  const backend = `${new TextDecoder().decode(where.stdout).trim()}/git-http-backend`;
  const server = createServer((request, response) => {
    if (!isLetIn(request, manners)) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="mirror"' }).end();
    } else if (manners.meet?.(request, response) !== true) answer(backend, bare, request, response);
  });
  const { origin, close } = await onLoopback(server);
  return { url: `${origin}/${basename(bare)}`, close };
}

function isLetIn({ headers }: IncomingMessage, { token }: HostManners): boolean {
  if (token === undefined) return true;
  const login = Buffer.from(`x-access-token:${token}`).toString("base64");
  return headers.authorization === `Basic ${login}`;
}

function answer(
  backend: string,
  bare: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const url = new URL(request.url ?? "/", "http://host");
  const { headers } = request;
  const child = spawn(backend, [], {
    env: {
      PATH: process.env.PATH,
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_PROJECT_ROOT: dirname(bare),
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: String(headers["content-encoding"] ?? ""),
      GIT_PROTOCOL: String(headers["git-protocol"] ?? ""),
      // Who is named may push.
      REMOTE_USER: "mirror",
      REMOTE_ADDR: "127.0.0.1",
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  request.pipe(child.stdin).on("error", () => {});
  const parts: Buffer[] = [];
  child.stdout.on("data", (part: Buffer) => parts.push(part));
  child.on("close", () => {
    const said = Buffer.concat(parts);
    const end = said.indexOf("\r\n\r\n");
    const lines = said.subarray(0, end).toString().split("\r\n");
    const fields = new Map(lines.map((line) => line.split(": ", 2) as [string, string]));
    const status = Number.parseInt(fields.get("Status") ?? "200", 10);
    fields.delete("Status");
    response.writeHead(status, Object.fromEntries(fields)).end(said.subarray(end + 4));
  });
}

/** Processes that show one of these texts in what everybody can see of them: their command line. */
export function showing(texts: readonly string[]): readonly string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(commandLine)
    .filter((line) => texts.some((text) => line.includes(text)));
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return "";
  }
}
