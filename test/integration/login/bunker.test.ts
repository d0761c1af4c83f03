import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { logInHostedRemotely } from "../../../src/forges/hosted-login.ts";
import { hostedSessionFile, signerConnectionFile } from "../../../src/forges/hosted-sessions.ts";
import { parseBunker } from "../../../src/identity/bunker.ts";
import { afterwards, failureOf } from "../../support/agent-half.ts";
import { type BunkerFaults, startBunker } from "../../support/bunker.ts";
import { type LandHow, loginScene, seenFile } from "../../support/login-scene.ts";
import { startReference } from "../../support/reference/index.ts";
import { startRelay } from "../../support/relay.ts";

/** A reference forge that lets a remote signer's key land, and a repository's command line. */
async function hosted(faults: BunkerFaults = {}) {
  const [scene, forge, relay] = await Promise.all([
    loginScene(),
    startReference({ revision: "head" }),
    startRelay(),
  ]);
  afterwards(async () => forge[Symbol.asyncDispose]());
  const bunker = await startBunker(relay, faults);
  forge.allow(bunker.npub, { active: true, canForgeWrite: true });
  const logIn = (args: readonly string[] = [], how: LandHow = {}) =>
    scene.land(["login", "--base-url", forge.baseUrl, ...args], how);
  const connection = signerConnectionFile(scene.stateHome, forge.baseUrl);
  const session = hostedSessionFile(scene.stateHome, forge.baseUrl);
  const connects = () => bunker.asked.filter(({ method }) => method === "connect").length;
  return { ...scene, forge, relay, bunker, logIn, connection, session, connects };
}

describe("a login by a remote signer", () => {
  test("keeps the session and the connection, and neither the key nor the secret", async () => {
    const { bunker, logIn, connection, session } = await hosted();
    const done = await logIn(["--bunker", "-", "--json"], { stdin: bunker.url });
    expect(done).toMatchObject({ code: 0, err: "" });
    expect(done.json()).toMatchObject({ npub: bunker.npub, can_land: true });
    const kept = await seenFile(connection);
    expect(kept.mode).toBe(0o600);
    const secret = new URL(bunker.url).searchParams.get("secret") ?? "";
    expect(kept.text).not.toContain(secret);
    expect(JSON.parse(kept.text)).toMatchObject({ version: 1, npub: bunker.npub });
    expect(JSON.parse((await seenFile(session)).text).npub).toBe(bunker.npub);
  });

  test("is made again without the address, until the person logs out", async () => {
    const { bunker, logIn, land, connects, connection, forge } = await hosted();
    await logIn([], { stdin: bunker.url });
    forge.expireTokens();
    expect(await logIn([], { stdin: "" })).toMatchObject({ code: 0 });
    expect(connects()).toBe(1);
    await land(["logout", "--base-url", forge.baseUrl]);
    await expect(stat(connection)).rejects.toThrow("ENOENT");
    expect((await logIn([], { stdin: "" })).code).toBe(2);
  });

  test("that the forge refuses has not used the address up in vain", async () => {
    const { bunker, logIn, forge, connects } = await hosted();
    forge.allow(bunker.npub, { active: false, canForgeWrite: false });
    expect((await logIn(["--bunker", "-"], { stdin: bunker.url })).code).toBe(1);
    forge.allow(bunker.npub, { active: true, canForgeWrite: true });
    expect((await logIn([], { stdin: "" })).code).toBe(0);
    expect(connects()).toBe(1);
  });

  test("shows the page that the signer wants opened, and goes on once it was", async () => {
    const { bunker, logIn } = await hosted({ page: "https://signer.example/allow" });
    const done = logIn(["--bunker", "-", "--json"], { stdin: bunker.url });
    await bunker.pageSent;
    bunker.approve();
    expect(await done).toMatchObject({
      code: 0,
      err: "The remote signer asks you to open https://signer.example/allow\n",
    });
  });

  test("takes the address from a file, or with a warning from the command line", async () => {
    const { bunker, dir, logIn } = await hosted();
    const file = join(dir, "bunker");
    await writeFile(file, bunker.url, { mode: 0o600 });
    expect((await logIn(["--bunker-file", file])).code).toBe(0);
    const open = await hosted();
    const warned = await open.logIn(["--bunker", open.bunker.url]);
    expect(warned).toMatchObject({ code: 0, err: expect.stringMatching(/^Warning/) });
    expect(warned.err).not.toContain(new URL(open.bunker.url).searchParams.get("secret"));
  });

  test("refuses what is no address of a signer, and repeats nothing", async () => {
    const { logIn, forge } = await hosted();
    const signer = "a".repeat(64);
    const wrong: readonly (readonly [string, RegExp])[] = [
      ["1".repeat(64), /that is a key itself/],
      ["nostrconnect://abc?relay=wss://r&secret=hush", /a client's/],
      ["ada@example.org", /not looked up/],
      [`bunker://${signer}?secret=hush`, /names no relay/],
      [`bunker://${signer}?relay=http://r`, /ws:\/\/ or wss:\/\//],
      [`bunker://${signer}?relay=wss://ada:hush@r`, /ws:\/\/ or wss:\/\//],
      ["bunker://ada?relay=wss://r", /names no signer/],
    ];
    for (const [text, told] of wrong) {
      const done = await logIn(["--bunker", "-", "--json"], { stdin: text });
      expect(done.code).toBe(2);
      expect(done.json().error.message).toMatch(told);
      expect(done.out).not.toMatch(/hush|1111|aaaa/);
    }
    expect(forge.requests).toEqual([]);
  });

  test("with an address that was used before says so, and sends nothing to the forge", async () => {
    const { bunker, logIn, forge, connection } = await hosted({
      refuse: { connect: "wrong or used secret" },
    });
    const done = await logIn(["--bunker", "-", "--json"], { stdin: bunker.url });
    expect(done.code).toBe(6);
    expect(done.json().error.message).toContain("wrong or used secret");
    expect(forge.requests).toEqual([]);
    await expect(stat(connection)).rejects.toThrow("ENOENT");
  });

  test("that has become another key's is not taken for the same", async () => {
    const { bunker, logIn, connection } = await hosted();
    await logIn([], { stdin: bunker.url });
    const kept = JSON.parse(await readFile(connection, "utf8"));
    await writeFile(connection, JSON.stringify({ ...kept, npub: "npub1other" }));
    expect(await logIn([], { stdin: "" })).toMatchObject({
      code: 1,
      err: expect.stringContaining("now signs with"),
    });
  });

  test("with a connection that cannot be read says what to do, and shows none of it", async () => {
    const { bunker, logIn, connection } = await hosted();
    await logIn([], { stdin: bunker.url });
    const kept = await readFile(connection, "utf8");
    await writeFile(connection, kept.slice(0, -4));
    const done = await logIn([], { stdin: "" });
    expect(done).toMatchObject({ code: 1, err: expect.stringContaining("--bunker -") });
    expect(done.err).not.toContain(JSON.parse(kept).client_key);
  });

  test("can be given up", async () => {
    const { bunker, forge, stateHome } = await hosted({ silent: ["sign_event"] });
    const stop = new AbortController();
    const done = failureOf(
      logInHostedRemotely({
        baseUrl: forge.baseUrl,
        stateHome,
        bunker: parseBunker(bunker.url),
        onPage: () => {},
        signal: stop.signal,
      }),
    );
    await forge.seen(({ path }) => path.endsWith("/auth/challenge"));
    stop.abort();
    expect(await done).toMatchObject({ code: "cancelled" });
  });
});
