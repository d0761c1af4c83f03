import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { problemOfAddress } from "../../../../src/domain/mirror-address.ts";
import { isPrivate } from "../../../../src/domain/private-file.ts";
import { loginOf, quietEnvironment, tokenOf } from "../../../../src/server/mirror/address.ts";
import { backoffMs, nextDue } from "../../../../src/server/mirror/due.ts";
import { failureKindOf } from "../../../../src/server/mirror/failure.ts";

const settings = {
  url: "https://git.example.org/a/b.git",
  intervalSeconds: 300,
  timeoutSeconds: 60,
  import: false,
};

describe("when the mirror is pushed to", () => {
  const now = 1_000_000_000;
  const facts = { intervalSeconds: 300, lastFinishedAt: now, failures: 0, requested: false };

  it.each([
    ["at once, never having been", { lastFinishedAt: null }, now],
    ["after its interval", {}, now + 300_000],
    ["at once when asked", { requested: true }, now],
    ["never by itself at interval 0", { intervalSeconds: 0, requested: true }, null],
    ["later after failures", { failures: 8 }, now + 1_280_000],
    ["later after a failure, though asked", { failures: 1, requested: true }, now + 10_000],
    ["in time after the clock was set back", { lastFinishedAt: now + 9e9 }, now + 300_000],
  ])("%s", (_name, change, due) => {
    expect(nextDue({ ...facts, ...change }, now)).toBe(due);
  });

  it("is left alone for half an hour at most", () => {
    expect([0, 1, 2, 9, 10_000].map(backoffMs)).toEqual([0, 10_000, 20_000, 1_800_000, 1_800_000]);
  });
});

describe("the kind of a failure", () => {
  it.each([
    ["timed_out", "", "timeout"],
    ["cancelled", "", "cancelled"],
    ["git_failed", "fatal: Authentication failed for 'https://x/'", "auth"],
    [
      "git_failed",
      "fatal: could not read Username for 'https://x': terminal prompts disabled",
      "auth",
    ],
    ["git_failed", "git@host: Permission denied (publickey).", "auth"],
    ["git_failed", "The requested URL returned error: 403", "auth"],
    ["git_failed", "The requested URL returned error: 407", "auth"],
    ["git_failed", "The requested URL returned error: 301", "config"],
    ["git_failed", "fatal: unable to access: SSL certificate problem: expired", "config"],
    ["git_failed", "fatal: detected dubious ownership in repository at '/m.git'", "config"],
    ["git_failed", "fatal: '/nowhere' does not appear to be a git repository", "config"],
    ["git_failed", "remote: Repository not found.", "config"],
    ["git_failed", " ! [remote rejected] main -> main (pre-receive hook declined)", "rejected"],
    ["git_failed", "error: no DAV locking support on http://x/", "config"],
    ["git_failed", "fatal: unable to access: Connection reset by peer", "transient"],
  ])("%s %j is %s", (code, said, kind) => {
    expect(failureKindOf({ code, said })).toBe(kind);
  });
});

describe("the address", () => {
  it.each([
    "/srv/mirror.git",
    "file:///srv/m.git",
    "git@host:a/b.git",
    "ssh://git@host/a",
    settings.url,
  ])("%s can be used", (url) => expect(problemOfAddress(url)).toBeNull());
  it.each([
    "",
    "-oProxyCommand=x",
    "ext::sh -c x",
    "ext::sh",
    "https://user:pw@host/a",
    "https://token@host/a",
    "ssh://git:pw@host/a",
    "user:pw@host:a/b.git",
    "https:///user:pw@host/a",
    "https://host/a.git?private_token=x",
    "relative/folder",
    "../folder",
  ])("%j can not", (url) => expect(problemOfAddress(url)).not.toBeNull());
});

describe("the login", () => {
  it("travels in the environment, for that address alone", () => {
    const { env, secrets } = loginOf(settings, "s3cret-token");
    const values = Object.entries(env);
    const header = values.find(([, value]) => value.startsWith("Authorization"))?.[0];
    expect(env[header?.replace("VALUE", "KEY") ?? ""]).toBe(`http.${settings.url}.extraHeader`);
    expect(secrets).toContain("s3cret-token");
    expect(Number(env.GIT_CONFIG_COUNT)).toBe((values.length - 1) / 2);
  });

  it("is not sent over other transports", () => {
    const { env, secrets } = loginOf({ ...settings, url: "git@host:a" }, "s3cret-token");
    expect([JSON.stringify(env).includes("Authorization"), secrets]).toEqual([false, []]);
  });

  it("comes from the settings, or the variable they name", async () => {
    expect(await tokenOf({ ...settings, token: "t" }, {})).toBe("t");
    expect(await tokenOf({ ...settings, tokenEnv: "T" }, { T: " v \n" })).toBe("v");
    expect(await tokenOf(settings, {})).toBeUndefined();
    const unset = tokenOf({ ...settings, tokenEnv: "T" }, { T: "" });
    await expect(unset).rejects.toMatchObject({
      kind: "config",
      message: expect.stringContaining("variable T,"),
    });
  });

  it("comes from a file that is nobody else's, as it is at that moment", async () => {
    const dir = await mkdtemp(join(tmpdir(), "mirror-token-"));
    try {
      const tokenFile = join(dir, "token");
      const read = () => tokenOf({ ...settings, tokenFile }, {});
      await expect(read()).rejects.toThrow("it is not there");
      await writeFile(tokenFile, " one\n", { mode: 0o600 });
      expect(await read()).toBe("one");
      await writeFile(tokenFile, "two\n");
      expect(await read()).toBe("two");
      for (const [text, why] of [
        ["", "empty"],
        ["a\nb", "more than one line"],
        ["x".repeat(9000), "longer than any token"],
      ] as const) {
        await writeFile(tokenFile, text);
        await expect(read()).rejects.toThrow(why);
      }
      await writeFile(tokenFile, "s3cret\n");
      await chmod(tokenFile, 0o640);
      const refused = read();
      await expect(refused).rejects.toThrow(/others can read .* `chmod 600`/);
      await expect(refused).rejects.not.toThrow("s3cret");
      await expect(tokenOf({ ...settings, tokenFile: dir }, {})).rejects.toThrow("no file");
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it.each([
    ["one's own, 0600", { mode: 0o100600, uid: 7 }, 7, true],
    ["one's own, readable to a group", { mode: 0o100640, uid: 7 }, 7, false],
    ["root's with an access list, as of LoadCredential", { mode: 0o100440, uid: 0 }, 7, true],
    ["root's, readable to all", { mode: 0o100444, uid: 0 }, 7, false],
    ["root's, for a group to write", { mode: 0o100460, uid: 0 }, 7, false],
    ["root's, readable to a group, and root asks", { mode: 0o100440, uid: 0 }, 0, false],
  ])("in a file that is %s", (_what, about, self, expected) => {
    expect(isPrivate(about, self)).toBe(expected);
  });

  it("is not told by git's traces", () => {
    const kept = { PATH: "/bin", GIT_CONFIG_GLOBAL: "/dev/null", GIT_SSH_COMMAND: "ssh" };
    const dropped = { GIT_TRACE_CURL: "1", GIT_CURL_VERBOSE: "1", GIT_CONFIG_VALUE_0: "x" };
    expect(quietEnvironment({ ...kept, ...dropped })).toEqual(kept);
  });
});
