import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { afterwards } from "../../support/agent-half.ts";
import { startBunker } from "../../support/bunker.ts";
import { aRepository, withForge } from "../../support/cli.ts";
import { seenFile } from "../../support/login-scene.ts";
import { startReference } from "../../support/reference/index.ts";
import { startRelay } from "../../support/relay.ts";

test("the built command logs in by a remote signer, goes on without it, and logs out", async () => {
  await using scene = await aRepository();
  await using forge = await startReference({ revision: "seed" });
  const relay = await startRelay();
  const bunker = await startBunker(relay);
  relay.faults = { greeting: ['["NOTICE","hello"]', "rubbish"] };
  forge.allow(bunker.npub, { active: true, canForgeWrite: true });
  const base = ["--base-url", forge.baseUrl];
  const first = await scene.land(["login", ...base, "--bunker", "-", "--json"], {
    stdin: bunker.url,
  });
  expect(first).toMatchObject({ code: 0, err: "" });
  expect(first.json()).toMatchObject({ state: "logged_in", npub: bunker.npub });
  expect((await scene.land(["login", ...base])).code).toBe(0);
  const session = join(scene.dir, "state", "ph", "session.json");
  expect((await seenFile(session)).mode).toBe(0o600);
  expect((await scene.land(["logout", ...base])).out).toBe(`Logged out of ${forge.baseUrl}.\n`);
  expect((await scene.land(["login", ...base])).code).toBe(2);
});

test("the built command takes a key from a file and from the environment", async () => {
  await using scene = await aRepository();
  const forge = await startReference({ revision: "head" });
  afterwards(async () => forge[Symbol.asyncDispose]());
  const file = join(scene.dir, "key");
  await writeFile(file, forge.writer.nsec, { mode: 0o600 });
  const base = ["--base-url", forge.baseUrl];
  expect((await scene.land(["login", ...base, "--nsec-file", file])).code).toBe(0);
  const { env } = scene;
  const named = { ...env, LAND_NSEC: forge.reader.nsec };
  const again = await scene.land(["login", ...base, "--json"], { env: named });
  expect(again.json()).toMatchObject({ npub: forge.reader.npub, can_land: false });
});

test("an agent without a terminal leaves a request, and lands nothing with its key before", async () => {
  await using scene = await withForge();
  const asked = await scene.land(["login", "--as", "claude-2", "--json"]);
  expect(asked.code).toBe(6);
  expect(asked.json()).toMatchObject({ state: "approval_needed", as: "claude-2" });
  const whoami = await scene.land(["whoami", "--json"]);
  expect(whoami.json()).toMatchObject({ name: "agent", can_land: true });
  const members = await scene.land(["members", "--json"]);
  expect(members.json().requested).toEqual([expect.objectContaining({ name: "claude-2" })]);
  expect(
    await scene.land(["members", "approve", "claude-2"], { stdin: "claude-2\n" }),
  ).toMatchObject({ code: 6 });
  const audit = (await scene.land(["audit", "--json"])).json();
  expect(audit.entries).not.toEqual([]);
});
