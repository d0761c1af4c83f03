import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import {
  hostedSessionFile,
  hostedSessions,
  referenceSessionFile,
} from "../../../src/forges/hosted-sessions.ts";
import { writeSession } from "../../../src/identity/sessions.ts";
import { temporaryFolder } from "../../support/agent-half.ts";

const session = (base_url: string) => ({
  base_url,
  token: "t",
  npub: "npub1x",
  is_admin: false,
  can_forge_write: true,
});

test("ours and the reference client's are found, broken ones left out", async () => {
  const home = await temporaryFolder();
  expect(await hostedSessions(home)).toEqual([]);
  for (const base of ["https://a.example", "http://b.example:8080/sub"]) {
    await writeSession(hostedSessionFile(home, base), session(base));
  }
  await writeSession(referenceSessionFile(home), session("https://git.example"));
  const broken = hostedSessionFile(home, "https://c.example");
  await mkdir(dirname(broken), { recursive: true });
  await writeFile(broken, "{");
  expect((await hostedSessions(home)).map((stored) => stored.session.base_url)).toEqual([
    "https://a.example",
    "http://b.example:8080/sub",
    "https://git.example",
  ]);
});

test("addresses that look alike have files of their own, inside the folder", () => {
  const files = [
    "https://a.example",
    "http://a.example",
    "https://a.example/..",
    "https://a.example/x",
  ];
  const named = files.map((base) => hostedSessionFile("/s", base));
  expect(new Set(named).size).toBe(files.length);
  for (const file of named) expect(dirname(file)).toBe("/s/forge-landing-kit/sessions");
});
