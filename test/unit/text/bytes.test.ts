import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { byteLength, capText, headBytes, tailBytes } from "../../../src/text/bytes.ts";

const anyText = fc.string({ unit: "binary", maxLength: 200 });

describe("headBytes and tailBytes", () => {
  it("cut at the border of a character", () => {
    expect(headBytes("aé€😀", 5)).toEqual({ text: "aé", leftOut: 7 });
    expect(tailBytes("aé€😀", 5)).toEqual({ text: "😀", leftOut: 6 });
  });

  it("keep a short text as it is", () => {
    expect(headBytes("abc", 3)).toEqual({ text: "abc", leftOut: 0 });
    expect(tailBytes("abc", 3)).toEqual({ text: "abc", leftOut: 0 });
  });

  it("never exceed the cap, lose no byte from the count, and are a real head or tail", () => {
    fc.assert(
      fc.property(anyText, fc.nat(220), (text, max) => {
        const head = headBytes(text, max);
        const tail = tailBytes(text, max);
        expect(byteLength(head.text)).toBeLessThanOrEqual(max);
        expect(byteLength(tail.text)).toBeLessThanOrEqual(max);
        expect(byteLength(head.text) + head.leftOut).toBe(byteLength(text));
        expect(byteLength(tail.text) + tail.leftOut).toBe(byteLength(text));
        expect(text.startsWith(head.text)).toBe(true);
        expect(text.endsWith(tail.text)).toBe(true);
      }),
    );
  });

  it("leave out no more than one character's bytes beyond need", () => {
    fc.assert(
      fc.property(anyText, fc.nat(100), (text, max) => {
        if (byteLength(text) <= max) return;
        expect(byteLength(headBytes(text, max).text)).toBeGreaterThan(max - 4);
        expect(byteLength(tailBytes(text, max).text)).toBeGreaterThan(max - 4);
      }),
    );
  });
});

describe("capText", () => {
  it("says how much was left out and how to get the rest", () => {
    const capped = capText("x".repeat(500), 100, { rest: "ask with `offset`" });
    expect(capped).toMatch(/^x+\n\[\d+ bytes left out here; ask with `offset`\]$/);
    const kept = capped.split("\n")[0]?.length ?? 0;
    expect(capped).toContain(`[${500 - kept} bytes left out`);
  });

  it("keeps the tail of a log", () => {
    expect(capText(`${"x".repeat(500)}end`, 60, { keep: "tail" })).toMatch(
      /^\[\d+ bytes left out before this\]\nx+end$/,
    );
  });

  it("never exceeds its cap, note included", () => {
    fc.assert(
      fc.property(anyText, fc.nat(300), fc.constantFrom("head", "tail"), (text, max, keep) => {
        const capped = capText(text, max, { keep, rest: "the rest is elsewhere" });
        expect(byteLength(capped)).toBeLessThanOrEqual(Math.max(max, 0));
      }),
    );
  });
});
