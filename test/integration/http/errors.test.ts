import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { prefixes } from "../../../src/contract/paths.ts";
import { startTestForge, type TestForge } from "../../support/server.ts";

let forge: TestForge;
let token: string;
let owner: string;
beforeAll(async () => {
  forge = await startTestForge();
  token = await forge.login(forge.agent.nsec);
  owner = await forge.login(forge.owner.nsec);
});
afterAll(() => forge?.close());

interface Raw {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}
const raw = async ({ method = "GET", path, headers = {}, body }: Raw) => {
  const answer = await fetch(forge.origin + path, {
    method,
    headers,
    redirect: "manual",
    ...(body === undefined ? {} : { body }),
  });
  return { status: answer.status, text: await answer.text(), headers: answer.headers };
};
const json = { "content-type": "application/json" };

describe.each(prefixes)("below %s the framework's errors", (prefix) => {
  it.each<[string, Omit<Raw, "path"> & { path: string }, number, string | RegExp]>([
    [
      "an id that is no number",
      { path: "/api/forge/branch/x" },
      400,
      "Invalid URL: Cannot parse `x` to a `i64`",
    ],
    [
      "an id beyond 64 bits",
      { path: "/api/forge/branch/9223372036854775808" },
      400,
      "Invalid URL: Cannot parse `9223372036854775808` to a `i64`",
    ],
    [
      "a second id that is no number",
      { method: "POST", path: "/branch/1/ci/fail/x" },
      400,
      "Invalid URL: Cannot parse `x` to a `i64`",
    ],
    [
      "an encoded id",
      { path: "/api/forge/branch/a%2Fb" },
      400,
      "Invalid URL: Cannot parse `a/b` to a `i64`",
    ],
    [
      "a missing query",
      { path: "/api/forge/branch/resolve" },
      400,
      "Failed to deserialize query string: missing field `branch_name`",
    ],
    [
      "a query of the wrong type",
      { path: "/api/forge/branch/1/logs?lane_run_id=x" },
      400,
      /^Failed to deserialize query string: /,
    ],
    [
      "a state that is none",
      { path: "/api/forge/branches?state=lost" },
      400,
      /^Failed to deserialize query string: /,
    ],
    [
      "no content type",
      {
        method: "POST",
        path: "/auth/verify",
        body: "{}",
        headers: { "content-type": "text/plain" },
      },
      415,
      "Expected request with `Content-Type: application/json`",
    ],
    [
      "malformed JSON",
      { method: "POST", path: "/auth/verify", body: "{", headers: json },
      400,
      /^Failed to parse the request body as JSON: /,
    ],
    [
      "an empty body",
      { method: "POST", path: "/auth/verify", headers: json },
      400,
      /^Failed to parse the request body as JSON: /,
    ],
    [
      "JSON of the wrong shape",
      { method: "POST", path: "/auth/verify", body: '{"event":{}}', headers: json },
      422,
      /^Failed to deserialize the JSON body into the target type: event/,
    ],
    [
      "a body over two megabytes",
      {
        method: "POST",
        path: "/auth/verify",
        body: " ".repeat(2 * 1024 * 1024 + 1),
        headers: json,
      },
      413,
      /length limit/,
    ],
    ["an unknown route", { path: "/api/nothing" }, 404, ""],
    ["a trailing slash", { path: "/" }, 404, ""],
    ["a wrong method", { method: "DELETE", path: "/api/me" }, 405, ""],
  ])("for %s", async (_name, call, status, body) => {
    const answer = await raw({ ...call, path: prefix + call.path });
    expect(answer.status).toBe(status);
    if (typeof body === "string") expect(answer.text).toBe(body);
    else expect(answer.text).toMatch(body);
    if (body !== "") expect(answer.headers.get("content-type")).toMatch(/^text\/plain/);
  });

  it("name the methods that a path has", async () => {
    const allow = async (method: string, path: string) =>
      (await raw({ method, path: prefix + path })).headers.get("allow");
    expect(await allow("POST", "/api/me")).toBe("GET,HEAD");
    expect(await allow("GET", "/api/forge/branch/1/merge")).toBe("POST");
    expect(await allow("OPTIONS", "/auth/verify")).toBe("POST");
    expect(await allow("GET", "/api/forge/branch/1/tutorial")).toBe("PUT,POST");
    expect(await allow("POST", "")).toBe("GET,HEAD");
  });
});

describe("the forge's own errors", () => {
  it.each([
    ["GET", "/api/forge/branch/404", "branch not found"],
    ["GET", "/api/forge/branch/-1", "branch not found"],
    ["GET", "/api/forge/branch/9223372036854775807", "branch not found"],
    ["GET", "/api/forge/branch/404/logs", "branch not found"],
    ["GET", "/api/forge/branch/resolve?branch_name=none", "branch not found"],
    ["GET", "/api/forge/lane/404/log", "no matching lane logs found"],
    ["POST", "/api/forge/branch/404/merge", "branch not found"],
    ["POST", "/branch/404/merge", "branch not found"],
    ["POST", "/api/forge/branch/404/close", "branch not found"],
    ["POST", "/branch/404/close", "branch not found"],
    ["POST", "/branch/1/ci/rerun/404", "branch lane not found"],
    ["POST", "/branch/1/ci/fail/404", "branch lane not found"],
    ["POST", "/branch/1/ci/cancel/404", "branch lane not found"],
    ["POST", "/branch/1/ci/requeue/404", "branch lane not found"],
    ["POST", "/branch/1/ci/recover/404", "branch run not found"],
    ["POST", "/branch/404/ci/rerun", "branch not found"],
  ])("%s %s is 404", async (method, path, error) => {
    const answer = await forge.api(method, path, undefined, token);
    expect([answer.status, answer.json]).toEqual([404, { error }]);
  });

  it("say that a name is missing", async () => {
    const answer = await forge.api(
      "GET",
      "/api/forge/branch/resolve?branch_name=%20",
      undefined,
      token,
    );
    expect([answer.status, answer.json]).toEqual([400, { error: "branch_name is required" }]);
  });

  it("come before nothing is known of the caller", async () => {
    for (const path of ["/api/forge/branch/1", "/api/forge/events", "/api/forge/ci/queue"]) {
      expect((await forge.api("GET", path)).status).toBe(401);
    }
    expect((await forge.api("POST", "/api/forge/branch/1/merge", {})).status).toBe(401);
  });

  it("keep the owner's endpoints for the owner", async () => {
    const ask = (by: string) => forge.api("POST", "/api/forge/target", { action: "accept" }, by);
    const refused = await ask(token);
    expect([refused.status, refused.json]).toEqual([403, { error: "admin access required" }]);
    const sha = await forge.git(["rev-parse", "main"]);
    expect((await ask(owner)).json).toEqual({ status: "ok", target_sha: sha });
  });

  it("refuse a merge body that cannot be read", async () => {
    const merge = (body: string) =>
      raw({
        method: "POST",
        path: "/git/api/forge/branch/1/merge",
        body,
        headers: { authorization: `Bearer ${token}`, "content-type": "text/plain" },
      });
    expect((await merge("{")).status).toBe(400);
    expect((await merge('{"force":"yes"}')).status).toBe(422);
    expect((await merge("  ")).status).toBe(404);
  });
});

describe("the doors", () => {
  const asHost = (host: string) =>
    new Promise<number>((resolve, reject) => {
      const call = request(
        {
          port: forge.server.port,
          host: "127.0.0.1",
          path: "/git/api/forge/about",
          headers: { host },
        },
        (answer) => {
          answer.resume();
          resolve(answer.statusCode ?? 0);
        },
      );
      call.on("error", reject);
      call.end();
    });

  it("answer to loopback's own names alone", async () => {
    const { port } = forge.server;
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`]) {
      expect(await asHost(host)).toBe(200);
    }
    for (const host of [
      "evil.example",
      `evil.example:${port}`,
      "127.0.0.1",
      `127.0.0.1:${port + 1}`,
    ]) {
      expect(await asHost(host)).toBe(421);
    }
  });

  it("let no other origin in and say how a page is to be treated", async () => {
    const from = (origin: string) =>
      raw({ method: "POST", path: "/git/auth/challenge", headers: { origin } });
    for (const origin of ["http://evil.example", "null", `https://127.0.0.1`]) {
      const refused = await from(origin);
      expect(refused.status).toBe(403);
      expect(refused.headers.get("access-control-allow-origin")).toBeNull();
    }
    const answer = await from(forge.origin);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  it("lead from the root to the pages", async () => {
    const answer = await raw({ path: "/" });
    expect([answer.status, answer.headers.get("location")]).toEqual([308, "/git"]);
  });

  it("tell anybody what runs here, and nothing more", async () => {
    const { json: about } = await forge.api("GET", "/news/api/forge/about");
    expect(about).toEqual({
      name: "forge-landing-kit",
      version: "0.0.0-test",
      protocol: 1,
      instance: forge.server.instance,
      repo: "test/repo",
      target: "main",
      landing_rule: "up_to_date",
      recovery: expect.arrayContaining([
        "rerun_lane",
        "rerun_suite",
        "requeue",
        "fail",
        "cancel",
        "recover",
        "wake",
        "reset_target",
      ]),
      isolation: expect.stringMatching(/^(bwrap|none)$/),
      draining: false,
      frozen: null,
    });
  });
});
