import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { nsecEncode } from "nostr-tools/nip19";
import { describe, expect, test } from "vitest";
import {
  ensureKeyFile,
  newSecretKey,
  npubOf,
  parseSecretKey,
  readKeyFile,
} from "../../../src/identity/keys.ts";
import { failureOf, temporaryFolder } from "../../support/agent-half.ts";

describe("a secret key", () => {
  const secret = newSecretKey();
  const hex = Buffer.from(secret).toString("hex");

  test.each([
    ["nsec", nsecEncode(secret)],
    ["nsec in capitals and blanks", `  ${nsecEncode(secret).toUpperCase()}\n`],
    ["hex", hex],
    ["hex in capitals", hex.toUpperCase()],
  ])("is read from %s", (_form, text) => {
    expect(npubOf(parseSecretKey(text))).toBe(npubOf(secret));
  });

  test.each([
    ["nothing", ""],
    ["a public key", npubOf(secret)],
    [
      "a wrong checksum",
      `${nsecEncode(secret).slice(0, -1)}${nsecEncode(secret).endsWith("q") ? "p" : "q"}`,
    ],
    ["zero", "0".repeat(64)],
    ["too short", hex.slice(2)],
  ])("is not %s, and the text is not repeated", async (_form, text) => {
    const error = await failureOf((async () => parseSecretKey(text))());
    expect(error).toMatchObject({ code: "bad_argument" });
    if (text !== "")
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(text);
  });
});

describe("a key file", () => {
  test("is made once, private, and the same for many at once", async () => {
    const dir = await temporaryFolder();
    const file = join(dir, "agent.nsec");
    const made = await Promise.all(Array.from({ length: 10 }, () => ensureKeyFile(file)));
    expect(made.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(made.map(({ npub }) => npub))).toEqual(
      new Set([npubOf(await readKeyFile(file))]),
    );
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(dir)).toEqual(["agent.nsec"]);
    expect(await readFile(file, "utf8")).toMatch(/^nsec1[a-z0-9]+\n$/);
  });

  test("that is missing or broken says what to do", async () => {
    const dir = await temporaryFolder();
    const file = join(dir, "k");
    expect(await failureOf(readKeyFile(file))).toMatchObject({
      code: "forbidden",
      next: expect.stringContaining("land init"),
    });
    await writeFile(file, "rubbish-secret");
    const error = await failureOf(readKeyFile(file));
    expect(error).toMatchObject({ code: "forbidden" });
    expect(String(error)).not.toContain("rubbish");
  });
});
