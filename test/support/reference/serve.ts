import { EventEmitter } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Core } from "./core.ts";
import type { Faults } from "./faults.ts";
import { Refusal } from "./refusal.ts";
import { type Answer, dispatch, json, type Path, text } from "./router.ts";
import type { Seen } from "./types.ts";

export interface Door {
  readonly server: Server;
  readonly port: number;
  readonly requests: Seen[];
  /** `request` with what was seen, at arrival and after its answer. */
  readonly events: EventEmitter;
}

/** Listens on a free port of loopback. */
export async function openDoor(core: Core, table: () => readonly Path[]): Promise<Door> {
  const requests: Seen[] = [];
  const events = new EventEmitter();
  events.setMaxListeners(0);
  const server = createServer((request, response) => {
    handle(core, table(), { request, response, requests, events }).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { server, port, requests, events };
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requests: Seen[];
  readonly events: EventEmitter;
}

async function handle(core: Core, table: readonly Path[], exchange: Exchange): Promise<void> {
  const { request, response, requests, events } = exchange;
  const raw = await readAll(request);
  const seen: Seen = {
    method: request.method ?? "",
    path: request.url ?? "",
    headers: request.headers,
    body: raw.toString("utf8"),
    status: null,
  };
  requests.push(seen);
  events.emit("request", seen);
  const name = `${seen.method} ${seen.path}`;
  if (core.faults.hold?.test(name)) await core.gates.request.wait();
  const answer = broken(core.faults, seen, name) ?? (await answered(core, table, request, raw));
  const merged = /\/merge$/.test(seen.path) && answer.status === 200;
  if (merged && core.faults.cutMergeAnswers > 0) {
    core.faults.cutMergeAnswers -= 1;
    response.destroy();
    return;
  }
  seen.status = answer.status;
  send(response, seen, asHtml(core.faults, name, answer));
  events.emit("request", seen);
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const concerns = (faults: Faults, name: string) => faults.only?.test(name) ?? true;

/** What a broken proxy answers in the forge's place. */
function broken(faults: Faults, seen: Seen, name: string): Answer | undefined {
  if (/\/stream(\/full)?$/.test(seen.path) && faults.streams === "refuse") return proxyError();
  if (!concerns(faults, name)) return undefined;
  if (faults.badGateway > 0) {
    faults.badGateway -= 1;
    return proxyError();
  }
  if (faults.redirectTo !== null) {
    const location = faults.redirectTo + seen.path;
    return { status: faults.redirectStatus, headers: { location }, body: "" };
  }
  return undefined;
}

const proxyError = () => htmlError(502, "Bad Gateway");

const htmlError = (status: number, words: string): Answer => ({
  status,
  headers: { "content-type": "text/html" },
  body: `<html>\n<head><title>${status} ${words}</title></head>\n<body><h1>${status} ${words}</h1></body>\n</html>\n`,
});

const asHtml = (faults: Faults, name: string, answer: Answer): Answer =>
  faults.htmlErrors && answer.status >= 400 && concerns(faults, name)
    ? htmlError(answer.status, "Error")
    : answer;

async function answered(
  core: Core,
  table: readonly Path[],
  request: IncomingMessage,
  raw: Buffer,
): Promise<Answer> {
  try {
    return await dispatch(core, table, request, raw);
  } catch (error) {
    if (error instanceof Refusal) {
      if (!error.json) return text(error.message, error.status);
      return json({ error: error.message }, error.status);
    }
    return json({ error: error instanceof Error ? error.message : String(error) }, 500);
  }
}

function send(response: ServerResponse, seen: Seen, answer: Answer): void {
  const { stream, headers, body } = answer;
  if (stream !== undefined) {
    response.writeHead(answer.status, headers);
    if (seen.method === "HEAD") response.end();
    else stream(response);
    return;
  }
  response.writeHead(answer.status, { ...headers, "content-length": Buffer.byteLength(body) });
  response.end(seen.method === "HEAD" ? undefined : body);
}
