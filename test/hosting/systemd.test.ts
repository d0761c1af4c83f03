import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { manifestOf } from "../support/cli.ts";
import { shipped } from "../support/hosting.ts";
import { bootMachine, type Machine, noMachine } from "../support/machine.ts";

const why = noMachine();
const state = "/var/lib/forge-landing-kit";
const members = "/etc/forge-landing-kit/members";

/** As `docs/hosting.md` says it: the user git, with its state and its home. */
const git = [
  ...["setpriv", "--reuid=git", "--regid=git", "--clear-groups"],
  ...["env", "-i", "PATH=/usr/bin:/bin", "XDG_STATE_HOME=/var/lib", "HOME=/var/lib/forge-git"],
  ...["GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.org"],
  ...["GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.org"],
] as const;

/** What the forge's lane finds: it may write neither the system nor the forge's state. */
const lane = `id -un; touch /etc/x ${state}/x; ls ${state}; test ! -e broken`;

let machine: Machine;
/** The folders that `land init` named, by repository. */
const folders = new Map<string, string>();
const ports = { app: 8788, tool: 8789 };

const folderOf = (name: string) => folders.get(name) ?? "";
const unitOf = (name: string) => `forge-landing-kit@${folderOf(name)}`;
const sh = (script: string) => machine.output("sh", "-ec", script);
const asGit = (script: string) => machine.output("env", ...git, "sh", "-ec", script);

/** The forge's answer through its canonical name, once it answers at all. */
const about = (name: keyof typeof ports) =>
  machine.output(
    ...(["curl", "-sS", "--fail", "--retry", "40", "--retry-connrefused"] as const),
    ...["--retry-delay", "1", "--max-time", "30", "-H", `Host: ${name}.example.org`],
    `http://127.0.0.1:${ports[name]}/git/api/forge/about`,
  );

async function makeForge(name: keyof typeof ports): Promise<void> {
  const work = `/srv/${name}`;
  await sh(`mkdir -p ${work} && chown git: ${work}`);
  const manifest = manifestOf({ check: ["sh", "-c", lane] });
  await asGit(
    `cd ${work}; git init -q --initial-branch=main; mkdir ci
cat >ci/forge-lanes.toml <<'END'
${manifest}END
git add .; git commit -qm Begin`,
  );
  const made = JSON.parse(await asGit(`cd ${work}; land init --json`));
  await asGit(`cd ${work}; land stop`);
  const folder = String(made.state_dir).split("/").at(-1) ?? "";
  expect(made.state_dir).toBe(`${state}/${folder}`);
  folders.set(name, folder);
  const file = `${state}/${folder}/forge.json`;
  const settings = JSON.parse(await sh(`cat ${file}`));
  const changed = { ...settings, port: ports[name], canonicalUrl: `https://${name}.example.org` };
  await asGit(`cat >${file} <<'END'\n${JSON.stringify(changed)}\nEND`);
}

const mainPid = (name: string) =>
  machine.output("systemctl", "show", "-P", "MainPID", unitOf(name));

describe.skipIf(why !== undefined)(
  `a machine with the shipped unit${why === undefined ? "" : ` (${why})`}`,
  () => {
    beforeAll(async () => {
      machine = await bootMachine();
      await sh("systemd-sysusers && systemd-tmpfiles --create forge-landing-kit.conf");
      await makeForge("app");
      await makeForge("tool");
      for (const name of ["app", "tool"]) {
        await machine.output("systemctl", "enable", "--now", unitOf(name));
      }
    });
    afterAll(() => machine?.remove());

    it("serves two forges, each a process of its own under its own name", async () => {
      const app = JSON.parse(await about("app"));
      const tool = JSON.parse(await about("tool"));
      expect(app.instance).not.toBe(tool.instance);
      for (const name of ["app", "tool"]) {
        expect(await machine.output("systemctl", "is-active", unitOf(name))).toBe("active");
      }
    });

    it("runs as git without rights, and may write its own state alone", async () => {
      await about("app");
      const pid = await mainPid("app");
      const status = await sh(`cat /proc/${pid}/status`);
      const uid = await sh("id -u git");
      expect(status).toMatch(new RegExp(`^Uid:\\s+${uid}\\s+${uid}\\s`, "m"));
      expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
      expect(status).toMatch(/^CapBnd:\s+0+$/m);
      expect(status).toMatch(/^Umask:\s+0022$/m);
      const touch = (file: string) =>
        machine.run("nsenter", "--target", pid, "--mount", "touch", file);
      for (const file of ["/etc/x", "/var/lib/x", `${state}/${folderOf("tool")}/x`, "/srv/app/x"]) {
        expect((await touch(file)).err).toContain("Read-only file system");
      }
      expect((await touch(`${state}/${folderOf("app")}/x`)).err).toBe("");
    });

    it("lands a branch whose lane ran in the sandbox", async () => {
      await about("app");
      const landed = await asGit(
        `cd /srv/app; git switch -qc feature; echo new >new.txt; git add .; git commit -qm Add
land --json`,
      );
      expect(JSON.parse(landed)).toMatchObject({ state: "landed" });
      const log = await asGit("cd /srv/app; land logs feature --lane check");
      expect(log).toContain("/etc/x");
      expect(log).not.toContain(folderOf("tool"));
      const status = JSON.parse(await asGit("cd /srv/app; land doctor --json || true"));
      expect(JSON.stringify(status)).toContain("bwrap");
    });

    it("misses no owner's key that was moved away, and makes no other owner", async () => {
      await about("app");
      const keys = `${state}/${folderOf("app")}/keys`;
      await sh(`mv ${keys}/owner.nsec /srv/owner.nsec`);
      const doctor = await asGit("cd /srv/app; land init >&2; land doctor");
      expect(doctor).toContain("Everything that landing needs is here");
      expect(await sh(`ls ${keys}`)).toBe("agent.nsec");
      await sh(`mv /srv/owner.nsec ${keys}/owner.nsec`);
    });

    it("is back after it was killed, and leaves nothing behind when it is stopped", async () => {
      const before = JSON.parse(await about("tool"));
      await machine.output("systemctl", "kill", "-s", "KILL", unitOf("tool"));
      // Until it is down another answer may come from the one that is being killed.
      await sh(`journalctl -f -n all -u ${unitOf("tool")} | grep -q 'Scheduled restart job'`);
      const after = await about("tool");
      expect(JSON.parse(after).instance).not.toBe(before.instance);
      await machine.output("systemctl", "stop", unitOf("tool"));
      expect(await sh(`systemctl show -P Result ${unitOf("tool")}`)).toBe("success");
      expect((await machine.run("pgrep", "-f", folderOf("tool"))).out).toBe("");
      // A copy of its folder serves in its place.
      const copy = `${state}/copy-of-tool`;
      await sh(`cp -a ${state}/${folderOf("tool")} ${copy}`);
      await machine.output("systemctl", "start", "forge-landing-kit@copy-of-tool");
      expect(JSON.parse(await about("tool"))).toHaveProperty("instance");
      expect(await sh(`git --git-dir=${copy}/repository.git config core.hooksPath`)).toBe(
        `${copy}/hooks`,
      );
    });

    it("takes a member's clone and push under the system's own sshd", async () => {
      const { ownerNpub } = JSON.parse(await sh(`cat ${state}/${folderOf("app")}/forge.json`));
      const settings = shipped("sshd/50-forge-landing-kit.conf", {
        "/FORGE": `/${folderOf("app")}`,
      });
      await sh(`cat >/etc/ssh/sshd_config.d/50-forge-landing-kit.conf <<'END'
${settings}END
ssh-keygen -A >/dev/null; ssh-keygen -q -t ed25519 -N '' -f /srv/member-key
{ echo '# npub: ${ownerNpub}'; cat /srv/member-key.pub; } >${members}/ada.keys
mkdir -p /run/sshd; sshd -t; systemctl start ssh`);
      const ssh =
        "ssh -F none -i /srv/member-key -o BatchMode=yes -o StrictHostKeyChecking=accept-new";
      await sh(`export GIT_SSH_COMMAND='${ssh} -o UserKnownHostsFile=/srv/member-known'
export GIT_AUTHOR_NAME=Ada GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=Ada
export GIT_COMMITTER_EMAIL=a@example.org
git clone -q git@127.0.0.1:app.git /srv/member-app; cd /srv/member-app
git switch -qc pushed; git commit -q --allow-empty -m Push; git push -q origin pushed`);
      const waited = await asGit("cd /srv/app; land wait pushed --json");
      expect(JSON.parse(waited)).toMatchObject({ state: "green" });
      expect(await asGit("cd /srv/app; land status pushed")).toContain("pushed by owner");
    });

    it("makes no folder for a forge that is none, and says which", async () => {
      const { code, err } = await machine.run("systemctl", "start", "forge-landing-kit@slip");
      expect(code).not.toBe(0);
      expect(err).toContain("Assertion failed");
      expect((await machine.run("stat", `${state}/slip`)).code).not.toBe(0);
    });

    it("after a reboot has its modes again, and serves by itself", async () => {
      const at = `${state}/${folderOf("app")}`;
      await sh(`cat >${members}/ann.keys </dev/null; chown git ${members}/ann.keys`);
      await sh(`chmod 777 ${state} ${at} ${at}/keys; chmod 666 ${at}/forge.json ${at}/keys/*.nsec`);
      await sh(`chown -R root: ${at}/repository.git; chmod 777 /var/lib/forge-git`);
      await machine.reboot();
      const seen = (file: string) => machine.output("stat", "-c", "%U %a", file);
      expect(await seen(state)).toBe("git 700");
      expect(await seen(at)).toBe("git 700");
      expect(await seen(`${at}/keys`)).toBe("git 700");
      expect(await seen(`${at}/keys/owner.nsec`)).toBe("git 600");
      expect(await seen(`${at}/forge.json`)).toBe("git 600");
      expect(await seen(`${at}/repository.git/HEAD`)).toMatch(/^git /);
      expect(await seen("/var/lib/forge-git")).toBe("root 755");
      expect(await seen(`${members}/ann.keys`)).toMatch(/^root /);
      expect(JSON.parse(await about("app"))).toHaveProperty("instance");
    });
  },
);
