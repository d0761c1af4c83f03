import { mkdtemp, realpath, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Clock } from "../../src/forges/clock.ts";
import { onLoopback } from "./loopback.ts";

/** Runs after the test, in reverse order, whatever happened. */
export function afterwards(cleanup: () => Promise<void>): void {
  onTestFinished(cleanup);
}

/** A folder that is gone after the test. */
export async function temporaryFolder(name = "land-test"): Promise<string> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), `${name}-`)));
  afterwards(() => rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }));
  return dir;
}

/** A request as a double saw it, body included. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export type Answering = (seen: Seen, response: ServerResponse) => void | Promise<void>;

export interface HttpDouble {
  readonly origin: string;
  /** Everything it was asked, in order. */
  readonly seen: Seen[];
  /** Requests as `METHOD /path`. */
  asked(): string[];
  close(): Promise<void>;
}

/**
 * A strict HTTP server for what a real forge never does: routes are `METHOD /path`, everything
 * else is 404 with an empty body, as the reference answers an unknown route.
 */
export async function httpDouble(routes: Readonly<Record<string, Answering>>): Promise<HttpDouble> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const url = new URL(request.url ?? "/", "http://double");
      const one: Seen = {
        method: request.method ?? "",
        path: url.pathname,
        query: url.searchParams,
        headers: request.headers,
        body: Buffer.concat(chunks).toString("utf8"),
      };
      seen.push(one);
      const answering = routes[`${one.method} ${one.path}`];
      if (answering === undefined) response.writeHead(404).end();
      else void answering(one, response);
    });
  });
  const { origin, close } = await onLoopback(server);
  afterwards(close);
  return {
    ...{ origin, seen, close },
    asked: () => seen.map(({ method, path }) => `${method} ${path}`),
  };
}

/** Answers with JSON. */
export function json(status: number, body: unknown): Answering {
  return (_seen, response) => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
}

/** Each call gets the next answer; the last one stays. */
export function inTurn(...answers: readonly Answering[]): Answering {
  let at = 0;
  return (seen, response) => {
    const answering = answers[Math.min(at, answers.length - 1)];
    at += 1;
    return answering?.(seen, response);
  };
}

/** Takes the request and cuts the connection instead of answering. */
export const cut: Answering = (_seen, response) => {
  response.socket?.destroy();
};

/** Takes the request and never answers. */
export const hang: Answering = () => {};

/** A clock whose pauses are over at once; they are kept to be looked at. */
export function quickClock(start = Date.parse("2026-03-01T12:00:00Z")): Clock & {
  readonly pauses: number[];
} {
  let now = start;
  const pauses: number[] = [];
  return {
    pauses,
    now: () => now,
    async pause(ms) {
      pauses.push(ms);
      now += ms;
      await new Promise((resolve) => setImmediate(resolve));
    },
    random: () => 0.5,
  };
}

/** A promise that a test settles by hand. */
export function byHand<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** The error that work fails with; a test failure where it succeeds. */
export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error("it was expected to fail, and succeeded");
}
