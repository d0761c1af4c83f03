import { describe, expect, it } from "vitest";
import { readArguments } from "../../../src/operations/arguments.ts";
import { catalogue } from "../../../src/operations/catalogue.ts";
import { laneLogs } from "../../../src/operations/lane-logs.ts";
import { mergeBranch } from "../../../src/operations/merge-branch.ts";
import { recoverCi } from "../../../src/operations/recover-ci.ts";
import { readBranchArgument } from "../../../src/operations/subject.ts";

describe("readArguments", () => {
  it.each([
    [laneLogs, { tail_bytes: "8000" }, "`tail_bytes` must be a whole number"],
    [laneLogs, { tail_bytes: 1_000_000 }, "`tail_bytes` must be at most 100000"],
    [laneLogs, { branch: 20 }, "`branch` must be text"],
    [laneLogs, { branch: "  " }, "`branch` must not be blank"],
    [laneLogs, { lane: "a\0b" }, "`lane` must not contain a NUL"],
    [laneLogs, { lanes: "unit" }, "There is no argument `lanes`"],
    [laneLogs, ["unit"], "must be an object"],
    [laneLogs, "unit", "must be an object"],
    [mergeBranch, { force: "true" }, "`force` must be true or false"],
    [mergeBranch, { head: "abc123" }, "`head` must be a full commit id"],
    [recoverCi, {}, "`action` must be one of rerun_lane"],
    [recoverCi, { action: "explode" }, "`action` must be one of rerun_lane"],
  ])("names what is wrong with %#", (operation, given, words) => {
    expect(() => readArguments(operation.input, given)).toThrow(words);
  });

  it("names each wrong argument and those there are", () => {
    expect(() => readArguments(laneLogs.input, { branch: 1, offset: -1 })).toThrow(
      expect.objectContaining({
        code: "bad_argument",
        message: expect.stringMatching(/`branch`.*`offset` must be at least 0/),
        next: expect.stringContaining("tail_bytes"),
      }),
    );
  });

  it("puts no control characters of a hostile name into its words", () => {
    expect(() => readArguments(laneLogs.input, { "\x1b[31mx\u202e": 1 })).toThrow(
      "There is no argument `x`.",
    );
  });

  it("takes nothing at all where nothing is required", () => {
    const free = catalogue.filter((operation) => operation.input.safeParse({}).success);
    for (const operation of free) expect(readArguments(operation.input, undefined)).toEqual({});
    expect(free.length).toBe(catalogue.length - 2);
  });
});

describe("readBranchArgument", () => {
  it.each([
    ["42", { id: "42" }],
    ["#42", { id: "42" }],
    ["007", { id: "7" }],
    ["refs/heads/42", { name: "42" }],
    ["heads/42", { name: "42" }],
    ["refs/heads/feature/x", { name: "feature/x" }],
    ["42a", { name: "42a" }],
    ["-x", { name: "-x" }],
    [" ä;'\" ", { name: "ä;'\"" }],
  ])("reads %s", (text, ref) => {
    expect(readBranchArgument(text)).toEqual(ref);
  });
});
