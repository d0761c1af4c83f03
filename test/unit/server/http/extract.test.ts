import { describe, expect, it } from "vitest";
import { parseId } from "../../../../src/server/http/extract.ts";

describe("a path id", () => {
  it.each([
    ["7", 7],
    ["-7", -7],
    ["+7", 7],
    ["007", 7],
    ["9223372036854775807", -1],
    ["-9223372036854775808", -1],
  ])("%s is read as %d", (text, id) => {
    expect(parseId(text)).toBe(id);
  });

  it.each([
    "",
    "x",
    "1.0",
    "1e3",
    " 1",
    "0x1",
    "9223372036854775808",
    "-9223372036854775809",
    "9".repeat(5000),
  ])("%s is refused in the framework's words", (text) => {
    expect(() => parseId(text)).toThrow(/^Invalid URL: Cannot parse `.*` to a `i64`$/);
  });
});
