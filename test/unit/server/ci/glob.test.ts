import fc from "fast-check";
import picomatch from "picomatch";
import { describe, expect, it } from "vitest";
import { GlobError, parseGlob, splitPath } from "../../../../src/server/ci/glob.ts";

const matches = (glob: string, path: string) => parseGlob(glob).matches(splitPath(path));

describe("parseGlob", () => {
  it.each([
    ["src/*.ts", "src/a.ts"],
    ["src/*.ts", "src/.ts"],
    ["*", ".gitignore"],
    ["**", "a/.b/c"],
    ["**/*.rs", "lib.rs"],
    ["**/*.rs", "a/b/lib.rs"],
    ["src/**", "src/a"],
    ["src/**", "src/a/b/.c"],
    ["src/**/x", "src/x"],
    ["src/**/x", "src/a/b/x"],
    ["./src/a", "src/a"],
    ["a?c", "abc"],
    ["a?c", "aüc"],
    ["a?c", "a😀c"],
    ["{src,test}/**/*.{ts,tsx}", "test/a/b.tsx"],
    ["a{,b}c", "ac"],
    ["a{b,{c,d}e}f", "adef"],
    ["{a/b,c}/d", "a/b/d"],
    ["[a-c]x", "bx"],
    ["[!a-c]x", "dx"],
    ["[]x]", "]"],
    ["[a\\]]", "]"],
    ["a\\*b", "a*b"],
    ["app/(group)/page.tsx", "app/(group)/page.tsx"],
    ["a+b|c^$@!.txt", "a+b|c^$@!.txt"],
    ["!a", "!a"],
    ["Grüße/*", "Grüße/ä.txt"],
    ["*.txt", "with\nnewline.txt"],
    ["a**b", "axxb"],
  ])("%s matches %j", (glob, path) => expect(matches(glob, path)).toBe(true));

  it.each([
    ["src/*.ts", "src/a/b.ts"],
    ["*", "a/b"],
    ["a?c", "a/c"],
    ["a**b", "a/b"],
    ["src/**", "src"],
    ["src/**", "srcs/a"],
    ["**/*.rs", "lib.rsx"],
    ["[!a]x", "/x"],
    ["[a-c]x", "Bx"],
    ["a\\*b", "axb"],
    ["{a,b}", "c"],
    ["a", "a/b"],
    ["A", "a"],
  ])("%s does not match %j", (glob, path) => expect(matches(glob, path)).toBe(false));

  it.each([
    ["", "it is empty"],
    ["  ", "it is empty"],
    ["[a", "`[` is not closed"],
    ["{a,b", "`{` is not closed"],
    ["a}", "`}` is not opened"],
    ["[z-a]", "backwards"],
    ["a\\", "backslash"],
    ["{1,2,3,4,5}{1,2,3,4,5}{1,2,3,4,5}", "more than 100 patterns"],
    ["x".repeat(1001), "longer than 1000"],
  ])("%s cannot be read", (glob, words) => {
    expect(() => parseGlob(glob)).toThrow(GlobError);
    expect(() => parseGlob(glob)).toThrow(words);
  });

  it("agrees with picomatch on plain globs", () => {
    const name = fc.string({
      unit: fc.constantFrom("a", "b", ".", "*", "?"),
      minLength: 1,
      maxLength: 4,
    });
    const globSegment = fc.oneof(
      name.filter((text) => !text.includes("**")),
      fc.constant("**"),
    );
    const segment = fc
      .string({ unit: fc.constantFrom("a", "b", "."), minLength: 1, maxLength: 4 })
      .filter((text) => text !== "." && text !== "..");
    const glob = fc
      .array(globSegment, { minLength: 1, maxLength: 4 })
      .map((parts) => parts.join("/"))
      // Where picomatch has rules of its own: `.` and `..` segments, and `a/**` for `a` itself.
      .filter((text) => !/(^|\/)\.\.?(\/|$)|\/\*\*$/.test(text));
    const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
    // Its short cuts have a rule of their own: there `*.*` wants something behind the dot.
    const options = { dot: true, fastpaths: false };
    fc.assert(
      fc.property(glob, path, (pattern, text) => {
        expect(matches(pattern, text)).toBe(picomatch.isMatch(text, pattern, options));
      }),
      { numRuns: 2000 },
    );
  });

  it("cannot be made to hang", () => {
    const begun = performance.now();
    const nested = `${"{".repeat(300)}${"[a]".repeat(130)}${"}".repeat(300)}`;
    for (let round = 0; round < 250; round++) expect(() => parseGlob(nested)).toThrow(GlobError);
    expect(matches(`${"*a".repeat(400)}b`, "a".repeat(4000))).toBe(false);
    expect(matches(`${"**/a/".repeat(150)}b`, "a/".repeat(2000))).toBe(false);
    expect(performance.now() - begun).toBeLessThan(10_000);
  });
});
