import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { launcher } from "./cli.ts";
import { freePort, output, shipped, startDaemon } from "./hosting.ts";
import { newKey, type TestKey } from "./login.ts";

export const sshd = "/usr/sbin/sshd";

/** Two forges of a system user with git-shell, behind a real sshd with the shipped settings. */
export interface SshServer {
  readonly user: string;
  readonly dir: string;
  /** The forge of `app`, whose owner has the key `key`. */
  readonly stateDir: string;
  /** `app`, over SSH. */
  readonly address: string;
  /** What ssh needs to come here, without a key. */
  readonly ssh: readonly string[];
  /** A member's environment; the keys are in `member/`. */
  readonly member: Readonly<Record<string, string>>;
  readonly owner: string;
  /** A member with the key `ben`, whom the owner lets in and takes out. */
  readonly ben: TestKey;
  close(): Promise<void>;
}

export async function startSshServer(): Promise<SshServer> {
  const endings: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const end of endings.reverse()) await end();
  };
  try {
    const forges = await makeForges(endings);
    return { ...(await serveSsh(forges, endings)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

const user = `landgit${process.pid}`;
const manifest = `version = 1
nightly_schedule_utc = "08:00"
[[branch.lanes]]
id = "check"
title = "Check"
entrypoint = "check"
command = ["sh", "-c", "test -e new.txt"]
`;

const system = { PATH: process.env.PATH ?? "" };
type Endings = (() => Promise<unknown>)[];

interface Forges {
  readonly dir: string;
  readonly stateDir: string;
  readonly otherStateDir: string;
}

/** All that sshd runs must lie where root alone can write, which a temporary folder is not. */
async function makeForges(endings: Endings): Promise<Forges> {
  const dir = await mkdtemp("/run/land-sshd-");
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
  const asGit = (file: string, args: readonly string[]) =>
    output("setpriv", [`--reuid=${user}`, `--regid=${user}`, "--clear-groups", file, ...args], {
      ...{ env, cwd: at("app") },
    });
  for (const folder of ["served", "state", "app", "tool"]) {
    await mkdir(at(folder));
    await output("chown", [`${user}:`, at(folder)], { env: system });
  }
  await asGit("git", ["init", "-q", "--initial-branch=main"]);
  await asGit("sh", ["-c", `mkdir ci && cat >ci/forge-lanes.toml <<'END'\n${manifest}END`]);
  await asGit("git", ["add", "."]);
  await asGit("git", ["commit", "-qm", "Begin"]);
  const initForge = async (name: string): Promise<string> => {
    const land = (...args: string[]) => asGit(at("land"), [...args, "-C", at(name)]);
    const ready = JSON.parse(await land("init", "--json"));
    endings.push(() => land("stop"));
    return String(ready.state_dir);
  };
  const stateDir = await initForge("app");
  await asGit("git", ["init", "-q", "--initial-branch=main", at("tool")]);
  await asGit("git", ["-C", at("tool"), "commit", "-q", "--allow-empty", "-m", "Begin"]);
  return { dir, stateDir, otherStateDir: await initForge("tool") };
}

/** sshd with the shipped settings, and a member's folder with one good key among junk. */
async function serveSsh(
  { dir, stateDir, otherStateDir }: Forges,
  endings: Endings,
): Promise<Omit<SshServer, "close">> {
  const at = (name: string) => join(dir, name);
  const ben = newKey();
  const members = at("members");
  await mkdir(members);
  await mkdir(at("member"), { mode: 0o700 });
  const key = at("member/key");
  for (const file of [key, at("hostkey"), at("member/stranger"), at("member/ben")]) {
    await output("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file], { env: system });
  }
  const owner = JSON.parse(await readFile(join(stateDir, "forge.json"), "utf8")).ownerNpub;
  const publicKey = await readFile(`${key}.pub`, "utf8");
  await writeFile(
    join(members, "ann.keys"),
    `# npub: ${owner}\r\nthis is junk\nssh-ed25519 AAAAjunk\ncommand="id" ${publicKey}${publicKey}`,
  );
  const bens = await readFile(at("member/ben.pub"), "utf8");
  await writeFile(join(members, "ben.keys"), `# npub: ${ben.npub}\n${bens}`);
  // None of these is a file of keys, and none may hold up or end those that are.
  await output("mkfifo", [join(members, "pipe.keys")], { env: system });
  await mkdir(join(members, "folder.keys"));
  await symlink("/dev/zero", join(members, "zero.keys"));
  const port = await freePort();
  const settings = shipped("sshd/50-forge-landing-kit.conf", {
    "Match User git": `Match User ${user}`,
    "AuthorizedKeysCommandUser git": `AuthorizedKeysCommandUser ${user}`,
    "/usr/bin/land": at("land"),
    "--state /var/lib/forge-landing-kit/FORGE": `--state ${stateDir} --state ${otherStateDir}`,
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
  const ssh = [
    ...["-F", "none", "-p", String(port), "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"],
    ...["-o", `UserKnownHostsFile=${at("member/known")}`, "-o", "StrictHostKeyChecking=yes"],
  ];
  const address = `ssh://${user}@127.0.0.1:${port}/app.git`;
  const member = {
    PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ""}`,
    HOME: at("member"),
    XDG_STATE_HOME: at("member/state"),
    XDG_CACHE_HOME: at("member/cache"),
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_SSH_COMMAND: ["ssh", ...ssh, "-i", key].join(" "),
    ...{ GIT_AUTHOR_NAME: "Ann", GIT_AUTHOR_EMAIL: "ann@example.org" },
    ...{ GIT_COMMITTER_NAME: "Ann", GIT_COMMITTER_EMAIL: "ann@example.org" },
  };
  return { user, dir, stateDir, address, ssh, member, owner, ben };
}
