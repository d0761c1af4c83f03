import fc from "fast-check";
import { expect, test } from "vitest";
import { partThatMatters } from "../../../src/landing/log-part.ts";

const noise = (n: number) => Array.from({ length: n }, (_, i) => `line ${i} of a long summary`);

test("a short log is told whole, without the empty end", () => {
  expect(partThatMatters("one\ntwo\n\n\n", 100)).toBe("one\ntwo");
});

test("where nothing looks like a fault, the end is told", () => {
  const part = partThatMatters(noise(500).join("\n"), 300);
  expect(part.endsWith("line 499 of a long summary")).toBe(true);
});

test("a fault far above a long summary is told with the end", () => {
  const log = [...noise(200), "src/a.ts:3 Error: it broke", "    at f", ...noise(200)].join("\n");
  const part = partThatMatters(log, 600);
  expect(part).toContain("Error: it broke");
  expect(part).toContain("    at f");
  expect(part).toContain("\n[...]\n");
  expect(part.endsWith("line 199 of a long summary")).toBe(true);
});

test("the cap holds for any log, one endless line included", () => {
  const line = fc.oneof(fc.string(), fc.constant("Error: no"), fc.constant("é".repeat(400)));
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 80 }),
      fc.integer({ min: 40, max: 400 }),
      (all, max) => {
        const part = partThatMatters(all.join("\n"), max);
        expect(Buffer.byteLength(part)).toBeLessThanOrEqual(max);
        expect(part.includes("\ufffd") && !all.join("").includes("\ufffd")).toBe(false);
      },
    ),
    { numRuns: 2000 },
  );
});
