import type { Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import type { Hono } from "hono";

/**
 * How long a connection may wait for its next request. Longer than the proxies in front keep theirs
 * (nginx 60 s, Caddy 120 s): a request sent down a connection that is just being closed is lost.
 */
const keepAliveMs = 130_000;

/** A listening HTTP server and what is under way on it. */
export interface Listening {
  readonly port: number;
  /** Answers that are not complete yet, event streams included. */
  readonly active: () => number;
  /** Milliseconds, on `performance.now()`'s scale, when an answer last began or ended. */
  readonly lastActive: () => number;
  /** Takes no more connections; resolves when the last answer is complete. */
  readonly finish: () => Promise<void>;
  /** Cuts what is still open. */
  readonly cut: () => void;
}

/**
 * Listens on the port, or on a free one where it is taken; with `fixed` that fails, since a proxy
 * in front knows the one.
 */
export async function listen(
  app: Hono,
  { host, port, fixed }: { host: string; port: number; fixed: boolean },
): Promise<Listening> {
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
  }) as Server;
  server.keepAliveTimeout = keepAliveMs;
  let active = 0;
  let lastActive = performance.now();
  let onQuiet: (() => void) | undefined;
  server.on("request", (_request, response) => {
    active += 1;
    lastActive = performance.now();
    response.once("close", () => {
      active -= 1;
      lastActive = performance.now();
      if (active === 0) onQuiet?.();
    });
  });
  await bind(server, host, port).catch((error: NodeJS.ErrnoException) => {
    if (fixed) throw new Error(`It cannot listen on port ${port} of ${host}: ${error.message}.`);
    if (port === 0 || (error.code !== "EADDRINUSE" && error.code !== "EACCES")) throw error;
    return bind(server, host, 0);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    active: () => active,
    lastActive: () => lastActive,
    finish: () => {
      server.close();
      server.closeIdleConnections();
      return active === 0 ? Promise.resolve() : new Promise((resolve) => (onQuiet = resolve));
    },
    cut: () => server.closeAllConnections(),
  };
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => {
      server.off("listening", bound);
      reject(error);
    };
    const bound = () => {
      server.off("error", failed);
      // Errors of a server that listens concern single connections; they must not end the process.
      server.on("error", () => {});
      resolve();
    };
    server.once("error", failed);
    server.once("listening", bound);
    server.listen(port, host.replace(/[[\]]/g, ""));
  });
}
