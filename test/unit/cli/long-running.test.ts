import { describe, expect, it } from "vitest";
import { entryFor } from "../../../src/bin/entries.ts";
import { readMcpOptions, readServeOptions } from "../../../src/cli/long-running.ts";
import { runInProcess } from "../../support/cli-in-process.ts";

describe("options of mcp and serve", () => {
  const cases = [
    [[], {}],
    [["--http"], { httpPort: 0 }],
    [["--http", "8080", "--read-only"], { httpPort: 8080, readOnly: true }],
    [["--http", "--wait", "10"], { httpPort: 0, waitSeconds: 10 }],
    [["--tools", "a, b,", "--wait=5"], { tools: ["a", "b"], waitSeconds: 5 }],
    [["-C", "/x", "--json"], { worktree: "/x" }],
  ] as const;
  const plain = {
    worktree: undefined,
    httpPort: undefined,
    waitSeconds: undefined,
    readOnly: false,
    tools: undefined,
  };

  it.each(cases)("reads %j", (args, options) => {
    expect(readMcpOptions(args)).toEqual({ ...plain, ...options });
  });

  it.each(cases)("reads %j alike through the whole command line", async (args, options) => {
    let seen: unknown;
    const mcp = async (read: unknown) => {
      seen = read;
      return 0;
    };
    await runInProcess(["mcp", ...args], { mcp });
    expect(seen).toEqual({ ...plain, ...options });
  });

  it.each([
    [["--wait"]],
    [["--wait", "long"]],
    [["--wait", "0"]],
    [["--http=x"]],
    [["--nope"]],
    [["word"]],
    [["--read-only=yes"]],
  ])("refuses %j", (args) => {
    expect(() => readMcpOptions(args)).toThrow(expect.objectContaining({ code: "bad_argument" }));
  });

  it("ends with the exit code of what ran, and with 2 for a wrong value", async () => {
    expect((await runInProcess(["serve"], { serve: async () => 9 })).code).toBe(9);
    expect((await runInProcess(["serve", "--port", "x"], {})).code).toBe(2);
    expect(readServeOptions(["--state", "/s", "--detached", "--port", "0"])).toEqual({
      worktree: undefined,
      state: "/s",
      detached: true,
      endWithInput: false,
      port: 0,
    });
  });
});

describe("entryFor", () => {
  it.each([
    [[], "cli"],
    [["mcp", "--http"], "mcp"],
    [["serve"], "serve"],
    [["mcp", "--help"], "cli"],
    [["--json", "mcp"], "cli"],
    [["status", "mcp"], "cli"],
  ] as const)("sends %j to %s", (args, entry) => {
    expect(entryFor(args)).toBe(entry);
  });
});
