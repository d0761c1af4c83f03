import { verifyEvent } from "nostr-tools/pure";
import { describe, expect, test } from "vitest";
import { parseBunker } from "../../../src/identity/bunker.ts";
import { newSecretKey } from "../../../src/identity/keys.ts";
import { loginEvent } from "../../../src/identity/login-event.ts";
import { type RemoteSignerOptions, withRemoteSigner } from "../../../src/identity/remote-signer.ts";
import { failureOf } from "../../support/agent-half.ts";
import { type BunkerFaults, startBunker } from "../../support/bunker.ts";
import { type RelayFaults, startRelay } from "../../support/relay.ts";

const event = loginEvent({
  challenge: "c0ffee",
  base: "https://git.example/sub",
  prefix: "/git",
  nowMs: 1_700_000_000_000,
});

async function scene(faults: BunkerFaults = {}, relayFaults: RelayFaults = {}) {
  const relay = await startRelay();
  const bunker = await startBunker(relay, faults);
  relay.faults = relayFaults;
  const pages: string[] = [];
  const clientKey = newSecretKey();
  const sign = (options: Partial<RemoteSignerOptions> = {}) =>
    withRemoteSigner(
      {
        bunker: parseBunker(bunker.url),
        clientKey,
        known: false,
        onPage: (url) => pages.push(url),
        answerMs: 10_000,
        ...options,
      },
      async (signer) => ({ npub: await signer.npub(), signed: await signer.sign(event) }),
    );
  return { relay, bunker, pages, sign, clientKey };
}

test("a remote signer signs exactly the event that was asked for, and keeps its key", async () => {
  const { bunker, relay, sign } = await scene();
  const { npub, signed } = await sign();
  expect(npub).toBe(bunker.npub);
  expect(signed).toMatchObject(event);
  expect(verifyEvent(signed)).toBe(true);
  expect(bunker.asked.map(({ method }) => method)).toEqual([
    "connect",
    "get_public_key",
    "sign_event",
  ]);
  expect(bunker.asked[0]?.params[2]).toBe("sign_event:27235");
  // Nothing of it can be read on the way.
  const secret = new URL(bunker.url).searchParams.get("secret") ?? "";
  for (const taken of relay.taken) {
    expect(taken.content).not.toContain(secret);
    expect(taken.content).not.toContain("c0ffee");
  }
});

test("a client that the signer knows goes on without the secret", async () => {
  const { bunker, sign } = await scene();
  await sign();
  const again = { ...parseBunker(bunker.url), secret: undefined };
  expect((await sign({ bunker: again, known: true })).npub).toBe(bunker.npub);
  expect(bunker.asked.filter(({ method }) => method === "connect")).toHaveLength(1);
});

test("a page that a person must open is told, and waited for", async () => {
  const { bunker, pages, sign } = await scene({ page: "https://signer.example/ok?x=1" });
  const done = sign();
  await bunker.pageSent;
  bunker.approve();
  await done;
  expect(pages).toEqual(["https://signer.example/ok?x=1"]);
});

test("a page that nobody opens does not keep us for ever", async () => {
  const { sign } = await scene({ page: "https://signer.example/ok" });
  expect(await failureOf(sign({ pageMs: 50 }))).toMatchObject({
    code: "timed_out",
    message: expect.stringContaining("connect"),
  });
});

test("a relay that wants to know who is there is told", async () => {
  const { bunker, sign } = await scene({}, { auth: true });
  expect((await sign()).npub).toBe(bunker.npub);
});

test("one relay of two is enough", async () => {
  const { bunker, relay, sign } = await scene();
  const both = { ...parseBunker(bunker.url), relays: ["ws://127.0.0.1:9/", relay.url] };
  expect((await sign({ bunker: both })).npub).toBe(bunker.npub);
});

describe("a signer that does not do as asked", () => {
  test.each<[string, BunkerFaults, string, RegExp]>([
    ["refuses us", { refuse: { connect: "no \u001b[31mway" } }, "forbidden", /refused: no way/],
    ["refuses to sign", { refuse: { sign_event: "not now" } }, "forbidden", /not now/],
    ["signs with another key", { otherKey: true }, "unauthorized", /another key/],
    [
      "changes the content",
      { alter: (given) => ({ ...given, content: "other" }) },
      "unauthorized",
      /changed the event's content/,
    ],
    [
      "adds a tag",
      { alter: (given) => ({ ...given, tags: [...given.tags, ["x", "y"]] }) },
      "unauthorized",
      /tags/,
    ],
    [
      "changes the time",
      { alter: (given) => ({ ...given, created_at: given.created_at + 1 }) },
      "unauthorized",
      /created_at/,
    ],
    [
      "signs nothing",
      { spoil: (signed) => ({ ...signed, sig: "0".repeat(128) }) },
      "unauthorized",
      /no properly signed event/,
    ],
    ["answers rubbish", { garbage: "rubbish" }, "unauthorized", /cannot be read/],
    ["names a strange page", { page: "file:///etc/passwd" }, "unauthorized", /names none/],
  ])("that %s", async (_what, faults, code, message) => {
    const { sign } = await scene(faults);
    const error = await failureOf(sign());
    expect(error).toMatchObject({
      code,
      message: expect.stringMatching(message),
      state: expect.any(String),
      next: expect.any(String),
    });
    expect(String(error)).not.toContain("\u001b");
  });

  test("that stays silent", async () => {
    const { sign } = await scene({ silent: ["sign_event"] });
    expect(await failureOf(sign({ answerMs: 300 }))).toMatchObject({
      code: "timed_out",
      message: expect.stringContaining("sign_event"),
    });
  });

  test("that knows us no more", async () => {
    const { sign } = await scene();
    expect(await failureOf(sign({ known: true }))).toMatchObject({
      code: "forbidden",
      message: expect.stringContaining("unknown client"),
    });
  });
});

describe("relays that fail", () => {
  test("by not being there", async () => {
    const { bunker, sign } = await scene();
    const gone = { ...parseBunker(bunker.url), relays: ["ws://127.0.0.1:9/"] };
    const error = await failureOf(sign({ bunker: gone }));
    expect(error).toMatchObject({
      code: "forge_unreachable",
      message: expect.stringContaining("127.0.0.1:9"),
    });
    expect(JSON.stringify(error)).not.toContain(gone.secret);
  });

  test("by taking no events", async () => {
    const { sign } = await scene({}, { refuse: "blocked: pay first" });
    expect(await failureOf(sign())).toMatchObject({
      code: "forge_unreachable",
      message: expect.stringContaining("pay first"),
    });
  });

  test("by cutting the connection in the middle", async () => {
    const { relay, bunker, sign } = await scene({ page: "https://signer.example/ok" });
    const done = failureOf(sign());
    await bunker.pageSent;
    for (const client of relay.clients) client.cut();
    expect(await done).toMatchObject({ code: "forge_unreachable" });
  });

  test("by saying what is no message of a relay, which nobody sees", async () => {
    const greeting = ["rubbish", '["NOTICE","hi \u001b[2J"]', '["EVENT","x",{}]', "[]", "{}", "7"];
    const { bunker, sign } = await scene({}, { greeting });
    expect((await sign()).npub).toBe(bunker.npub);
  });
});

test("who gives up is let go at once", async () => {
  const { bunker, sign } = await scene({ page: "https://signer.example/ok" });
  const stop = new AbortController();
  const done = failureOf(sign({ signal: stop.signal }));
  await bunker.pageSent;
  stop.abort();
  expect(await done).toMatchObject({ code: "cancelled" });
  expect(await failureOf(sign({ signal: stop.signal }))).toMatchObject({ code: "cancelled" });
});
