import { expect, test } from "vitest";
import { wrongKindOf } from "../../../src/identity/key-kinds.ts";
import {
  newSecretKey,
  npubOf,
  parsePublicKey,
  parseSecretKey,
} from "../../../src/identity/keys.ts";
import { failureOf } from "../../support/agent-half.ts";

test.each([
  ["", /nothing/],
  ["npub1abc", /public key/],
  ["nostr:NPUB1abc", /public key/],
  ["nprofile1abc", /profile/],
  ["nevent1abc", /event/],
  ["naddr1abc", /event/],
  ["note1abc", /note/],
  ["nrelay1abc", /relay/],
  ["nsec1abc", /letter wrong/],
  ["ncryptsec1abc", /encrypted/],
  ["bunker://abc", /remote signer/],
  ["nostrconnect://abc", /invitation/],
  ["-----BEGIN OPENSSH PRIVATE KEY-----\nabc", /PEM/],
  ["0".repeat(64), /64 hex digits that are no key/],
  ["abc", /3 hex digits/],
  ["ada@example.org", /a name/],
  [Array.from({ length: 12 }, () => "abandon").join(" "), /seed words/],
])("%j is told by its kind", async (text, told) => {
  expect(wrongKindOf(text)).toMatch(told);
  const error = await failureOf((async () => parseSecretKey(text))());
  expect(error).toMatchObject({ code: "bad_argument", next: expect.any(String) });
  if (text.length > 8) expect((error as Error).message).not.toContain(text);
});

test("what looks like nothing is told as that", () => {
  expect(wrongKindOf("open sesame")).toBeUndefined();
});

test("a public key is read as npub and as hex, and as nothing else", () => {
  const npub = npubOf(newSecretKey());
  expect(parsePublicKey(` ${npub.toUpperCase()} `)).toBe(npub);
  expect(parsePublicKey("npub1nonsense")).toBeUndefined();
  expect(parsePublicKey("f".repeat(64))).toMatch(/^npub1/);
  expect(parsePublicKey("ada")).toBeUndefined();
});
