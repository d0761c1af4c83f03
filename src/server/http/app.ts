import { type Context, Hono } from "hono";
import { prefixes } from "../../contract/paths.ts";
import { textParameters } from "../../contract/route.ts";
import { type Route, type RouteName, routeTable } from "../../contract/routes.ts";
import { requireRight } from "../access/access.ts";
import { pageRoutes } from "../pages/routes.ts";
import { adminHandlers } from "./admin-routes.ts";
import { answerError } from "./answer-error.ts";
import { authHandlers } from "./auth-routes.ts";
import { branchHandlers } from "./branch-routes.ts";
import { parseId, readBody, readQuery } from "./extract.ts";
import { forgeHandlers } from "./forge-routes.ts";
import type { Call, Handler, Handlers } from "./handler.ts";
import { guardHost, securityHeaders } from "./headers.ts";
import { inboxHandlers } from "./inbox-routes.ts";
import { keyHandlers } from "./key-routes.ts";
import { landingHandlers } from "./landing-routes.ts";
import { laneHandlers } from "./lane-routes.ts";
import { logHandlers } from "./log-routes.ts";
import { nightlyHandlers } from "./nightly-routes.ts";
import type { Parts } from "./parts.ts";
import { queueHandlers } from "./queue-routes.ts";
import { answerRetired } from "./retired-hosts.ts";
import { runnerHandlers } from "./runner-routes.ts";
import { schedulerHandlers } from "./scheduler-routes.ts";
import { tokenHandlers } from "./token-routes.ts";
import { webhookHandlers } from "./webhook-routes.ts";

const handlers: Handlers = {
  ...adminHandlers,
  ...authHandlers,
  ...branchHandlers,
  ...forgeHandlers,
  ...inboxHandlers,
  ...keyHandlers,
  ...landingHandlers,
  ...laneHandlers,
  ...logHandlers,
  ...nightlyHandlers,
  ...queueHandlers,
  ...runnerHandlers,
  ...schedulerHandlers,
  ...tokenHandlers,
  ...webhookHandlers,
};

/** The whole HTTP face: the contract's routes and the pages, under both prefixes. */
export function createApp(parts: Parts): Hono {
  const app = new Hono();
  const methods = new Map<string, Set<string>>();
  const add = (method: string, path: string, answer: (c: Context) => Promise<Response>) => {
    for (const prefix of prefixes) {
      const full = prefix + path.replace(/\{(\w+)\}/g, ":$1");
      methods.set(full, (methods.get(full) ?? new Set()).add(method.toUpperCase()));
      app.on(method.toUpperCase(), full, answer);
    }
  };

  app.onError((error, c) => answerError(error, c, parts));
  app.notFound((c) => c.body(null, 404));
  app.use(securityHeaders, answerRetired(parts.config), guardHost(parts.hosts));
  for (const route of routeTable) {
    const answer = (c: Context) => answerRoute(c, parts, route, handlers[route.name]);
    for (const path of route.paths) {
      add(route.method, path, answer);
      if (route.alsoBy !== undefined) add(route.alsoBy, path, answer);
    }
  }
  for (const page of pageRoutes) add("get", page.path, async (c) => page.answer(c, parts));
  app.get("/", (c) => c.redirect(prefixes[0], 308));
  methods.set("/", new Set(["GET"]));
  for (const [path, allowed] of methods) app.all(path, (c) => methodNotAllowed(c, allowed));
  return app;
}

/** Reads a request by its row in the order path, query, guard, body, and lets the handler answer. */
async function answerRoute<N extends RouteName>(
  c: Context,
  parts: Parts,
  route: Route,
  handler: Handler<N>,
): Promise<Response> {
  const ids = new Map(
    Object.entries(c.req.param())
      .filter(([name]) => !textParameters.has(name))
      .map(([name, text]) => [name, parseId(String(text))]),
  );
  const call = {
    c,
    parts,
    id: (name: string) => ids.get(name) ?? -1,
    text: (name: string) => c.req.param(name) ?? "",
    query: route.query === undefined ? undefined : readQuery(c.req, route.query),
    caller: route.guard === "none" ? undefined : admit(c, parts, route.guard),
    body:
      route.body === undefined
        ? undefined
        : await readBody(c.req, route.body.schema, route.body.optional),
  };
  const answer = await handler(call as unknown as Call<N>);
  return answer instanceof Response ? answer : c.json(answer as object);
}

function admit(c: Context, parts: Parts, guard: "token" | "reader" | "writer" | "owner") {
  const caller = parts.access.caller(c.req.header("authorization"));
  if (guard !== "token") requireRight(caller, guard);
  return caller;
}

function methodNotAllowed(c: Context, allowed: ReadonlySet<string>): Response {
  const names = [...allowed].flatMap((name) => (name === "GET" ? ["GET", "HEAD"] : [name]));
  return c.body(null, 405, { Allow: names.join(",") });
}
