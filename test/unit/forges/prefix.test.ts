import { expect, test } from "vitest";
import { ForgeHttp } from "../../../src/forges/http.ts";
import { detectFlavour } from "../../../src/forges/prefix.ts";
import { failureOf, httpDouble, json, quickClock } from "../../support/agent-half.ts";

const about = {
  name: "forge-landing-kit",
  version: "1.2.3",
  protocol: 1,
  instance: "i",
  repo: "o/r",
  target: "main",
  landing_rule: "up_to_date",
  recovery: [],
  isolation: "none",
  draining: false,
  frozen: null,
};
const challenge = json(200, { challenge: "ab" });
const detect = (origin: string) =>
  detectFlavour(new ForgeHttp({ baseUrl: origin, clock: quickClock() }));

test("a forge of ours is known by one request", async () => {
  const double = await httpDouble({ "GET /git/api/forge/about": json(200, about) });
  expect(await detect(double.origin)).toMatchObject({
    prefix: "/git",
    about: { version: "1.2.3" },
  });
  expect(double.seen).toHaveLength(1);
});

test.each([
  ["/git", { "POST /git/auth/challenge": challenge }],
  ["/news", { "POST /news/auth/challenge": challenge }],
  ["/news", { "POST /news/auth/challenge": json(403, { error: "auth not enabled" }) }],
  ["/git", { "POST /git/auth/challenge": challenge, "POST /news/auth/challenge": challenge }],
])("the reference is found under %s", async (prefix, routes) => {
  const double = await httpDouble(routes);
  expect(await detect(double.origin)).toEqual({ prefix, about: undefined });
});

test("a web site is no forge", async () => {
  const page = (_seen: unknown, response: import("node:http").ServerResponse) => {
    response.writeHead(200, { "content-type": "text/html" }).end("<html></html>");
  };
  const double = await httpDouble({
    "GET /git/api/forge/about": page,
    "POST /git/auth/challenge": page,
    "POST /news/auth/challenge": page,
  });
  expect(await failureOf(detect(double.origin))).toMatchObject({ code: "unsupported" });
});

test("a forge with a fault is told as that, unless its other prefix answers", async () => {
  const broken = json(500, { error: "database is locked" });
  const faulty = { "GET /git/api/forge/about": broken, "POST /git/auth/challenge": broken };
  const double = await httpDouble(faulty);
  expect(await failureOf(detect(double.origin))).toMatchObject({
    code: "forge_error",
    message: `The forge failed (status 500, GET /git/api/forge/about at ${double.origin}): database is locked.`,
  });
  const reference = await httpDouble({ ...faulty, "POST /news/auth/challenge": challenge });
  expect(await detect(reference.origin)).toEqual({ prefix: "/news", about: undefined });
});

test("nobody there is not taken for another kind of forge", async () => {
  const gone = await httpDouble({});
  await gone.close();
  expect(await failureOf(detect(gone.origin))).toMatchObject({ code: "forge_unreachable" });
});

test.each([
  [0, "land stop"],
  [2, "Update forge-landing-kit"],
])("protocol %i is not spoken", async (protocol, next) => {
  const double = await httpDouble({
    "GET /git/api/forge/about": json(200, { ...about, protocol }),
  });
  expect(await failureOf(detect(double.origin))).toMatchObject({
    code: "unsupported",
    next: expect.stringContaining(next),
  });
});
