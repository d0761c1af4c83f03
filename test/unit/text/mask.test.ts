import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maskRange, maskSecrets } from "../../../src/text/mask.ts";
import { fitToShow } from "../../../src/text/untrusted.ts";

const hex64 = "0123456789abcdef".repeat(4);
const nsec = `nsec1${"q".repeat(58)}`;
/** Joined, so that no scanner takes these made-up values for real ones. */
const glued = (...parts: string[]) => parts.join("");
const key = [
  glued("-----BEGIN RSA PRIV", "ATE KEY-----"),
  "MIIEowIBAAKCAQEA7bq1",
  "c2VjcmV0IGtleSBib2R5",
  glued("-----END RSA PRIV", "ATE KEY-----"),
];

describe("maskSecrets", () => {
  it.each([
    ["a Nostr secret key", `key ${nsec}.`, "key [masked]."],
    ["a bearer token", `Authorization: Bearer ${hex64}`, "Authorization: Bearer [masked]"],
    ["a GitHub token", glued("ghp", "_", "a".repeat(36)), "[masked]"],
    ["a fine-grained GitHub token", glued("github", "_pat_", "A1_".repeat(10)), "[masked]"],
    ["a GitLab token", glued("t=glpat", "-", "x".repeat(20)), "t=[masked]"],
    ["a Slack token", glued("xox", "b-", "1234567890-abc"), "[masked]"],
    ["an AWS key id", glued("AKIA", "IOSFODNN7EXAMPLE"), "[masked]"],
    ["a JWT", glued("eyJ", "hbGciOiJI.eyJ", "zdWIiOiIx.c2ln"), "[masked]"],
    ["a URL's password", "https://me:hunter22@host/x", "https://me:[masked]@host/x"],
    ["a URL's token", `https://${"t".repeat(20)}@host/x`, "https://[masked]@host/x"],
  ])("masks %s", (_name, text, masked) => {
    expect(maskSecrets(text)).toBe(masked);
  });

  it.each([
    ["commits", `commit ${hex64.slice(0, 40)}`],
    ["plain hashes", `sha256 ${hex64}`],
    ["addresses", "https://host:8080/path?x=a@b and me@example.org"],
    ["words that only begin like a secret", "nsec1 ghp_ AKIA xoxo risk-averse-people-and-more"],
  ])("leaves %s alone", (_name, text) => {
    expect(maskSecrets(text)).toBe(text);
  });

  it("masks known values, also percent-encoded, but no short words", () => {
    expect(maskSecrets("a p@ss word!, p%40ss%20word!", ["p@ss word!"])).toBe(
      "a [masked], [masked]",
    );
    expect(maskSecrets("the end", ["end"])).toBe("the end");
  });

  it("masks a private key and keeps the number of lines", () => {
    const text = ["before", ...key, "after"].join("\n");
    expect(maskSecrets(text)).toBe("before\n[masked]\n\n\n\nafter");
  });

  it("masks a private key whose begin or end was cut off", () => {
    expect(maskSecrets(key.slice(1).join("\n"))).toBe("[masked]\n\n");
    expect(maskSecrets(key.slice(0, 2).join("\n"))).toBe("[masked]\n");
  });

  it("never shows a known value, whatever stands around it", () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 8, maxLength: 20 }).filter((s) => !"[masked]".includes(s)),
        fc.string(),
        fc.string(),
        (secret, before, after) => {
          const spaced = maskSecrets(`${before}\n${secret}\n${after}`, [secret]);
          expect(spaced.includes(`\n${secret}\n`)).toBe(false);
        },
      ),
    );
  });

  it("keeps the number of lines", () => {
    const line = fc.constantFrom("x", nsec, ...key, "", "aGVsbG8gd29ybGQgaGVsbG8=");
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        expect(maskSecrets(lines.join("\n")).split("\n").length).toBe(Math.max(1, lines.length));
      }),
    );
  });

  it("is quick with text made to be slow", () => {
    const started = performance.now();
    for (const piece of [
      "eyJ-",
      "nsec1",
      "://a",
      "sk-",
      "Bearer ",
      "QUJDREVGR0hJSktMTU5P\n",
      "eyJabcdefgh.",
    ]) {
      maskSecrets(piece.repeat(60_000));
    }
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe("maskRange", () => {
  it("masks what is left of a secret that the border cuts through", () => {
    const text = `abc ${nsec} xyz`;
    const middle = text.indexOf(nsec) + 10;
    expect(maskRange(text, middle, text.length)).toBe("[masked] xyz");
    expect(maskRange(text, 0, middle)).toBe("abc [masked]");
  });
});

it("fitToShow finds secrets that escape sequences hide, and the other way round", () => {
  expect(fitToShow(`key nsec1\x1b[0m${"q".repeat(58)}`)).toBe("key [masked]");
  expect(fitToShow(`\x1b[1mhello\x1b[0m ${nsec}`)).toBe("hello [masked]");
});
