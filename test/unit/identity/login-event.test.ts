import { verifyEvent } from "nostr-tools/pure";
import { expect, test } from "vitest";
import { newSecretKey, npubOf } from "../../../src/identity/keys.ts";
import { loginEvent } from "../../../src/identity/login-event.ts";
import { signerOf } from "../../../src/identity/signer.ts";

test("names the forge by its origin alone", () => {
  const login = { challenge: "c0ffee", prefix: "/news", nowMs: 1_700_000_000_999 };
  expect(loginEvent({ ...login, base: "https://h.example:8443/sub" })).toEqual({
    kind: 27235,
    content: "c0ffee",
    created_at: 1_700_000_000,
    tags: [
      ["u", "https://h.example:8443/news/auth/verify"],
      ["method", "POST"],
    ],
  });
});

test("is signed by the signer's key", async () => {
  const secret = newSecretKey();
  const signer = signerOf(secret);
  const event = await signer.sign(
    loginEvent({ challenge: "c", base: "http://h", prefix: "/git", nowMs: 0 }),
  );
  expect(verifyEvent(event)).toBe(true);
  expect(await signer.npub()).toBe(npubOf(secret));
  expect(Object.keys(JSON.parse(JSON.stringify(event))).sort()).toEqual(
    ["content", "created_at", "id", "kind", "pubkey", "sig", "tags"].sort(),
  );
});
