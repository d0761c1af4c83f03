import { describe, expect, test } from "vitest";
import { environmentOf, readEnvironment } from "../../../src/config/environment.ts";

const made = (env: Record<string, string>) => environmentOf({ env, home: "/home/ada", cwd: "/w" });

describe("the state folder", () => {
  test.each([
    [{}, "/home/ada/.local/state"],
    [{ XDG_STATE_HOME: "/state" }, "/state"],
    [{ XDG_STATE_HOME: "   " }, "/home/ada/.local/state"],
    [{ XDG_STATE_HOME: "relative/path" }, "/home/ada/.local/state"],
  ])("of %o is %s", (env, stateHome) => {
    expect(made(env).stateHome).toBe(stateHome);
  });
});

test("a blank base URL counts as unset", () => {
  expect(made({ PH_BASE_URL: " " }).baseUrl).toBeUndefined();
  expect(made({ PH_BASE_URL: " https://h " }).baseUrl).toBe("https://h");
});

test("a key to log in with is read, and kept from children", () => {
  const { nsec, env } = made({ LAND_NSEC: " nsec1x ", OTHER: "y" });
  expect(nsec).toBe("nsec1x");
  expect(env).toEqual({ OTHER: "y" });
  expect(made({ LAND_NSEC: " " }).nsec).toBeUndefined();
  expect(made({ LAND_AS: " bob " }).agent).toBe("bob");
});

test.each([
  [{}, false],
  [{ CI: "" }, false],
  [{ CI: "false" }, false],
  [{ CI: "0" }, false],
  [{ CI: "true" }, true],
  [{ CI: "1" }, true],
])("%o is CI: %s", (env, isCi) => {
  expect(made(env).isCi).toBe(isCi);
});

test("reads this process's own", () => {
  expect(readEnvironment()).toMatchObject({ cwd: process.cwd() });
});

test("a current folder that is gone is told with what to do", () => {
  const there = process.cwd;
  process.cwd = () => {
    throw Object.assign(new Error("uv_cwd"), { code: "ENOENT" });
  };
  try {
    expect(readEnvironment).toThrow(/current folder does not exist/);
  } finally {
    process.cwd = there;
  }
});
