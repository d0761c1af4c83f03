import type { Context } from "hono";
import { isLoopback } from "../http/bases.ts";
import { HttpFault } from "../http/fault.ts";
import type { Parts } from "../http/parts.ts";

/** The prefix that a page was asked for below. */
export function prefixOf(c: Context): string {
  return `/${c.req.path.split("/")[1] ?? ""}`;
}

/**
 * Pages and their streams are for browsers on this machine. A forge with a canonical URL has a
 * proxy in front that brings others' requests over loopback too. Throws HttpFault 403.
 */
export function requireLoopback({ config }: Parts): void {
  if (isLoopback(config.host) && config.canonicalUrl === null) return;
  throw new HttpFault(403, "pages are shown on loopback only; use the API with a token");
}
