import { describe, expect, it } from "vitest";
import { grepLines } from "../../../src/text/grep.ts";

const lines = ["ok 1", "Error: boom", "at foo(bar)", "not ok 2", "FAIL x.test.ts"];

describe("grepLines", () => {
  it("finds a plain part of a line, ignoring case", () => {
    expect(grepLines(lines, "error")).toEqual({ state: "done", lines: [1] });
  });

  it("takes a regular expression", () => {
    expect(grepLines(lines, "^(not ok|fail)")).toEqual({ state: "done", lines: [3, 4] });
  });

  it("finds text that has a meaning in regular expressions as it stands, too", () => {
    expect(grepLines(lines, "foo(bar)")).toEqual({ state: "done", lines: [2] });
  });

  it("takes what is no regular expression as it stands", () => {
    expect(grepLines(["a (b", "c"], "(b")).toEqual({ state: "done", lines: [0] });
  });

  it("ends a pattern that backtracks without end", () => {
    const slow = [`${"a".repeat(60)}b`];
    expect(grepLines(slow, "(a+)+$", 50)).toEqual({ state: "too_slow" });
  });

  it("refuses a pattern that is too long", () => {
    expect(grepLines(lines, "x".repeat(201))).toEqual({ state: "pattern_too_long" });
  });

  it("cannot be broken out of", () => {
    expect(grepLines(["x"], '"]); found.push(7); ([" x?')).toEqual({ state: "done", lines: [] });
  });
});
