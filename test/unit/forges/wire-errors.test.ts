import { describe, expect, test } from "vitest";
import { wireErrorCodes } from "../../../src/contract/errors.ts";
import { errorCodes } from "../../../src/domain/errors.ts";
import { NoAnswer } from "../../../src/forges/exchange.ts";
import { errorOfAnswer, errorOfSilence } from "../../../src/forges/wire-errors.ts";

const asked = { forge: "http://f", method: "POST", path: "/git/x" };
const errorOf = (status: number, body: unknown) =>
  errorOfAnswer(asked, {
    status,
    text: typeof body === "string" ? body : JSON.stringify(body),
    location: undefined,
  });

test.each(wireErrorCodes.filter((code) => code !== "draining"))(
  "%s keeps its name, with advice",
  (code) => {
    const error = errorOf(409, { error: "no", code });
    expect(error.code).toBe(code);
    expect(error.state).toBeTruthy();
    expect(error.next).toBeTruthy();
  },
);

test("a code nobody knows never becomes one of ours", () => {
  expect(errorOf(409, { error: "no", code: "cancelled" }).code).toBe("forge_error");
  expect(errorOf(409, { error: "no", code: "__proto__" }).code).toBe("forge_error");
  expect(errorCodes).toContain(errorOf(418, "").code);
});

describe("the reference's words", () => {
  test.each([
    ["only open branches can be merged", "branch_not_open"],
    ["only open branches can be closed", "branch_not_open"],
    ["branch ref no longer exists", "branch_gone"],
    ["branch `x` no longer exists", "branch_gone"],
    ["branch head changed; refresh before merging", "head_moved"],
    ["branch head changed from A to B", "head_moved"],
    ["publish merge branch `x`", "target_moved"],
    ["delete branch `x`", "head_moved"],
    ["branch `odd\nname` no longer exists", "branch_gone"],
    ["merge branch `x` into master", "merge_conflict"],
    ["git command failed: odd", "forge_error"],
  ])("409 %s is %s", (words, code) => {
    expect(errorOf(409, { error: words }).code).toBe(code);
  });

  test.each([
    [401, "invalid or expired token", "unauthorized"],
    [403, "trusted contributor access required", "forbidden"],
    [404, "branch not found", "not_found"],
    [500, "failed to query branch detail", "forge_error"],
  ])("%i is by its status", (status, words, code) => {
    const error = errorOf(status, { error: words });
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
  });
});

test.each([
  ["branch not found", "branch's name"],
  ["branch run not found", "`branch_status`"],
  ["branch lane not found", "`branch_status`"],
  ["nightly run not found", "`land nightly`"],
  ["nightly lane not found", "`land nightly`"],
  ["constructor", "branch's name"],
])("404 %s says where to look for that", (words, where) => {
  expect(errorOf(404, { error: words }).next).toContain(where);
});

test.each([
  [
    409,
    { error: "ci is not green for abc of x: its run failed", code: "ci_not_green" },
    "The forge refused: ci is not green for abc of x: its run failed.",
  ],
  [409, { error: "lane a is still running" }, "The forge refused: lane a is still running."],
  [
    409,
    { error: "publish merge branch `x`" },
    "The target has commits that this head does not contain: publish merge branch `x`.",
  ],
  [
    401,
    { error: "invalid or expired token" },
    "The forge did not accept the login: invalid or expired token.",
  ],
  [403, { error: "owners only." }, "The forge does not allow that to this key: owners only."],
  [404, { error: "branch run not found" }, "The forge knows no such run of this branch."],
  [
    507,
    { error: "the disk is full", code: "storage_failed" },
    "The forge cannot write its state: the disk is full.",
  ],
  [
    410,
    "This forge moved to https://new/git\n",
    "There is no forge at http://f any more: This forge moved to https://new/git.",
  ],
  [503, { error: "draining", code: "draining" }, "The forge is about to stop: draining."],
] as const)(
  "%i %j begins with what happened, without address and status",
  (status, body, words) => {
    const error = errorOf(status, body);
    expect(error.message).toBe(words);
    expect(error.facts.status).toBe(status);
    expect(`${error.state} ${error.next}`).not.toMatch(/http:|POST/);
  },
);

test.each([
  [
    500,
    { error: "database is locked" },
    "The forge failed (status 500, POST /git/x at http://f): database is locked.",
  ],
  [502, "", "The forge cannot answer now (status 502, POST /git/x at http://f)."],
  [404, "", "There is no such endpoint (status 404, POST /git/x at http://f)."],
  [
    403,
    "<html>",
    "The forge does not allow that to this key (status 403, POST /git/x at http://f).",
  ],
  [302, "", "The forge's address leads on to nowhere (status 302, POST /git/x at http://f)."],
])("%i %j is unexpected, so it says once where and what", (status, body, words) => {
  expect(errorOf(status, body).message).toBe(words);
});

test.each([
  [
    "unreachable",
    "no connection (ECONNREFUSED)",
    "The forge at http://f cannot be reached: no connection (ECONNREFUSED).",
  ],
  [
    "timed_out",
    "no answer came in time",
    "The forge gave no answer to POST /git/x at http://f: no answer came in time.",
  ],
  ["cancelled", "the request was cancelled", "The request to the forge was cancelled."],
] as const)("a request without an answer (%s) says so first", (reason, detail, words) => {
  expect(errorOfSilence(asked, new NoAnswer(reason, detail), true).message).toBe(words);
});

test("a framework's plain text is told too", () => {
  expect(errorOf(400, "Invalid URL: Cannot parse `x` to a `i64`").message).toContain(
    "Cannot parse",
  );
});

test("a stranger's words lose controls, length and secrets", () => {
  const nsec = `nsec1${"q".repeat(58)}`;
  const { message } = errorOf(409, {
    error: `\u001b[31mred\u001b[0m\u202e\n${nsec} ${"x".repeat(9000)}`,
  });
  expect(message).not.toMatch(/[\u0000-\u001f\u202e]/);
  expect(message).not.toContain(nsec);
  expect(message.length).toBeLessThan(600);
});

test("a token that the answer repeats is in no word and no fact", () => {
  const token = "0123456789abcdef".repeat(4);
  const echo = (status: number, text: string) =>
    errorOfAnswer({ ...asked, token }, { status, text, location: `http://x/?token=${token}` });
  for (const error of [
    echo(403, JSON.stringify({ error: `bad token ${token}`, files: [token], lanes: [token] })),
    echo(400, `Authorization: ${token}`),
    echo(307, ""),
  ]) {
    expect(JSON.stringify([error.message, error.state, error.next, error.facts])).not.toContain(
      token.slice(0, 16),
    );
    expect(error.message).toContain("[masked]");
  }
});

test("facts hold what programs decide by, and no rubbish", () => {
  const sha = "a".repeat(40);
  const { facts } = errorOf(409, {
    error: "conflict",
    code: "merge_conflict",
    files: ["a.txt", "b\u001b[2J.txt"],
    head_sha: sha,
    target_sha: "--upload-pack=evil",
    lanes: ["one"],
  });
  expect(facts).toEqual({ status: 409, files: ["a.txt", "b.txt"], head: sha, lanes: ["one"] });
});

describe("an answer that is not the forge's own", () => {
  test("an empty 404 says that there is no such endpoint, and where to look", () => {
    expect(errorOf(404, "")).toMatchObject({
      code: "forge_error",
      next: expect.stringContaining("address"),
    });
  });

  test("a proxy's page is not quoted, whatever its status", () => {
    const page = "<html><body><h1>502 Bad Gateway</h1></body></html>";
    expect(errorOf(502, page).message).not.toContain("<");
    expect(errorOf(404, page)).toMatchObject({ code: "not_found" });
  });

  test.each([
    ["POST", 502, /not known/],
    ["POST", 504, /not known/],
    ["POST", 503, /Nothing was changed/],
    ["GET", 502, /Nothing was changed/],
  ])("%s and %i tells whether anything may have been done", (method, status, state) => {
    const error = errorOfAnswer({ ...asked, method }, { status, text: "", location: undefined });
    expect(error).toMatchObject({ code: "forge_unreachable" });
    expect(error.state).toMatch(state);
  });
});
