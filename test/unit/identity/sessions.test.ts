import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  normalBaseUrl,
  readSession,
  readSessionFor,
  refuseOtherForge,
  removeSession,
  writeSession,
} from "../../../src/identity/sessions.ts";
import { failureOf, temporaryFolder } from "../../support/agent-half.ts";

const session = {
  base_url: "https://git.example.org",
  token: "f".repeat(64),
  npub: "npub1x",
  is_admin: false,
  can_forge_write: true,
};

test.each([
  ["https://h.example", "https://h.example"],
  ["  https://H.example/  ", "https://h.example"],
  ["https://h.example:443//", "https://h.example"],
  ["http://h.example:8080/sub/", "http://h.example:8080/sub"],
  ["https://ada:pw@h.example/?q#f", "https://h.example"],
])("%s is %s", (text, normal) => {
  expect(normalBaseUrl(text)).toBe(normal);
});

test.each(["", "h.example", "ftp://h.example", "file:///etc"])("%s is no address", async (text) => {
  expect(await failureOf((async () => normalBaseUrl(text))())).toMatchObject({
    code: "bad_argument",
  });
});

test("is written as the reference client writes it, and private", async () => {
  const file = join(await temporaryFolder(), "deep", "session.json");
  await writeSession(file, { ...session });
  expect(await readFile(file, "utf8")).toBe(`${JSON.stringify(session, null, 2)}\n`);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await stat(join(file, ".."))).mode & 0o777).toBe(0o700);
  expect(await readSession(file)).toEqual(session);
});

test("of the reference client is read, unknown keys and all", async () => {
  const file = join(await temporaryFolder(), "session.json");
  await writeFile(file, JSON.stringify({ later: 1, ...session }));
  expect(await readSession(file)).toEqual(session);
});

test("is good for its own forge alone", async () => {
  const file = join(await temporaryFolder(), "session.json");
  await writeSession(file, session);
  expect(await readSessionFor(file, "https://git.example.org/")).toEqual(session);
  for (const other of [
    "http://git.example.org",
    "https://git.example.org:8443",
    "https://git.example.org.evil.example",
    "https://git.example.org/other",
  ]) {
    expect(await readSessionFor(file, other)).toBeUndefined();
    expect(await failureOf((async () => refuseOtherForge(session, other))())).toMatchObject({
      code: "unauthorized",
      message: `saved session belongs to https://git.example.org; refusing to reuse its token for ${other}`,
    });
  }
});

test("that is malformed is told without its content", async () => {
  const file = join(await temporaryFolder(), "session.json");
  await writeFile(file, `{"token": "very-secret-token"`);
  const error = await failureOf(readSession(file));
  expect(error).toMatchObject({
    code: "unauthorized",
    next: expect.stringContaining("land login"),
  });
  expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain("very-secret");
});

test("is missing or removed without a fuss", async () => {
  const file = join(await temporaryFolder(), "session.json");
  expect(await readSession(file)).toBeUndefined();
  expect(await removeSession(file)).toBe(false);
  await writeSession(file, session);
  expect(await removeSession(file)).toBe(true);
  expect(await readSession(file)).toBeUndefined();
});
