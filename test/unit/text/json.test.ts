import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { byteLength } from "../../../src/text/bytes.ts";
import { capForJson, itemsWithin, shrinkJson, whyNoJson } from "../../../src/text/json.ts";

it("returns what fits as it is", () => {
  const value = { a: ["x".repeat(100)], b: null };
  expect(shrinkJson(value, 1000)).toBe(value);
});

it("cuts long strings and lists, and says so", () => {
  const cut = shrinkJson(
    { log: "x".repeat(9000), files: Array.from({ length: 300 }, () => "f") },
    6000,
  ) as { log: string; files: string[] };
  expect(cut.log).toMatch(/^x+\n\[\d+ bytes left out here\]$/);
  expect(cut.files.at(-1)).toBe("[200 more left out]");
});

it("always fits", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), fc.integer({ min: 40, max: 400 }), (value, max) => {
      const big = { a: value, b: [value, value], c: JSON.stringify(value) };
      expect(byteLength(JSON.stringify(shrinkJson(big, max)))).toBeLessThanOrEqual(max);
    }),
  );
});

it("capForJson counts escapes, and keeps the tail where asked", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 400 }),
      fc.integer({ min: 2, max: 300 }),
      (text, max) => {
        expect(byteLength(JSON.stringify(capForJson(text, max)))).toBeLessThanOrEqual(max);
      },
    ),
  );
  expect(capForJson(`${'"\n'.repeat(200)}end`, 150, { keep: "tail" })).toMatch(
    /bytes left out.*\n[\s\S]*end$/,
  );
  expect(capForJson("short", 100)).toBe("short");
});

it("itemsWithin keeps the first items that fit", () => {
  expect(itemsWithin(["aa", "bb", "cc"], 10)).toEqual(["aa", "bb"]);
  expect(itemsWithin(["aa"], 10)).toEqual(["aa"]);
});

describe("why text is no JSON", () => {
  it.each([
    ["nsec1secret", "not valid JSON"],
    ['{"event": nsec1secret}', /^not valid JSON/],
    ['{"a": 1} nsec1secret', "not valid JSON at position 9"],
    ["", "it ends too early"],
    ["{", /^not valid JSON at position 1$|^it ends too early$/],
  ])("of %j is told without a piece of it", (text, expected) => {
    let words = "";
    try {
      JSON.parse(text);
    } catch (error) {
      words = whyNoJson(error);
    }
    expect(words).toMatch(expected);
    expect(words).not.toContain("nsec1");
  });
});
