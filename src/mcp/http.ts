import { createHash, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import {
  localhostHostValidation,
  localhostOriginValidation,
  type NodeIncomingMessageLike,
  toNodeHandler,
} from "@modelcontextprotocol/node";
import { createMcpHandler } from "@modelcontextprotocol/server";
import { badStart } from "../operations/errors.ts";
import { type McpOptions, mcpServers } from "./server.ts";

export interface HttpOptions extends McpOptions {
  /** 0: any free port. */
  readonly port: number;
  /** What every request must bear. At least 16 characters. */
  readonly token: string;
  /** Ends the server. */
  readonly signal?: AbortSignal | undefined;
  readonly onError?: ((error: Error) => void) | undefined;
  /** Told once, when requests are taken. */
  readonly onListening?: ((url: string) => void) | undefined;
}

const path = "/mcp";
const shortestToken = 16;

/** Serves clients over HTTP on loopback alone, each request with the bearer token, until the signal. */
export async function runMcpHttp(options: HttpOptions): Promise<void> {
  if (options.token.length < shortestToken) {
    throw badStart(
      `The bearer token needs at least ${shortestToken} characters.`,
      "Choose a longer one that nobody can guess.",
    );
  }
  const reporting = options.onError === undefined ? {} : { onerror: options.onError };
  const handler = createMcpHandler(mcpServers(options), reporting);
  const serve = toNodeHandler(handler, reporting);
  const allows = guard(options.token);
  const server = createServer((request, response) => {
    if (allows(request, response)) void serve(request as NodeIncomingMessageLike, response);
  });
  server.listen(options.port, "127.0.0.1");
  await once(server, "listening").catch((error: NodeJS.ErrnoException) => {
    throw badStart(
      `Port ${options.port} of this machine cannot be listened on (${error.code ?? "unknown"}).`,
      "Name another port, or none for any free one.",
    );
  });
  const { port } = server.address() as AddressInfo;
  options.onListening?.(`http://127.0.0.1:${port}${path}`);
  await aborted(options.signal);
  server.close();
  await handler.close();
  server.closeAllConnections();
}

/** Answers what must not pass: another host or origin, another path, no or a wrong token. */
function guard(token: string): (request: IncomingMessage, response: ServerResponse) => boolean {
  const validHost = localhostHostValidation();
  const validOrigin = localhostOriginValidation();
  return (request, response) => {
    if (!validHost(request, response) || !validOrigin(request, response)) return false;
    if (request.url?.split("?")[0] !== path) return refuse(response, 404, "Not found.");
    if (!bears(request.headers.authorization, token)) {
      response.setHeader("WWW-Authenticate", "Bearer");
      return refuse(response, 401, "This server wants its bearer token.");
    }
    return true;
  };
}

function bears(header: string | undefined, token: string): boolean {
  const given = /^Bearer ([^\s]+)$/i.exec(header ?? "")?.[1];
  // Digests have one length, so that comparing them tells nothing of the token's.
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return given !== undefined && timingSafeEqual(digest(given), digest(token));
}

function refuse(response: ServerResponse, status: number, message: string): false {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ jsonrpc: "2.0", id: null, error: { code: -32000, message } }));
  return false;
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) resolve();
    else signal?.addEventListener("abort", () => resolve(), { once: true });
  });
}
