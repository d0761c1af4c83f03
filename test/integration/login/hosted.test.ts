import { chmod, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { hostedSessionFile, referenceSessionFile } from "../../../src/forges/hosted-sessions.ts";
import { parseSecretKey } from "../../../src/identity/keys.ts";
import { sessionText, writeSession } from "../../../src/identity/sessions.ts";
import { afterwards } from "../../support/agent-half.ts";
import { type LandHow, loginScene, seenFile } from "../../support/login-scene.ts";
import {
  type Reference,
  type ReferenceOptions,
  startReference,
} from "../../support/reference/index.ts";

async function hosted(revision: ReferenceOptions["revision"] = "head") {
  const [scene, forge] = await Promise.all([loginScene(), startReference({ revision })]);
  afterwards(async () => forge[Symbol.asyncDispose]());
  const ours = hostedSessionFile(scene.stateHome, forge.baseUrl);
  const theirs = referenceSessionFile(scene.stateHome);
  const logIn = (args: readonly string[] = [], how: LandHow = {}) =>
    scene.land(["login", "--base-url", forge.baseUrl, ...args], {
      stdin: `${forge.writer.nsec}\n`,
      ...how,
    });
  return { ...scene, forge, ours, theirs, logIn };
}

const verifications = (forge: Reference) =>
  forge.requests.filter(({ path }) => path.endsWith("/auth/verify"));

describe.each(["head", "seed"] as const)("at the reference (%s)", (revision) => {
  test("a login is kept in our file and in the reference client's, in its own format", async () => {
    const { forge, logIn, ours, theirs, land } = await hosted(revision);
    const done = await logIn(["--json"]);
    expect(done).toMatchObject({ code: 0, err: "" });
    expect(done.json()).toEqual({
      state: "logged_in",
      forge: forge.baseUrl,
      npub: forge.writer.npub,
      admin: false,
      can_land: true,
    });
    const shared = await seenFile(theirs);
    expect(shared).toEqual(await seenFile(ours));
    expect(shared.mode).toBe(0o600);
    const session = JSON.parse(shared.text);
    expect(Object.keys(session)).toEqual([
      "base_url",
      "token",
      "npub",
      "is_admin",
      "can_forge_write",
    ]);
    expect(shared.text).toContain('{\n  "base_url": "http://127.0.0.1:');
    expect(done.out + done.err).not.toContain(session.token);
    expect(await readdir(dirname(theirs))).toEqual(["session.json"]);

    const out = await land(["logout", "--base-url", forge.baseUrl]);
    expect(out).toMatchObject({ code: 0, out: `Logged out of ${forge.baseUrl}.\n` });
    for (const file of [ours, theirs]) await expect(stat(file)).rejects.toThrow("ENOENT");
    expect((await land(["logout", "--base-url", forge.baseUrl])).out).toBe(
      "There was no session.\n",
    );
  });
});

describe("the key", () => {
  test("is taken from wherever it is given, and shown nowhere", async () => {
    const { forge, logIn } = await hosted();
    const { nsec, npub } = forge.writer;
    const hex = Buffer.from(parseSecretKey(nsec)).toString("hex");
    const ways: readonly (readonly [readonly string[], LandHow])[] = [
      [["--nsec-file", "-"], { stdin: `${nsec}\n` }],
      [[], { stdin: hex }],
      [[], { stdin: "", env: { LAND_NSEC: ` ${nsec} ` } }],
      [[], { answers: [nsec] }],
    ];
    for (const [args, how] of ways) {
      const done = await logIn(args, how);
      expect(done).toMatchObject({ code: 0, err: "" });
      expect(done.out).toContain(npub);
      expect(done.out).not.toContain(nsec);
      expect(done.out).not.toContain(hex);
    }
  });

  test("in a file is taken; one that others can read is told", async () => {
    const { dir, forge, logIn } = await hosted();
    const file = join(dir, "key");
    await writeFile(file, `${forge.writer.nsec}\n`, { mode: 0o600 });
    expect((await logIn(["--nsec-file", file])).out).not.toContain("chmod");
    await chmod(file, 0o644);
    expect(await logIn(["--nsec-file", file])).toMatchObject({
      code: 0,
      out: expect.stringContaining("chmod 600"),
    });
  });

  test("on the command line works, with a warning beside the answer", async () => {
    const { forge, logIn } = await hosted();
    const done = await logIn(["--json", "--nsec", forge.writer.nsec], { stdin: "" });
    expect(done).toMatchObject({ code: 0, err: expect.stringMatching(/^Warning: a secret/) });
    expect(done.json().state).toBe("logged_in");
    expect(done.out + done.err).not.toContain(forge.writer.nsec);
  });

  test("that is none is told by its kind, not repeated, and nothing is sent", async () => {
    const { forge, logIn } = await hosted();
    const wrong: readonly (readonly [string, RegExp])[] = [
      ["npub1xyzxyzxyz", /public key \(npub\)/],
      ["note1xyzxyzxyz", /event \(note\)/],
      ["ncryptsec1qgg9947rlpvqu76p", /encrypted secret key/],
      ["abcdef0123", /10 hex digits/],
      ["open sesame", /not a Nostr secret key/],
      ["nsec1qqqqqqqqqq", /letter wrong or missing/],
    ];
    for (const [text, told] of wrong) {
      const done = await logIn(["--json"], { stdin: text });
      expect(done.code).toBe(2);
      expect(done.json().error).toMatchObject({
        code: "bad_argument",
        message: expect.stringMatching(told),
      });
      expect(done.out + done.err).not.toContain(text);
    }
    expect(forge.requests).toEqual([]);
  });

  test("that is missing is asked for, whatever is empty", async () => {
    const { dir, logIn } = await hosted();
    expect(await logIn([], { stdin: " \n" })).toMatchObject({
      code: 2,
      err: expect.stringContaining("There is no key"),
    });
    const file = join(dir, "empty");
    await writeFile(file, "\n");
    expect((await logIn(["--nsec-file", file])).err).toContain("is empty");
    expect((await logIn(["--nsec-file", join(dir, "absent")])).err).toContain("ENOENT");
    expect((await logIn(["--nsec-file", file, "--nsec", "x"])).code).toBe(2);
  });

  test("that the forge does not let in leaves no session", async () => {
    const { logIn, stateHome } = await hosted();
    const done = await logIn(["--json"], { stdin: "1".repeat(64) });
    expect(done.code).toBe(1);
    expect(done.json().error.code).toBe("unauthorized");
    await expect(readdir(join(stateHome, "ph"))).rejects.toThrow("ENOENT");
  });
});

describe("the address", () => {
  test("is signed for by its origin alone, whatever path it has", async () => {
    const { forge, land } = await hosted();
    const { nsec } = forge.writer;
    for (const spelling of [`  ${forge.baseUrl}/// `, `${forge.baseUrl}/?page=1#x`]) {
      const done = await land(["login", "--base-url", spelling, "--json"], { stdin: nsec });
      expect(done.json().forge).toBe(forge.baseUrl);
    }
    for (const { body } of verifications(forge)) {
      const event = JSON.parse(JSON.parse(body).event);
      expect(event.tags).toEqual([
        ["u", `${forge.baseUrl}/git/auth/verify`],
        ["method", "POST"],
      ]);
      expect(event.content).toMatch(/^[0-9a-f]{32}$/);
    }
    expect(verifications(forge)).toHaveLength(2);
  });

  test("comes from PH_BASE_URL where none is named, and a blank one counts for nothing", async () => {
    const { forge, land } = await hosted();
    const stdin = forge.writer.nsec;
    const named = await land(["login"], { stdin, env: { PH_BASE_URL: forge.baseUrl } });
    expect(named.code).toBe(0);
    expect((await land(["login"], { stdin, env: { PH_BASE_URL: "  " } })).code).toBe(8);
  });

  test("of another forge never gets the token", async () => {
    const { forge, git, land, logIn } = await hosted();
    const other = await startReference({ revision: "head" });
    afterwards(async () => other[Symbol.asyncDispose]());
    await logIn();
    await git("config", "land.forge", forge.baseUrl);
    await git("remote", "add", "forge", "http://127.0.0.1:1/x");
    await git("config", "remote.forge.fetch", "+refs/heads/*:refs/remotes/forge/*");
    await git("symbolic-ref", "refs/remotes/forge/HEAD", "refs/remotes/forge/master");
    expect((await land(["whoami", "--json"])).json().npub).toBe(forge.writer.npub);
    const refused = await land(["whoami", "--base-url", other.baseUrl]);
    expect(refused).toMatchObject({
      code: 1,
      err: expect.stringContaining(
        `saved session belongs to ${forge.baseUrl}; refusing to reuse its token for ${other.baseUrl}`,
      ),
    });
    expect(other.requests).toEqual([]);

    forge.expireTokens();
    const today = new Date().toISOString().slice(0, 10);
    const expired = await land(["whoami"]);
    expect(expired.code).toBe(1);
    expect(expired.err).toContain(`The login of ${today} at ${forge.baseUrl}`);
    expect(expired.err).toContain(`land login --base-url ${forge.baseUrl}`);
  });
});

describe("the reference client's session", () => {
  const other = {
    base_url: "https://git.example.org",
    token: "theirs",
    npub: "npub1x",
    is_admin: false,
    can_forge_write: true,
  };

  test("of another forge is left alone and told, until it is to be replaced", async () => {
    const { forge, logIn, ours, theirs, land } = await hosted();
    await writeSession(theirs, other);
    const kept = await logIn(["--json"]);
    expect(kept.json().notes).toEqual([expect.stringContaining("https://git.example.org")]);
    expect((await seenFile(theirs)).text).toBe(sessionText(other));
    expect(JSON.parse((await seenFile(ours)).text).base_url).toBe(forge.baseUrl);
    // Logging out of ours leaves theirs, too.
    await land(["logout", "--base-url", forge.baseUrl]);
    expect((await seenFile(theirs)).text).toBe(sessionText(other));

    expect((await logIn(["--ph"])).out).toContain("was replaced");
    expect(JSON.parse((await seenFile(theirs)).text).base_url).toBe(forge.baseUrl);
    expect(JSON.stringify(forge.requests)).not.toContain("theirs");
  });

  test("that cannot be read is no reason to fail, nor to throw it away", async () => {
    const { logIn, theirs } = await hosted();
    await mkdir(dirname(theirs), { recursive: true });
    await writeFile(theirs, "{");
    expect((await logIn()).out).toContain("cannot be used and was left alone");
    expect(await readFile(theirs, "utf8")).toBe("{");
  });

  test("stays unwritten where it is not wanted, and goes where the client is told to look", async () => {
    const { dir, logIn, land, theirs, forge } = await hosted();
    await logIn(["--no-ph"]);
    await expect(stat(theirs)).rejects.toThrow("ENOENT");
    const elsewhere = join(dir, "elsewhere");
    await mkdir(elsewhere, { mode: 0o755 });
    await logIn(["--state-dir", elsewhere]);
    expect((await seenFile(join(elsewhere, "session.json"))).mode).toBe(0o600);
    // That folder is not ours to lock.
    expect((await stat(elsewhere)).mode & 0o777).toBe(0o755);
    await land(["logout", "--base-url", forge.baseUrl, "--state-dir", elsewhere]);
    expect(await readdir(elsewhere)).toEqual([]);
  });
});

test("members of the reference are its allow list; a key out of it loses its write too", async () => {
  const { forge, git, land, logIn } = await hosted();
  await logIn([], { stdin: forge.admin.nsec });
  await git("config", "land.forge", forge.baseUrl);
  await git("remote", "add", "forge", "http://127.0.0.1:1/x");
  const listed = (await land(["members", "--json"])).json();
  expect(
    listed.members.find(({ npub }: { npub: string }) => npub === forge.writer.npub),
  ).toMatchObject({
    active: true,
    can_land: true,
  });
  const out = ["members", "deactivate", forge.writer.npub, "--name", "ada"];
  expect(await land(out)).toMatchObject({ code: 6, err: expect.stringContaining("at a terminal") });
  expect(await land(out, { answers: ["eve"] })).toMatchObject({ code: 6 });
  const done = await land(out, { answers: ["ada"] });
  expect(done).toMatchObject({ code: 0, out: expect.stringContaining("deactivated") });
  const after = (await land(["members", "--json"])).json();
  expect(
    after.members.find(({ npub }: { npub: string }) => npub === forge.writer.npub),
  ).toMatchObject({
    name: "ada",
    active: false,
    can_land: false,
  });
  for (const command of ["tokens", "audit"]) {
    expect(await land([command])).toMatchObject({
      code: 1,
      err: expect.stringContaining("does not"),
    });
  }
});

test("members are the admin's to see", async () => {
  const { forge, git, land, logIn } = await hosted();
  await logIn();
  await git("config", "land.forge", forge.baseUrl);
  await git("remote", "add", "forge", "http://127.0.0.1:1/x");
  expect(await land(["members"])).toMatchObject({
    code: 6,
    err: expect.stringContaining("admin access required"),
  });
});
