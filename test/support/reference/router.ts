import type { IncomingMessage, ServerResponse } from "node:http";
import { admit, type GuardName, type Rights } from "./access.ts";
import type { Core } from "./core.ts";
import { plainly } from "./refusal.ts";

/** An answer as it will travel, or what writes one piece by piece. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly stream?: (response: ServerResponse) => void;
}

export interface Call {
  /** 64-bit ids of the path, in order. */
  readonly ids: readonly bigint[];
  /** Text parameters of the path, in order. */
  readonly texts: readonly string[];
  readonly query: Readonly<Record<string, string | bigint | undefined>>;
  /** What the body reader made of the body; undefined where none is read. */
  readonly body: unknown;
  readonly raw: Buffer;
  readonly request: IncomingMessage;
  /** The caller; throws where the guard lets anybody in. */
  rights(): Rights;
}

export interface Endpoint {
  readonly guard: GuardName;
  readonly query?: Readonly<Record<string, "text" | "text?" | "int" | "int?">>;
  /** Reads a JSON body; throws the words for a wrong shape. Absent: the body is not looked at. */
  readonly body?: (value: unknown) => unknown;
  /** The body is read as bytes, under the same limit. */
  readonly bytes?: boolean;
  readonly run: (call: Call) => Promise<Answer> | Answer;
}

/** `:name` is a 64-bit integer, `*name` text. Static segments come before both. */
export interface Path {
  readonly path: string;
  readonly get?: Endpoint;
  readonly post?: Endpoint;
}

export const json = (body: unknown, status = 200): Answer => ({
  status,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

export const text = (body: string, status = 200): Answer => ({
  status,
  headers: { "content-type": "text/plain; charset=utf-8" },
  body,
});

export const html = (body: string): Answer => ({
  status: 200,
  headers: { "content-type": "text/html; charset=utf-8" },
  body: `<!doctype html><html><body>${body}</body></html>`,
});

const bodyLimit = 2 * 1024 * 1024;

/** Finds the endpoint, reads path, query and body as the framework does, then asks the guard. */
export async function dispatch(
  core: Core,
  table: readonly Path[],
  request: IncomingMessage,
  raw: Buffer,
): Promise<Answer> {
  const [path = "", search = ""] = splitOnce(request.url ?? "/", "?");
  const found = match(table, path);
  if (found === undefined) return { status: 404, headers: {}, body: "" };
  const { get, post } = found.path;
  const method = request.method ?? "GET";
  const endpoint =
    method === "GET" || method === "HEAD" ? get : method === "POST" ? post : undefined;
  if (endpoint === undefined) {
    const allow = [...(get === undefined ? [] : ["GET,HEAD"]), ...(post ? ["POST"] : [])];
    return { status: 405, headers: { allow: allow.join(",") }, body: "" };
  }
  const ids = found.ids.map(integerInPath);
  const query = readQuery(endpoint.query ?? {}, new URLSearchParams(search));
  const body = readBody(endpoint, request, raw);
  const rights = admit(core, endpoint.guard, headerOf(request));
  return endpoint.run({
    ids,
    texts: found.texts,
    query,
    body,
    raw,
    request,
    rights() {
      if (rights === null) throw new Error("this endpoint knows no caller");
      return rights;
    },
  });
}

const headerOf = (request: IncomingMessage) => request.headers.authorization;

function splitOnce(whole: string, by: string): [string, string] {
  const at = whole.indexOf(by);
  return at < 0 ? [whole, ""] : [whole.slice(0, at), whole.slice(at + by.length)];
}

function match(table: readonly Path[], asked: string) {
  const given = asked.split("/");
  for (const path of table) {
    const wanted = path.path.split("/");
    if (wanted.length !== given.length) continue;
    const fits = wanted.every((part, index) =>
      part.startsWith(":") || part.startsWith("*") ? given[index] !== "" : part === given[index],
    );
    if (!fits) continue;
    const pick = (sign: string) =>
      wanted.flatMap((part, index) => (part.startsWith(sign) ? [decoded(given[index] ?? "")] : []));
    return { path, ids: pick(":"), texts: pick("*") };
  }
  return undefined;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw plainly(400, `Invalid URL: Invalid UTF-8 in \`${segment}\``);
  }
}

/** A signed 64-bit integer as the server's language reads one. */
function integer(value: string): bigint | undefined {
  if (!/^[+-]?[0-9]+$/.test(value)) return undefined;
  const number = BigInt(value.replace(/^\+/, ""));
  return BigInt.asIntN(64, number) === number ? number : undefined;
}

function integerInPath(value: string): bigint {
  const found = integer(value);
  if (found === undefined) {
    throw plainly(400, `Invalid URL: Cannot parse \`${value}\` to a \`i64\``);
  }
  return found;
}

function readQuery(
  wanted: NonNullable<Endpoint["query"]>,
  given: URLSearchParams,
): Record<string, string | bigint | undefined> {
  const found: Record<string, string | bigint | undefined> = {};
  const fail = (why: string) => plainly(400, `Failed to deserialize query string: ${why}`);
  for (const [name, kind] of Object.entries(wanted)) {
    const [value, ...others] = given.getAll(name);
    if (others.length > 0) throw fail(`duplicate field \`${name}\``);
    if (value === undefined && !kind.endsWith("?")) throw fail(`missing field \`${name}\``);
    if (value === undefined || kind.startsWith("text")) found[name] = value;
    else {
      const number = integer(value);
      if (number === undefined) throw fail("invalid digit found in string");
      found[name] = number;
    }
  }
  return found;
}

/** Content type, then length, then JSON, then shape: the framework's order. */
function readBody(endpoint: Endpoint, request: IncomingMessage, raw: Buffer): unknown {
  if (endpoint.body === undefined && endpoint.bytes !== true) return undefined;
  const type = (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (endpoint.body !== undefined && !/^application\/(json|[^/]+\+json)$/.test(type)) {
    throw plainly(415, "Expected request with `Content-Type: application/json`");
  }
  if (raw.length > bodyLimit) {
    throw plainly(413, "Failed to buffer the request body: length limit exceeded");
  }
  if (endpoint.body === undefined) return raw;
  let value: unknown;
  try {
    value = JSON.parse(raw.toString("utf8"));
  } catch (error) {
    throw plainly(400, `Failed to parse the request body as JSON: ${(error as Error).message}`);
  }
  try {
    return endpoint.body(value);
  } catch (error) {
    const why = (error as Error).message;
    throw plainly(422, `Failed to deserialize the JSON body into the target type: ${why}`);
  }
}
