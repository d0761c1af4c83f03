import { type Case, empty, plainly, refuses, row } from "../case.ts";
import { type Endpoint, endpoints, filled, methodsOf } from "../endpoints.ts";
import type { Revision } from "../world.ts";

const url = (endpoint: Endpoint, id?: string | number) =>
  filled(endpoint.path, id) + (endpoint.query === undefined ? "" : `?${endpoint.query}`);

const label = ({ method, path }: Pick<Endpoint, "method" | "path">) => `${method} {P}${path}`;

const unserved = ({ unserved: rowOfIt }: Endpoint) =>
  rowOfIt === undefined ? {} : { differs: { row: rowOfIt, expect: empty(404) } };

/** Nobody gets past a guard without a token, a reader not to a writer's, a writer not to an admin's. */
const guards = endpoints.flatMap((endpoint): Case[] => {
  const body = endpoint.body === undefined ? {} : { body: endpoint.body };
  const call = { method: endpoint.method, path: url(endpoint), ...body };
  const on = endpoint.on;
  const refused = (who: "reader" | "writer", words: string) =>
    row({
      section: "1.7",
      name: `${label(endpoint)} is not for a ${who}`,
      on,
      call: () => ({ ...call, as: who }),
      expect: refuses(403, words),
      ...unserved(endpoint),
    });
  const none = row({
    section: "1.7",
    name: `${label(endpoint)} wants a token`,
    on,
    call: () => call,
    expect: refuses(401, "missing auth token"),
    ...unserved(endpoint),
  });
  if (endpoint.guard === "none") return [];
  if (endpoint.guard === "trusted") {
    return [none, refused("reader", "trusted contributor access required")];
  }
  if (endpoint.guard === "admin") {
    const [a, b] = ["reader", "writer"] as const;
    const words = "admin access required";
    return [none, refused(a, words), refused(b, words)];
  }
  return [none];
});

/** Endpoints of the other revision are not there. */
const absent = (["seed", "head"] as const).flatMap((revision) => {
  const here = methodsOf(revision);
  return endpoints
    .filter(({ path, on }) => !on.includes(revision) && !here.has(path))
    .map((endpoint) =>
      row({
        section: "2.0",
        name: `${label(endpoint)} is not there`,
        on: [revision],
        call: () => ({ method: endpoint.method, path: url(endpoint) }),
        expect: empty(404),
        ...(endpoint.unserved === undefined ? differsByPrefix(endpoint) : {}),
      }),
    );
});

function differsByPrefix({ guard }: Endpoint): Partial<Case> {
  const about = "Endpoints of one revision";
  if (guard === "none") return { differs: { row: about, expect: plainly(404, /./) } };
  return { differs: { row: about, expect: refuses(401, /./) } };
}

/** A path asked by a method it does not have. */
const wrongMethods = (["seed", "head"] as const).flatMap((revision) =>
  [...methodsOf(revision)].map(([path, methods]) => {
    const allow = [
      ...(methods.has("GET") ? ["GET,HEAD"] : []),
      ...(methods.has("POST") ? ["POST"] : []),
    ];
    const [one] = endpoints.filter((each) => each.path === path);
    return row({
      section: "1.9",
      name: `DELETE {P}${path} is 405`,
      on: [revision],
      call: () => ({ method: "DELETE", path: filled(path), as: "writer" }),
      expect: empty(405, { allow: allow.join(",") }),
      ...(one?.unserved === undefined
        ? {}
        : { differs: { row: one.unserved, expect: empty(404) } }),
    });
  }),
);

const badIds: readonly [string, string][] = [
  ["x", "x"],
  ["1.0", "1.0"],
  ["1e3", "1e3"],
  ["0x10", "0x10"],
  ["9223372036854775808", "9223372036854775808"],
  ["-9223372036854775809", "-9223372036854775809"],
  ["99999999999999999999999999", "99999999999999999999999999"],
  ["%20", " "],
  ["a%2Fb", "a/b"],
  ["1%2F2", "1/2"],
  ["..%2F..%2Fme", "../../me"],
  ["-", "-"],
  ["%00", "\0"],
  ["1%0A", "1\n"],
  ["%D9%A1", "١"],
];
const emptyIds = ["-1", "-9223372036854775808", "9223372036854775807", "0", "404404"];

const ids: Case[] = [
  ...badIds.map(([sent, shown]) =>
    row({
      section: "1.9",
      name: `the id ${sent} is none`,
      call: () => ({ method: "GET", path: `/api/forge/branch/${sent}`, as: "writer" }),
      expect: plainly(400, `Invalid URL: Cannot parse \`${shown}\` to a \`i64\``),
    }),
  ),
  ...endpoints
    .filter(({ path }) => /ID|LANE|RUN/.test(path))
    .map((endpoint) =>
      row({
        section: "1.9",
        name: `${label(endpoint)} wants an integer`,
        on: endpoint.on,
        call: () => ({
          method: endpoint.method,
          path: url(endpoint, "x"),
          as: "admin",
          ...(endpoint.body === undefined ? {} : { body: endpoint.body }),
        }),
        expect: plainly(400, /^Invalid URL: /),
        ...unserved(endpoint),
      }),
    ),
  ...emptyIds.map((id) =>
    row({
      section: "1.9",
      name: `the id ${id} is an id that nothing has`,
      call: () => ({ method: "GET", path: `/api/forge/branch/${id}`, as: "writer" }),
      expect: refuses(404, "branch not found"),
    }),
  ),
  row({
    section: "1.9",
    name: "a bad id is told before the guard asks",
    call: () => ({ method: "GET", path: "/api/forge/branch/x" }),
    expect: plainly(400, /^Invalid URL: /),
  }),
  row({
    section: "1.9",
    name: "a missing query is told before the guard asks",
    call: () => ({ method: "GET", path: "/api/forge/branch/resolve" }),
    expect: plainly(400, /^Failed to deserialize query string: /),
  }),
  row({
    section: "1.9",
    name: "a bad body is told before the guard asks",
    call: () => ({ method: "POST", path: "/api/inbox/dismiss", body: "{", type: "text/plain" }),
    expect: plainly(415, /./),
    differs: { row: "Guard and body", expect: refuses(401, /./) },
  }),
];

const bodied = endpoints.filter(({ body }) => body !== undefined);
const asJson = "application/json";
const bodies = bodied.flatMap((endpoint): Case[] => {
  const { method, on } = endpoint;
  const path = url(endpoint, 1);
  const wrong = (
    name: string,
    sent: { body?: string; type?: string },
    status: number,
    text: string | RegExp,
  ) =>
    row({
      section: "1.9",
      name: `${label(endpoint)} with ${name} is ${status}`,
      on,
      call: () => ({ method, path, as: "admin", ...sent }),
      expect: plainly(status, text),
      ...unserved(endpoint),
    });
  const type = "Expected request with `Content-Type: application/json`";
  const cases = [
    wrong("no content type", { body: "{}" }, 415, type),
    wrong("another content type", { body: "{}", type: "text/plain" }, 415, type),
    wrong("a form", { body: "a=1", type: "application/x-www-form-urlencoded" }, 415, type),
    wrong(
      "no JSON",
      { body: "{", type: asJson },
      400,
      /^Failed to parse the request body as JSON: /,
    ),
    wrong(
      "an empty body",
      { body: "", type: asJson },
      400,
      /^Failed to parse the request body as JSON: /,
    ),
    wrong(
      "a body over the limit",
      { body: `"${" ".repeat(2 * 1024 * 1024)}"`, type: asJson },
      413,
      /./,
    ),
  ];
  const shape = /^Failed to deserialize the JSON body into the target type: /;
  // The chat's shape is checked behind a session that no branch has.
  if (endpoint.unserved !== undefined) return cases;
  return [
    ...cases,
    wrong("a list", { body: "[]", type: asJson }, 422, shape),
    wrong("null", { body: "null", type: asJson }, 422, shape),
    wrong("a string", { body: '"x"', type: asJson }, 422, shape),
  ];
});

const shapeCases = (
  [
    ["/auth/verify", {}],
    ["/auth/verify", { event: {} }],
    ["/auth/verify", { event: 1 }],
    ["/auth/verify", { event: null }],
    ["/api/admin/allowlist", { npub: "x" }],
    ["/api/admin/allowlist", { active: true }],
    ["/api/admin/allowlist", { npub: "x", active: "yes" }],
    ["/api/admin/allowlist", { npub: 1, active: true }],
    ["/api/admin/allowlist", { npub: "x", active: true, note: 1 }],
    ["/api/inbox/dismiss", { branch_ids: "x" }],
    ["/api/inbox/dismiss", { branch_ids: [1.5] }],
    ["/api/inbox/dismiss", { all: 1 }],
  ] as const
).map(([path, body]) =>
  row({
    section: "1.9",
    name: `POST {P}${path} with ${JSON.stringify(body)} is 422`,
    call: () => ({ method: "POST", path, as: "admin", body }),
    expect: plainly(422, /^Failed to deserialize the JSON body into the target type: /),
  }),
);

const types = [
  "application/json; charset=utf-8",
  "Application/JSON",
  "application/vnd.api+json",
].map((type) =>
  row({
    section: "1.9",
    name: `${type} is JSON`,
    call: () => ({ method: "POST", path: "/auth/verify", body: '{"event":"x"}', type }),
    expect: refuses(401, /^invalid event JSON: /),
  }),
);

const nowhere = [
  "/",
  "/api",
  "/api/",
  "/api/nothing",
  "/api/me/",
  "/branch",
  "/branch/1/",
  "/auth",
];
const everywhere: readonly Revision[] = ["seed", "head"];
const places: Case[] = [
  ...nowhere.map((path) =>
    row({
      section: "1.9",
      name: `{P}${path} is no place`,
      call: () => ({ method: "GET", path, as: "writer" }),
      expect: empty(404),
    }),
  ),
  row({
    section: "10",
    name: "the other prefix is no place",
    on: everywhere,
    call: (_facts, { prefix }) => ({
      method: "POST",
      path: `${prefix === "/git" ? "/news" : "/git"}/auth/challenge`,
      fromRoot: true,
    }),
    expect: empty(404),
    differs: { row: "Prefixes", expect: { status: 200 } },
  }),
  row({
    section: "2.0",
    name: "the root shows the feed",
    on: ["seed"],
    call: () => ({ method: "GET", path: "/", fromRoot: true }),
    expect: { status: 200, headers: { "content-type": /^text\/html/ } },
    differs: { row: "Prefixes", expect: { status: 308, headers: { location: "/git" } } },
  }),
  row({
    section: "2.0",
    name: "the root leads to the feed",
    on: ["head"],
    call: () => ({ method: "GET", path: "/", fromRoot: true }),
    expect: { status: 308, headers: { location: "/git" } },
  }),
  row({
    section: "1.9",
    name: "no header lets other origins in",
    call: () => ({ method: "POST", path: "/auth/challenge" }),
    expect: { status: 200, headers: { "access-control-allow-origin": null } },
  }),
];

export const frameworkCases: readonly Case[] = [
  ...guards,
  ...absent,
  ...wrongMethods,
  ...ids,
  ...bodies,
  ...shapeCases,
  ...types,
  ...places,
];
