import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { nsecEncode } from "nostr-tools/nip19";
import { expect, test } from "vitest";
import { noteOnKeyFile, readGivenKey } from "../../../src/bin/key-source.ts";
import { newSecretKey } from "../../../src/identity/keys.ts";
import { run } from "../../../src/process/run.ts";
import { failureOf, temporaryFolder } from "../../support/agent-half.ts";
import { gitTestEnvironment } from "../../support/git-environment.ts";

test("a key comes through a pipe too, in pieces, and the pipe is not opened again", async () => {
  const dir = await temporaryFolder("land-key-pipe");
  const pipe = join(dir, "pipe");
  expect(
    (await run("mkfifo", [pipe], { env: gitTestEnvironment(dir), timeoutMs: 5000 })).exitCode,
  ).toBe(0);
  const secret = newSecretKey();
  const text = `${nsecEncode(secret)}\n`;
  const given = { kind: "key", file: "pipe" } as const;
  const read = readGivenKey(dir, given);
  const writer = await open(pipe, "w");
  await writer.write(text.slice(0, 20));
  await writer.write(text.slice(20));
  await writer.close();
  expect(await read).toEqual({ secret });
  expect(await noteOnKeyFile(dir, given)).toBeUndefined();
});

test("a file that is longer than any key is not read to its end", async () => {
  const dir = await temporaryFolder("land-key-long");
  await writeFile(join(dir, "long"), "a".repeat(16 * 1024 + 1));
  const [failure] = await Promise.all([
    failureOf(readGivenKey(dir, { kind: "key", file: "long" })),
    expect(readGivenKey(dir, { kind: "key", file: "/dev/zero" })).rejects.toThrow("too long"),
  ]);
  expect(failure).toMatchObject({ code: "bad_argument" });
});
