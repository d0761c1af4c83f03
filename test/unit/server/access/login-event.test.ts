import { describe, expect, it } from "vitest";
import { readLoginEvent } from "../../../../src/server/access/login-event.ts";
import { newKey, signLogin } from "../../../support/login.ts";

const now = new Date("2026-05-05T10:00:00.000Z");
const seconds = now.getTime() / 1000;
const { nsec } = newKey();
const bases = ["http://127.0.0.1:4000", "https://forge.example/sub"];

type Change = Parameters<typeof signLogin>[2];
const read = (url: string, change: Change = {}) =>
  readLoginEvent(
    signLogin(nsec, { challenge: "c".repeat(32), url }, { createdAt: seconds, ...change }),
    bases,
    now,
  );
const good = "http://127.0.0.1:4000/git/auth/verify";

describe("a login event", () => {
  it.each([
    good,
    "http://127.0.0.1:4000/news/auth/verify",
    "HTTP://127.0.0.1:4000/git/auth/verify",
    "https://forge.example/sub/git/auth/verify",
    "https://forge.example:443/git/auth/verify",
  ])("is good for %s", (url) => {
    expect(read(url).challenge).toBe("c".repeat(32));
  });

  it.each([
    "https://127.0.0.1:4000/git/auth/verify",
    "http://127.0.0.1:4001/git/auth/verify",
    "http://127.0.0.2:4000/git/auth/verify",
    "http://evil.example/git/auth/verify",
    "http://127.0.0.1:4000/git/auth/verify?x",
    "http://127.0.0.1:4000/git/auth/verify#x",
    "http://user@127.0.0.1:4000/git/auth/verify",
    "http://127.0.0.1:4000/git/auth/verify/",
    "http://127.0.0.1:4000/auth/verify",
    "/git/auth/verify",
    "",
  ])("is refused for %s", (url) => {
    expect(() => read(url)).toThrow("u tag");
  });

  it.each<[string, Change, string]>([
    ["another kind", { kind: 1 }, "expected kind 27235, got 1"],
    ["no tags", { tags: [] }, "exactly one u tag"],
    [
      "two u tags",
      {
        tags: [
          ["u", good],
          ["u", good],
          ["method", "POST"],
        ],
      },
      "one u tag, got 2",
    ],
    ["no method", { tags: [["u", good]] }, "exactly one method tag"],
    [
      "another method",
      {
        tags: [
          ["u", good],
          ["method", "GET"],
        ],
      },
      "must be POST",
    ],
    ["an old time", { createdAt: seconds - 61 }, "created_at"],
    ["a future time", { createdAt: seconds + 61 }, "created_at"],
  ])("with %s is refused", (_name, change, words) => {
    expect(() => read(good, change)).toThrow(words);
  });

  it("may have further tags and be up to a minute off", () => {
    const tags = [
      ["u", good],
      ["client", "x"],
      ["method", "POST"],
    ];
    expect(read(good, { tags, createdAt: seconds - 60 }).pubkey).toMatch(/^[0-9a-f]{64}$/);
  });

  it("is refused when anything in it was changed after signing", () => {
    const signed = JSON.parse(
      signLogin(nsec, { challenge: "c", url: good }, { createdAt: seconds }),
    );
    for (const change of [
      { content: "d" },
      { created_at: seconds - 1 },
      { sig: "0".repeat(128) },
    ]) {
      expect(() => readLoginEvent(JSON.stringify({ ...signed, ...change }), bases, now)).toThrow(
        "invalid signature",
      );
    }
  });

  it.each(["", "no json", "[]", "null", '{"kind":27235}', `"${"x".repeat(20_000)}"`])(
    "that is none is refused: %.20s",
    (text) => {
      expect(() => readLoginEvent(text, bases, now)).toThrow("invalid event JSON");
    },
  );
});
