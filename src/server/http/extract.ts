import type { HonoRequest } from "hono";
import type { z } from "zod";
import { whyNoJson } from "../../text/json.ts";
import { HttpFault } from "./fault.ts";

const maxBodyBytes = 2 * 1024 * 1024;
const smallest = -(2n ** 63n);
const largest = 2n ** 63n - 1n;

/**
 * A path id: a signed 64-bit integer. Ours are small; one that JavaScript cannot hold exactly
 * becomes -1, which nothing has. Throws HttpFault 400.
 */
export function parseId(text: string): number {
  if (!/^[+-]?\d+$/.test(text) || text.length > 40) throw unreadableId(text);
  const value = BigInt(text.replace(/^\+/, ""));
  if (value < smallest || value > largest) throw unreadableId(text);
  const id = Number(value);
  return Number.isSafeInteger(id) ? id : -1;
}

function unreadableId(text: string): HttpFault {
  return new HttpFault(400, `Invalid URL: Cannot parse \`${text.slice(0, 100)}\` to a \`i64\``);
}

/** The query by its schema. Throws HttpFault 400. */
export function readQuery<S extends z.ZodType>(request: HonoRequest, schema: S): z.output<S> {
  const parsed = schema.safeParse(request.query());
  if (parsed.success) return parsed.data;
  throw new HttpFault(400, `Failed to deserialize query string: ${firstIssue(parsed.error)}`);
}

/**
 * The JSON body by its schema. An optional one may be blank and needs no content type.
 * Throws HttpFault 400, 413, 415 or 422 as the reference's framework does.
 */
export async function readBody<S extends z.ZodType>(
  request: HonoRequest,
  schema: S,
  optional: boolean,
): Promise<z.output<S>> {
  const type = request.header("content-type") ?? "";
  if (!optional && !/^application\/([^;\s]+\+)?json\s*(;|$)/i.test(type)) {
    throw new HttpFault(415, "Expected request with `Content-Type: application/json`");
  }
  const text = (await readBytes(request)).toString("utf8");
  const parsed = schema.safeParse(optional && text.trim() === "" ? {} : parseJson(text));
  if (parsed.success) return parsed.data;
  throw new HttpFault(
    422,
    `Failed to deserialize the JSON body into the target type: ${firstIssue(parsed.error)}`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new HttpFault(400, `Failed to parse the request body as JSON: ${whyNoJson(error)}`);
  }
}

/** Reads no more than is allowed, whatever the content length claims. */
export async function readBytes(request: HonoRequest): Promise<Buffer> {
  if (Number(request.header("content-length") ?? 0) > maxBodyBytes) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of request.raw.body ?? []) {
      length += chunk.byteLength;
      if (length > maxBodyBytes) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof HttpFault) throw error;
    // A client that went away is no fault of ours, and nothing for the log.
    throw new HttpFault(400, "Failed to buffer the request body: it broke off");
  }
  return Buffer.concat(chunks);
}

function tooLarge(): HttpFault {
  return new HttpFault(413, "Failed to buffer the request body: length limit exceeded");
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return "invalid";
  const where = issue.path.join(".");
  const missing = issue.code === "invalid_type" && issue.message.endsWith("received undefined");
  if (missing) return `missing field \`${where}\``;
  return where === "" ? issue.message : `${where}: ${issue.message}`;
}
