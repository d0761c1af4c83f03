import type { MiddlewareHandler } from "hono";
import { HttpFault } from "./fault.ts";

const headers: Readonly<Record<string, string>> = {
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Cache-Control": "no-store",
};

/** Headers of a stream of server-sent events. */
export const eventHeaders = {
  "Content-Type": "text/event-stream",
  "Cache-Control": "no-cache",
  "X-Accel-Buffering": "no",
};

/** Headers of every answer; a handler's own value goes first. Never one that lets origins in. */
export const securityHeaders: MiddlewareHandler = async (c, next) => {
  await next();
  for (const [name, value] of Object.entries(headers)) {
    if (!c.res.headers.has(name)) c.res.headers.set(name, value);
  }
};

/**
 * Refuses requests that name another host or come from another origin's page, so that no web page
 * can reach a forge on loopback, be it under a name of its own (DNS rebinding).
 */
export function guardHost(hosts: () => ReadonlySet<string> | undefined): MiddlewareHandler {
  return async (c, next) => {
    const allowed = hosts();
    const host = c.req.header("host")?.toLowerCase() ?? "";
    if (allowed !== undefined && !allowed.has(host)) {
      throw new HttpFault(421, { error: "this forge does not answer under that host name" });
    }
    const origin = c.req.header("origin");
    if (allowed !== undefined && origin !== undefined && !allowed.has(hostOf(origin))) {
      throw new HttpFault(403, { error: "this forge takes no requests from other sites' pages" });
    }
    await next();
  };
}

function hostOf(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).host : "";
}
