import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launcher } from "../support/cli.ts";
import { absence, freePort, output, runs, shipped, startDaemon } from "../support/hosting.ts";

const sshd = "/usr/sbin/sshd";
const why = absence(sshd, true);

const user = `landgit${process.pid}`;
const manifest = `version = 1
nightly_schedule_utc = "08:00"
[[branch.lanes]]
id = "check"
title = "Check"
entrypoint = "check"
command = ["sh", "-c", "test -e new.txt"]
`;

let dir: string;
let stateDir: string;
let address: string;
let ssh: readonly string[];
let member: Record<string, string>;
let owner: string;
let asGit: (file: string, args: readonly string[]) => Promise<string>;
const endings: (() => Promise<unknown>)[] = [];

/** All that sshd runs must lie where root alone can write, which a temporary folder is not. */
async function makeServer(): Promise<void> {
  const system = { PATH: process.env.PATH ?? "" };
  dir = await mkdtemp("/run/land-sshd-");
  endings.push(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
  await chmod(dir, 0o755);
  const at = (name: string) => join(dir, name);
  const home = at("home");
  await output(
    "useradd",
    [
      "--system",
      "--user-group",
      "--no-create-home",
      "--home-dir",
      home,
      "--shell",
      "/usr/bin/git-shell",
      "--password",
      "*",
      user,
    ],
    { env: system },
  );
  endings.push(() => output("userdel", [user], { env: system }));
  await writeFile(at("land"), `#!/bin/sh\nexec ${process.execPath} ${launcher} "$@"\n`);
  await chmod(at("land"), 0o755);
  await mkdir(join(home, "git-shell-commands"), { recursive: true });
  await symlink(at("land"), join(home, "git-shell-commands", "land"));

  const env = {
    PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ""}`,
    HOME: at("served"),
    XDG_STATE_HOME: at("state"),
    XDG_CACHE_HOME: at("served"),
    GIT_CONFIG_GLOBAL: "/dev/null",
    ...{ GIT_AUTHOR_NAME: "Ada", GIT_AUTHOR_EMAIL: "ada@example.org" },
    ...{ GIT_COMMITTER_NAME: "Ada", GIT_COMMITTER_EMAIL: "ada@example.org" },
  };
  asGit = (file, args) =>
    output("setpriv", [`--reuid=${user}`, `--regid=${user}`, "--clear-groups", file, ...args], {
      ...{ env, cwd: at("app") },
    });
  for (const folder of ["served", "state", "app"]) {
    await mkdir(at(folder));
    await output("chown", [`${user}:`, at(folder)], { env: system });
  }
  await asGit("git", ["init", "-q", "--initial-branch=main"]);
  await asGit("sh", ["-c", `mkdir ci && cat >ci/forge-lanes.toml <<'END'\n${manifest}END`]);
  await asGit("git", ["add", "."]);
  await asGit("git", ["commit", "-qm", "Begin"]);
  const ready = JSON.parse(await asGit(at("land"), ["init", "--json"]));
  endings.push(() => asGit(at("land"), ["stop"]));
  stateDir = String(ready.state_dir ?? ready.stateDir);
}

/** sshd with the shipped settings, and a member's folder with one good key among junk. */
async function serveSsh(): Promise<void> {
  const at = (name: string) => join(dir, name);
  const system = { PATH: process.env.PATH ?? "" };
  const members = at("members");
  await mkdir(members);
  await mkdir(at("member"), { mode: 0o700 });
  const key = at("member/key");
  for (const file of [key, at("hostkey"), at("member/stranger")]) {
    await output("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file], { env: system });
  }
  owner = JSON.parse(await readFile(join(stateDir, "forge.json"), "utf8")).ownerNpub;
  const publicKey = await readFile(`${key}.pub`, "utf8");
  await writeFile(
    join(members, "ann.keys"),
    `# npub: ${owner}\nthis is junk\nssh-ed25519 AAAAjunk\n${publicKey}`,
  );
  const port = await freePort();
  const settings = shipped("sshd/50-forge-landing-kit.conf", {
    "Match User git": `Match User ${user}`,
    "AuthorizedKeysCommandUser git": `AuthorizedKeysCommandUser ${user}`,
    "/usr/bin/land": at("land"),
    "/var/lib/forge-landing-kit/FORGE": stateDir,
    "/etc/forge-landing-kit/members": members,
  });
  await writeFile(
    at("sshd_config"),
    `ListenAddress 127.0.0.1\nPort ${port}\nHostKey ${at("hostkey")}\nPidFile none\nUsePAM no\n${settings}`,
  );
  if (!existsSync("/run/sshd")) await mkdir("/run/sshd", { mode: 0o755 });
  const daemon = await startDaemon(sshd, ["-D", "-e", "-f", at("sshd_config")], {
    ...{ env: system, ready: /Server listening on/ },
  });
  endings.push(() => daemon.stop());
  const hostKey = (await readFile(at("hostkey.pub"), "utf8")).trim();
  await writeFile(at("member/known"), `[127.0.0.1]:${port} ${hostKey}\n`);
  ssh = [
    ...["-F", "none", "-p", String(port), "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"],
    ...["-o", `UserKnownHostsFile=${at("member/known")}`, "-o", "StrictHostKeyChecking=yes"],
  ];
  address = `ssh://${user}@127.0.0.1:${port}/app.git`;
  member = {
    PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ""}`,
    HOME: at("member"),
    XDG_STATE_HOME: at("member/state"),
    XDG_CACHE_HOME: at("member/cache"),
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_SSH_COMMAND: ["ssh", ...ssh, "-i", key].join(" "),
    ...{ GIT_AUTHOR_NAME: "Ann", GIT_AUTHOR_EMAIL: "ann@example.org" },
    ...{ GIT_COMMITTER_NAME: "Ann", GIT_COMMITTER_EMAIL: "ann@example.org" },
  };
}

describe.skipIf(why !== undefined)(
  `a forge behind sshd${why === undefined ? "" : ` (${why})`}`,
  () => {
    beforeAll(async () => {
      await makeServer();
      await serveSsh();
    });
    afterAll(async () => {
      for (const end of endings.reverse()) await end();
    });

    const overSsh = (words: readonly string[], key = "key") =>
      runs("ssh", [...ssh, "-i", join(dir, "member", key), `${user}@127.0.0.1`, ...words], {
        env: member,
      });

    it("is cloned, pushed to and landed on, and the push has an author", async () => {
      const work = join(dir, "member", "work");
      const git = (...args: string[]) => output("git", args, { env: member, cwd: work });
      await output("git", ["clone", "-q", "-o", "forge", address, work], { env: member });
      await git("switch", "-qc", "feature");
      await writeFile(join(work, "new.txt"), "new\n");
      await git("add", ".");
      await git("commit", "-qm", "Add a file");
      await git("push", "-q", "forge", "feature");
      const refused = await runs("git", ["push", "forge", "feature:main"], {
        env: member,
        cwd: work,
      });
      expect(refused.err).toContain("The branch main is this forge's target");

      const { port } = JSON.parse(await readFile(join(stateDir, "process.json"), "utf8"));
      const origin = `http://127.0.0.1:${port}`;
      const land = (...args: string[]) =>
        output(join(dir, "land"), args, { env: member, cwd: work });
      await git("config", "land.forge", origin);
      await land(
        "login",
        "--base-url",
        origin,
        "--nsec-file",
        join(stateDir, "keys", "owner.nsec"),
      );
      expect(JSON.parse(await land("--json"))).toMatchObject({ state: "landed" });
      expect(await git("ls-remote", "forge", "refs/heads/feature")).toBe("");
      const { entries } = JSON.parse(await land("audit", "--json"));
      expect(entries).toContainEqual(
        expect.objectContaining({ action: "push", by: owner, subject: "refs/heads/feature" }),
      );
    });

    it.each([
      [[]],
      [["sh"]],
      [["sh", "-c", "id"]],
      [["git-upload-pack '/etc'"]],
      [["land", "doctor"]],
    ])("gives no shell: %j", async (words) => {
      const { code, out, err } = await overSsh(words);
      expect(code).not.toBe(0);
      expect(out).toBe("");
      expect(err).toMatch(/no shell here|Only git's clone|no such repository/);
    });

    it("forwards nothing", async () => {
      const wish = [
        "-o",
        "ExitOnForwardFailure=yes",
        "-N",
        "-R",
        `${await freePort()}:127.0.0.1:1`,
      ];
      const args = [...ssh, "-i", join(dir, "member", "key"), ...wish, `${user}@127.0.0.1`];
      const { code, err } = await runs("ssh", args, { env: member });
      expect(code).toBe(255);
      expect(err).toContain("forwarding failed");
    });

    it("lets no stranger in", async () => {
      const { code, err } = await overSsh(["git-upload-pack 'app.git'"], "stranger");
      expect(code).toBe(255);
      expect(err).toContain("Permission denied");
    });

    it("tells the junk in a key file by its lines, and serves the others", async () => {
      const args = ["authorized-keys", "--state", stateDir, "--members", join(dir, "members")];
      const told = await runs(join(dir, "land"), args, { env: member });
      expect(told.code).toBe(0);
      expect(told.err.trim().split("\n")).toEqual([
        expect.stringMatching(/^ann\.keys:2: /),
        expect.stringMatching(/^ann\.keys:3: /),
      ]);
      expect(told.out.split("\n")).toHaveLength(1);
    });
  },
);
