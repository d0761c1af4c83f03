import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { oneLine, plainText } from "../../../src/text/control.ts";

describe("plainText", () => {
  it.each([
    ["colours", "\x1b[1;31mred\x1b[0m", "red"],
    ["a title sequence ended by BEL", "\x1b]0;title\x07text", "text"],
    ["a hyperlink ended by ST", "\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"],
    ["a sequence that never ends", "a\x1b]0;never\nb", "a\nb"],
    ["8-bit sequences", "\x9b31mred\x9d0;t\x9cx", "redx"],
    ["a device control string", "\x1bPq#0\x1b\\after", "after"],
    ["progress bars", "10%\r50%\r100%\ndone", "100%\ndone"],
    ["a carriage return at the end of a line", "one\r\ntwo\r\n", "one\ntwo\n"],
    ["backspaces and bells", "a\b\x07b", "ab"],
    ["bidirectional controls", "user\u202egnp.exe", "usergnp.exe"],
    ["zero-width and tag characters", "a\u200bb\u{e0041}c\ufeff", "abc"],
    ["line separators", "a\u2028b", "a b"],
    ["lone surrogates", "a\ud800b", "a\ufffdb"],
  ])("takes out %s", (_name, raw, plain) => {
    expect(plainText(raw)).toBe(plain);
  });

  it("keeps tabs, newlines, accents and joined emoji", () => {
    const text = "tab\there\nnächste Zeile 👩‍💻";
    expect(plainText(text)).toBe(text);
  });

  it("leaves nothing that a terminal acts on, and as many lines as before", () => {
    const hostile = fc.string({
      unit: fc.oneof(
        fc.constantFrom("\x1b", "[", "]", "\x9b", "\x9d", "\x07", "\r", "\n", "m", "0", ";", "\\"),
        fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
      ),
      maxLength: 60,
    });
    fc.assert(
      fc.property(hostile, (text) => {
        const plain = plainText(text);
        expect(plain).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/);
        expect(plain.split("\n").length).toBe(text.split("\n").length);
      }),
    );
  });

  it("is quick with a long text made to be slow", () => {
    const started = performance.now();
    plainText("\x1b]".repeat(200_000));
    plainText("\x1b[".repeat(200_000));
    plainText("\r".repeat(400_000));
    expect(performance.now() - started).toBeLessThan(3000);
  });
});

it("oneLine puts a title on one line", () => {
  expect(oneLine("  a\x1b[1m title\n\nwith   lines ")).toBe("a title with lines");
});
