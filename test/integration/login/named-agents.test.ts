import { readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { keyFile, sessionFile } from "../../../src/local/layout.ts";
import { newKey } from "../../support/login.ts";
import { loginScene, seenFile } from "../../support/login-scene.ts";

let scene: Awaited<ReturnType<typeof loginScene>>;
let forge: Awaited<ReturnType<(typeof scene)["serveForge"]>>;
const land: (typeof scene)["land"] = (...given) => scene.land(...given);
const whoami = async (how = {}) => (await land(["whoami", "--json"], how)).json();

beforeEach(async () => {
  scene = await loginScene();
  forge = await scene.serveForge();
});

describe("an agent's own key", () => {
  test("counts once a person typed its name, in this work tree alone", async () => {
    const shared = await whoami();
    expect(shared.as).toBeUndefined();
    const done = await land(["login", "--as", "claude-2"], { answers: ["claude-2"] });
    expect(done).toMatchObject({ code: 0, out: expect.stringContaining("claude-2 (npub1") });
    expect(done.asked).toEqual([expect.stringContaining("claude-2")]);
    const named = await whoami();
    expect(named).toMatchObject({ as: "claude-2", name: "claude-2", admin: false, can_land: true });
    expect(named.npub).not.toBe(shared.npub);
    const { mode, text } = await seenFile(keyFile(forge.layout, "agents/claude-2"));
    expect(mode).toBe(0o600);
    expect(text).toMatch(/^nsec1/);
    expect((await stat(join(forge.layout.keysDir, "agents"))).mode & 0o777).toBe(0o700);

    // Another work tree of the same repository is another agent's.
    const sibling = join(scene.dir, "sibling");
    await scene.git("worktree", "add", "-q", "-b", "b", sibling);
    expect((await whoami({ cwd: sibling })).npub).toBe(shared.npub);
    expect((await whoami({ cwd: sibling, env: { LAND_AS: "claude-2" } })).npub).toBe(named.npub);
    // Nothing of it is in what the work trees share, or in git's sight.
    expect(await readFile(join(scene.repo, ".git", "config"), "utf8")).not.toContain("claude-2");
    expect(await scene.git("status", "--porcelain")).toBe("");
  });

  test("is asked for again and again without harm, and without asking anew", async () => {
    await land(["login", "--as", "bob"], { answers: ["bob"] });
    const { npub } = await whoami();
    const again = await land(["login", "--as", "bob", "--json"]);
    expect(again).toMatchObject({ code: 0, asked: [] });
    expect(again.json()).toMatchObject({ state: "logged_in", as: "bob", npub });
    expect((await land(["login", "--json"])).json()).toMatchObject({ as: "bob", npub });
  });

  test("is left as a request where nobody can be asked, and the owner lets it in", async () => {
    const waiting = await land(["login", "--as", "bob", "--json"]);
    expect(waiting.code).toBe(6);
    expect(waiting.json()).toMatchObject({
      state: "approval_needed",
      as: "bob",
      can_land: false,
      notes: [expect.any(String), expect.stringContaining("land members approve bob")],
    });
    expect((await whoami()).as).toBeUndefined();
    const { npub } = waiting.json();
    const listed = (await land(["members", "--json"])).json();
    expect(listed.requested).toEqual([{ name: "bob", npub }]);
    expect(listed.members.map(({ kind }: { kind: string }) => kind).sort()).toEqual([
      "agent",
      "owner",
    ]);

    expect(await land(["members", "approve", "bob"])).toMatchObject({
      code: 6,
      err: expect.stringContaining("at a terminal"),
    });
    expect((await land(["members", "approve", "bob"], { answers: ["no"] })).code).toBe(6);
    const approved = await land(["members", "approve", "bob"], { answers: ["bob"] });
    expect(approved).toMatchObject({ code: 0, out: expect.stringContaining("bob · agent") });
    expect((await land(["login", "--as", "bob", "--json"])).json().state).toBe("logged_in");
    expect(await whoami()).toMatchObject({ as: "bob", npub });
  });

  test("declined at the terminal changes nothing but that the key waits", async () => {
    const declined = await land(["login", "--as", "bob"], { answers: ["nobody"] });
    expect(declined).toMatchObject({ code: 6, out: expect.stringContaining("did not agree") });
    expect((await whoami()).as).toBeUndefined();
  });

  test("that was taken out says so, and the work tree can go back", async () => {
    const shared = await whoami();
    await land(["login", "--as", "bob"], { answers: ["bob"] });
    await land(["members", "deactivate", "bob"], { answers: ["bob"] });
    expect((await land(["whoami"])).out).toContain("has no rights any more");
    expect(await land(["list"])).toMatchObject({
      code: 6,
      err: expect.stringContaining("read access revoked"),
    });
    expect((await land(["login", "--as", "bob", "--json"])).json().state).toBe("approval_needed");
    const fresh = await land(["login"]);
    expect(fresh).toMatchObject({
      code: 1,
      err: expect.stringContaining("land members approve bob"),
    });
    await land(["logout"]);
    expect((await whoami()).npub).toBe(shared.npub);
  });

  test("is not called just anything", async () => {
    for (const name of ["", "Ada", "agent", "owner", "../owner", "-x", "x".repeat(41), "a b"]) {
      const done = await land(["login", "--as", name, "--json"], { answers: [name] });
      expect(done, name).toMatchObject({ code: 2, asked: [] });
    }
  });

  test("that is not here is told by whoever names it", async () => {
    const done = await land(["whoami"], { env: { LAND_AS: "nobody" } });
    expect(done).toMatchObject({ code: 1, err: expect.stringContaining("land login --as nobody") });
    const evil = await land(["whoami"], { env: { LAND_AS: "../owner" } });
    expect(evil).toMatchObject({ code: 2, err: expect.stringContaining("no name for an agent") });
  });

  test("comes from the local forge, never from outside", async () => {
    const { nsec } = newKey();
    const given = await land(["login", "--as", "bob", "--nsec-file", "-"], { stdin: nsec });
    expect(given.code).toBe(2);
    expect(given.out + given.err).not.toContain(nsec);
    const hosted = await land(["login", "--as", "bob", "--base-url", "http://127.0.0.1:9"]);
    expect(hosted).toMatchObject({ code: 2, err: expect.stringContaining("local forge alone") });
  });
});

describe("a member", () => {
  test("is let in by npub under a name, to read alone if so wished", async () => {
    const { npub } = newKey();
    expect((await land(["members", "approve", npub])).err).toContain("needs a name");
    const args = ["members", "approve", npub, "--name", "ada", "--read-only"];
    expect((await land(args, { answers: ["ada"] })).code).toBe(0);
    const { members } = (await land(["members", "--json"])).json();
    expect(members.find((one: { npub: string }) => one.npub === npub)).toMatchObject({
      name: "ada",
      kind: "member",
      active: true,
      can_land: false,
    });
    const taken = await land(["members", "approve", newKey().npub, "--name", "ada"], {
      answers: ["ada"],
    });
    expect(taken).toMatchObject({ code: 2, err: expect.stringContaining("already") });
    expect((await land(["members", "deactivate", "eve"], { answers: ["eve"] })).code).toBe(1);
    expect((await land(["members", "approve"])).code).toBe(2);
  });
});

describe("logins", () => {
  test("are listed and ended, other keys' only by the owner after a person agreed", async () => {
    await whoami();
    const own = (await land(["tokens", "--json"])).json().tokens;
    expect(own).toEqual([expect.objectContaining({ current: true, name: "agent" })]);
    await land(["login", "--as", "bob"], { answers: ["bob"] });
    expect((await land(["tokens", "--json"])).json().tokens).toHaveLength(1);
    const all = (await land(["tokens", "--owner", "--json"])).json().tokens;
    expect(new Set(all.map(({ name }: { name: string }) => name))).toEqual(
      new Set(["agent", "bob", "owner"]),
    );
    const [first] = own;
    const refused = await land(["tokens", "revoke", first.id, "--owner"]);
    expect(refused).toMatchObject({ code: 6, err: expect.stringContaining("at a terminal") });
    const ended = await land(["tokens", "revoke", first.id, "--owner"], { answers: [first.id] });
    expect(ended).toMatchObject({ code: 0, out: expect.stringContaining("1 login was ended") });
    expect((await land(["tokens", "revoke", "all"])).code).toBe(0);
    expect((await land(["tokens", "revoke", "rubbish"])).code).toBe(2);
    // A key that is here logs in anew by itself.
    expect((await whoami()).as).toBe("bob");
  });

  test("are ended at the forge by logging out", async () => {
    await whoami();
    const file = sessionFile(forge.layout, "agent");
    const { token } = JSON.parse(await readFile(file, "utf8"));
    const me = () =>
      fetch(`${forge.origin}/git/api/me`, { headers: { authorization: `Bearer ${token}` } });
    expect((await me()).status).toBe(200);
    expect((await land(["logout"])).out).toBe("Logged out of local.\n");
    expect((await me()).status).toBe(401);
    await expect(stat(file)).rejects.toThrow("ENOENT");
  });
});

test("a work tree that goes back to the shared agent is told so, also without a session", async () => {
  await land(["login", "--as", "bob"], { answers: ["bob"] });
  await rm(sessionFile(forge.layout, "agents/bob"));
  expect((await land(["logout"])).out).toBe("Logged out of local.\n");
  expect((await whoami()).as).toBeUndefined();
});

test("the audit trail tells agents apart", async () => {
  await land(["login", "--as", "bob"], { answers: ["bob"] });
  const { entries } = (await land(["audit", "--json"])).json();
  const names = new Set(entries.map(({ name }: { name: string }) => name));
  expect(names).toContain("bob");
  expect(names).toContain("owner");
  const one = (await land(["audit", "--limit", "1", "--json"])).json();
  expect(one.entries).toHaveLength(1);
  const rest = (await land(["audit", "--cursor", one.next_cursor, "--json"])).json();
  expect(rest.entries).toHaveLength(entries.length - 1);
  expect((await land(["audit"])).out).toContain(" · bob · ");
});
