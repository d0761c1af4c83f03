import { newKey } from "../../support/login.ts";
import { answers, type Case, type Expectation, empty, refuses, row } from "../case.ts";
import { challengeOf, type EventChange, loginEvent, tokenFor, usualTags } from "../logins.ts";
import { bool, hex, is, keys, npub, str } from "../match.ts";
import type { Call, World } from "../world.ts";

const verify = (event: unknown): Call => ({
  method: "POST",
  path: "/auth/verify",
  body: { event },
});

const welcome = keys({ token: hex(64), npub, is_admin: bool, can_forge_write: bool });

interface Begun {
  readonly challenge: string;
}
const begin = async (world: World): Promise<Begun> => ({ challenge: await challengeOf(world) });

/** A login whose event was signed as it is, but for a change. */
const changed = (name: string, change: (world: World) => EventChange, more: Partial<Case>) =>
  row<Begun>({
    section: "1.4",
    name,
    arrange: begin,
    call: ({ challenge }, world) =>
      verify(loginEvent(world, world.keys.writer.nsec, challenge, change(world))),
    expect: answers(welcome),
    ...more,
  });

const stricter = { row: "Login event", expect: refuses(401, /./) };

/** A refused login, and that the challenge was or was not used up by it. */
const failing = (
  name: string,
  event: (world: World, challenge: string) => unknown,
  why: string | RegExp,
  left: boolean,
) =>
  row<Begun>({
    section: "1.3",
    name: `${name}, and the challenge ${left ? "is still good" : "is used up"}`,
    arrange: begin,
    call: ({ challenge }, world) => verify(event(world, challenge)),
    expect: refuses(401, why),
    async after({ challenge }, world) {
      const again = await world.ask(verify(loginEvent(world, world.keys.writer.nsec, challenge)));
      if ((again.status === 200) !== left) {
        throw new Error(`with the same challenge: ${again.status} ${again.text}`);
      }
    },
  });

const tampered = (text: string, change: Record<string, unknown>) =>
  JSON.stringify({ ...JSON.parse(text), ...change });
const stranger = newKey();
const unknown: Expectation = refuses(401, "challenge nonce not found or expired");

export const loginCases: readonly Case[] = [
  row({
    section: "1.1",
    name: "a challenge is 16 random bytes in hex",
    call: () => ({ method: "POST", path: "/auth/challenge" }),
    expect: answers(keys({ challenge: hex(32) })),
  }),
  row({
    section: "1.1",
    name: "a challenge needs no body and takes any",
    call: () => ({ method: "POST", path: "/auth/challenge", body: "{", type: "text/plain" }),
    expect: answers(keys({ challenge: hex(32) })),
  }),
  row({
    section: "1.1",
    name: "a login answers token, key and rights",
    arrange: begin,
    call: ({ challenge }, world) => verify(loginEvent(world, world.keys.writer.nsec, challenge)),
    expect: (_facts, world) =>
      answers(
        keys({
          token: hex(64),
          npub: is(world.keys.writer.npub),
          is_admin: is(false),
          can_forge_write: is(true),
        }),
      ),
  }),
  row({
    section: "1.1",
    name: "an admin's login says so",
    arrange: begin,
    call: ({ challenge }, world) => verify(loginEvent(world, world.keys.admin.nsec, challenge)),
    expect: answers(keys({ token: hex(64), npub, is_admin: is(true), can_forge_write: is(true) })),
  }),
  row({
    section: "1.1",
    name: "a key without forge write logs in too",
    arrange: begin,
    call: ({ challenge }, world) => verify(loginEvent(world, world.keys.reader.nsec, challenge)),
    expect: answers(
      keys({ token: hex(64), npub, is_admin: is(false), can_forge_write: is(false) }),
    ),
  }),
  row({
    section: "1.1",
    name: "a key may hold several tokens",
    async arrange(world) {
      const first = await tokenFor(world, world.keys.writer.nsec);
      const second = await tokenFor(world, world.keys.writer.nsec);
      if (first === second) throw new Error("the same token twice");
      return first;
    },
    call: (first) => ({ method: "GET", path: "/api/me", as: { token: first } }),
    expect: { status: 200 },
  }),
  failing("an event that is no JSON", () => "not json", /^invalid event JSON: ./, true),
  failing("an event that is an empty string", () => "", /^invalid event JSON: ./, true),
  failing("an event that is a list", () => "[]", /^invalid event JSON: ./, true),
  failing("an event that is null", () => "null", /^invalid event JSON: ./, true),
  failing(
    "an event without a signature",
    (world, challenge) => {
      const { sig: _sig, ...rest } = JSON.parse(
        loginEvent(world, world.keys.writer.nsec, challenge),
      );
      return JSON.stringify(rest);
    },
    /^invalid event JSON: ./,
    true,
  ),
  failing(
    "a signature of another event",
    (world, challenge) =>
      tampered(loginEvent(world, world.keys.writer.nsec, challenge), { sig: "0".repeat(128) }),
    /^invalid signature: ./,
    true,
  ),
  failing(
    "an id that is not the event's",
    (world, challenge) =>
      tampered(loginEvent(world, world.keys.writer.nsec, challenge), { id: "0".repeat(64) }),
    /^invalid signature: ./,
    true,
  ),
  failing(
    "content changed after signing",
    (world, challenge) =>
      tampered(loginEvent(world, world.keys.writer.nsec, "0".repeat(32)), { content: challenge }),
    /^invalid signature: ./,
    true,
  ),
  failing(
    "a wrong kind",
    (world, challenge) => loginEvent(world, world.keys.writer.nsec, challenge, { kind: 1 }),
    "expected kind 27235, got 1",
    true,
  ),
  failing(
    "a wrong kind and a wrong signature, of which the signature comes first",
    (world, challenge) =>
      tampered(loginEvent(world, world.keys.writer.nsec, challenge, { kind: 1 }), {
        sig: "0".repeat(128),
      }),
    /^invalid signature: ./,
    true,
  ),
  failing(
    "another challenge",
    (world) => loginEvent(world, world.keys.writer.nsec, "0".repeat(32)),
    "challenge nonce not found or expired",
    true,
  ),
  failing(
    "a key that nobody let in",
    (world, challenge) => loginEvent(world, stranger.nsec, challenge),
    "pubkey not authorized",
    false,
  ),
  row<Begun>({
    section: "1.3",
    name: "a challenge is good once",
    async arrange(world) {
      const begun = await begin(world);
      const event = loginEvent(world, world.keys.writer.nsec, begun.challenge);
      const first = await world.ask(verify(event));
      if (first.status !== 200) throw new Error(first.text);
      return begun;
    },
    call: ({ challenge }, world) => verify(loginEvent(world, world.keys.writer.nsec, challenge)),
    expect: unknown,
  }),
  changed("an event without tags", () => ({ tags: [] }), { differs: stricter }),
  changed(
    "an event for another site",
    () => ({
      tags: [
        ["u", "https://evil.example/git/auth/verify"],
        ["method", "POST"],
      ],
    }),
    { differs: stricter },
  ),
  changed(
    "an event for another method",
    (world) => ({ tags: [...usualTags(world).slice(0, 1), ["method", "GET"]] }),
    { differs: stricter },
  ),
  changed("a stale event", () => ({ age: 3600 }), { differs: stricter }),
  changed("an event from the future", () => ({ age: -3600 }), { differs: stricter }),
  changed(
    "an event with further tags",
    (world) => ({ tags: [...usualTags(world), ["payload", "00"], ["x"]] }),
    {},
  ),
  changed(
    "an event for the other prefix's path",
    (world) => ({
      tags: [
        ["u", `${world.origin}${world.prefix === "/git" ? "/news" : "/git"}/auth/verify`],
        ["method", "POST"],
      ],
    }),
    {},
  ),
  row({
    section: "1.5",
    name: "there is no logout",
    call: () => ({ method: "POST", path: "/auth/logout" }),
    expect: empty(404),
    differs: { row: "Tokens", expect: refuses(401, /./) },
  }),
  row<string>({
    section: "1.5",
    name: "a token of more than ninety days is expired",
    alone: true,
    async arrange(world) {
      const token = await world.token("writer");
      await world.expireTokens();
      return token;
    },
    call: (token) => ({ method: "GET", path: "/api/me", as: { token } }),
    expect: refuses(401, "invalid or expired token"),
  }),
  ...headerCases(),
  row({
    section: "1.8",
    name: "who a writer is",
    call: () => ({ method: "GET", path: "/api/me", as: "writer" }),
    expect: (_facts, world) =>
      answers(
        keys({
          npub: is(world.keys.writer.npub),
          is_admin: is(false),
          can_chat: is(true),
          can_forge_write: is(true),
        }),
      ),
  }),
  row({
    section: "1.8",
    name: "who a reader is",
    call: () => ({ method: "GET", path: "/api/me", as: "reader" }),
    expect: answers(
      keys({ npub: str, is_admin: is(false), can_chat: is(true), can_forge_write: is(false) }),
    ),
  }),
];

/** Only `Bearer ` and what comes after it, to the letter. */
function headerCases(): Case[] {
  const missing = refuses(401, "missing auth token");
  const invalid = refuses(401, "invalid or expired token");
  const cases: [string, (token: string) => Call["headers"], Expectation][] = [
    ["no header", () => ({}), missing],
    ["another scheme", (token) => ({ authorization: `Basic ${token}` }), missing],
    ["a scheme in small letters", (token) => ({ authorization: `bearer ${token}` }), missing],
    ["a scheme in capitals", (token) => ({ authorization: `BEARER ${token}` }), missing],
    ["a scheme alone", () => ({ authorization: "Bearer" }), missing],
    ["a token alone", (token) => ({ authorization: token }), missing],
    ["two spaces", (token) => ({ authorization: `Bearer  ${token}` }), invalid],
    ["a tab", (token) => ({ authorization: `Bearer\t${token}` }), missing],
    ["an unknown token", () => ({ authorization: `Bearer ${"0".repeat(64)}` }), invalid],
    ["a token and more", (token) => ({ authorization: `Bearer ${token},` }), invalid],
    [
      "a token in capitals",
      (token) => ({ authorization: `Bearer ${token.toUpperCase()}` }),
      invalid,
    ],
    [
      "the header's name in capitals",
      (token) => ({ AUTHORIZATION: `Bearer ${token}` }),
      { status: 200 },
    ],
    ["the right header", (token) => ({ authorization: `Bearer ${token}` }), { status: 200 }],
  ];
  return cases.map(([name, headers, expected]) =>
    row<string>({
      section: "1.6",
      name: `with ${name}`,
      arrange: (world) => world.token("writer"),
      call: (token) => {
        const given = headers(token);
        return {
          method: "GET",
          path: "/api/me",
          ...(given === undefined ? {} : { headers: given }),
        };
      },
      expect: expected,
    }),
  );
}
