import type { MiddlewareHandler } from "hono";
import { prefixes } from "../../contract/paths.ts";
import type { ServerConfig } from "../config.ts";

/**
 * Under a host name that is retired every path and method answers 410 with where the forge is now.
 * It is text and no redirect: a client that follows one would send its token along.
 */
export function answerRetired(config: ServerConfig): MiddlewareHandler {
  const retired = new Set((config.retiredHosts ?? []).map((name) => name.toLowerCase()));
  return async (c, next) => {
    const host = nameIn(c.req.header("host") ?? "");
    if (!retired.has(host)) return next();
    const { canonicalUrl } = config;
    const where =
      canonicalUrl === null ? "" : ` to ${canonicalUrl.replace(/\/+$/, "")}${prefixes[0]}`;
    return c.text(`This forge moved${where}\n`, 410);
  };
}

/** The name in a `Host` header, without its port and the dot of a fully qualified one. */
function nameIn(host: string): string {
  return host.toLowerCase().replace(/:\d+$/, "").replace(/\.$/, "");
}
