import fc from "fast-check";
import { expect, test } from "vitest";
import { parseBunker, relayHosts } from "../../../src/identity/bunker.ts";
import { failureOf } from "../../support/agent-half.ts";

const pubkey = "ab".repeat(32);

test("an address names a signer, its relays once each, and a secret that may be missing", () => {
  const relay = encodeURIComponent("wss://relay.example/x?y=1");
  const given = ` bunker://${pubkey.toUpperCase()}?relay=${relay}&secret=s%20x&relay=ws://r:7777&relay=${relay}\n`;
  const bunker = parseBunker(given);
  expect(bunker).toEqual({
    pubkey,
    relays: ["wss://relay.example/x?y=1", "ws://r:7777"],
    secret: "s x",
  });
  expect(relayHosts(bunker.relays)).toBe("relay.example, r:7777");
  expect(parseBunker(`bunker://${pubkey}?relay=wss://r&secret=`).secret).toBeUndefined();
});

test("too many relays are refused", () => {
  const many = Array.from({ length: 11 }, (_, at) => `relay=wss://r${at}`).join("&");
  expect(() => parseBunker(`bunker://${pubkey}?${many}`)).toThrow(/more than 10 relays/);
});

test("any other text is refused in words of our own", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ minLength: 12 }), async (text) => {
      const error = await failureOf((async () => parseBunker(text))());
      expect(error).toMatchObject({ code: "bad_argument" });
      expect(String((error as Error).message)).not.toContain(text.trim() || "\0");
    }),
  );
});
