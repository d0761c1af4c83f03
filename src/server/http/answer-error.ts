import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { ErrorAnswer } from "../../contract/errors.ts";
import { isLandError } from "../../domain/errors.ts";
import { AccessError } from "../access/access-error.ts";
import { RefusedError } from "../refused.ts";
import { storageFault, storageTrouble } from "../storage.ts";
import { HttpFault } from "./fault.ts";
import type { Parts } from "./parts.ts";

/** The one place where what went wrong becomes an answer. Never a stack trace. */
export function answerError(
  error: unknown,
  c: Context,
  { log, config }: Pick<Parts, "log" | "config">,
): Response {
  if (error instanceof HttpFault) {
    const status = error.status as ContentfulStatusCode;
    return typeof error.body === "string" ? c.text(error.body, status) : c.json(error.body, status);
  }
  if (error instanceof AccessError) return c.json({ error: error.message }, error.status);
  if (error instanceof RefusedError) {
    const body: ErrorAnswer = {
      error: error.message,
      ...(error.code === undefined ? {} : { code: error.code }),
      ...error.facts,
    };
    return c.json(body, error.status);
  }
  log.error({ err: error, method: c.req.method, path: c.req.path }, "request failed");
  // What git could not do on a full disk it says in words alone; the disk itself tells better.
  const storage = storageFault(error)?.words ?? storageTrouble(config);
  if (storage !== undefined) {
    return c.json({ error: storage, code: "storage_failed" } satisfies ErrorAnswer, 507);
  }
  const body: ErrorAnswer = isLandError(error)
    ? { error: error.message, code: error.code }
    : { error: "the forge failed to answer this request; its log says why" };
  return c.json(body, 500);
}
