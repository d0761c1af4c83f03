import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import {
  Client,
  type ClientOptions,
  InMemoryTransport,
  type Transport,
} from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { type McpOptions, mcpServers } from "../../src/mcp/server.ts";
import { launcher } from "./cli.ts";

/** Which revision a client speaks: the newest there is, or the older handshake. */
export type Era = "modern" | "legacy";

export interface Connected extends AsyncDisposable {
  readonly client: Client;
}

/** A v2 client on a server of this process, over a pair of transports in memory. */
export async function connectInMemory(
  options: Omit<McpOptions, "version">,
  era: Era = "modern",
  clientOptions: ClientOptions = {},
): Promise<Connected> {
  const [serverSide, clientSide] = InMemoryTransport.createLinkedPair();
  const handle = serveStdio(mcpServers({ version: "0.0.0-test", ...options }), {
    transport: serverSide as never,
  });
  const client = await connect(clientSide, era, clientOptions);
  return {
    client,
    async [Symbol.asyncDispose]() {
      await client.close();
      await handle.close();
    },
  };
}

/** A v2 client that speaks the given era over a transport. */
export async function connect(
  transport: Transport,
  era: Era,
  options: ClientOptions = {},
): Promise<Client> {
  const client = new Client(
    { name: "test-client", version: "1.0.0" },
    { ...options, versionNegotiation: { mode: era === "modern" ? "auto" : "legacy" } },
  );
  await client.connect(transport);
  return client;
}

/** How the built server is started: program and arguments. */
export function serverCommand(args: readonly string[] = []): { command: string; args: string[] } {
  return { command: process.execPath, args: [launcher, "mcp", ...args] };
}

/** A v2 client on the built server, started in a folder with a whole environment. */
export async function spawnMcp(
  repoDir: string,
  env: Readonly<Record<string, string>>,
  how: { era?: Era; args?: readonly string[]; client?: ClientOptions } = {},
): Promise<Connected> {
  const transport = new StdioClientTransport({
    ...serverCommand(how.args),
    cwd: repoDir,
    env: { ...env },
    stderr: "inherit",
  });
  const client = await connect(transport, how.era ?? "modern", how.client);
  return { client, [Symbol.asyncDispose]: () => client.close() };
}

/** One JSON-RPC message. */
export type RawMessage = Readonly<Record<string, unknown>>;

/** The built server behind bare lines, for revisions that no client package speaks any more. */
export class RawMcp implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #answers = new Map<number, (message: RawMessage) => void>();
  /** Whatever came that answers nothing: notifications, in order. */
  readonly notifications: RawMessage[] = [];
  #last = 0;

  constructor(repoDir: string, env: Readonly<Record<string, string>>, args?: readonly string[]) {
    const server = serverCommand(args);
    this.#child = spawn(server.command, server.args, {
      cwd: repoDir,
      env: { ...env },
      stdio: ["pipe", "pipe", "inherit"],
    });
    if (this.#child.stdout === null) throw new Error("no standard output");
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#take(line));
  }

  /** Sends a request and waits for its answer, an error answer included. */
  async request(method: string, params: Record<string, unknown> = {}): Promise<RawMessage> {
    this.#last += 1;
    const id = this.#last;
    const answer = new Promise<RawMessage>((resolve) => this.#answers.set(id, resolve));
    this.send({ jsonrpc: "2.0", id, method, params });
    return answer;
  }

  send(message: RawMessage): void {
    this.#child.stdin?.write(`${JSON.stringify(message)}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = this.#child.exitCode !== null ? undefined : once(this.#child, "exit");
    this.#child.stdin?.end();
    await ended;
  }

  #take(line: string): void {
    const message = JSON.parse(line) as RawMessage;
    const waiting = typeof message.id === "number" ? this.#answers.get(message.id) : undefined;
    if (waiting === undefined) this.notifications.push(message);
    else waiting(message);
  }
}
