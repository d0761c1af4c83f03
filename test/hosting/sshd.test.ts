import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { absence, freePort, output, runs } from "../support/hosting.ts";
import { signLogin, type TestKey } from "../support/login.ts";
import { type SshServer, sshd, startSshServer } from "../support/ssh-server.ts";

const why = absence(sshd, true);

let server: SshServer;
let user: string;
let dir: string;
let stateDir: string;
let address: string;
let ssh: readonly string[];
let member: Readonly<Record<string, string>>;
let owner: string;
let ben: TestKey;

describe.skipIf(why !== undefined)(
  `a forge behind sshd${why === undefined ? "" : ` (${why})`}`,
  () => {
    beforeAll(async () => {
      server = await startSshServer();
      ({ user, dir, stateDir, address, ssh, member, owner, ben } = server);
    });
    afterAll(() => server?.close());

    /** The member's own work tree, where the owner is logged in. */
    const land = (...args: string[]) =>
      output(join(dir, "land"), args, { env: member, cwd: join(dir, "member", "work") });

    /** The owner's wish, as it goes to the forge, that ben is let in or taken out. */
    async function wishFor(active: boolean) {
      const { port } = JSON.parse(await readFile(join(stateDir, "process.json"), "utf8"));
      const origin = `http://127.0.0.1:${port}/git`;
      ownersToken ??= await logIn(origin);
      return {
        url: `${origin}/api/admin/keys`,
        headers: [`Authorization: Bearer ${ownersToken}`, "Content-Type: application/json"],
        body: JSON.stringify({ npub: ben.npub, name: "ben", kind: "member", active }),
      };
    }

    async function logIn(origin: string): Promise<string> {
      const post = async (path: string, body: object): Promise<Record<string, string>> => {
        const how = { method: "POST", body: JSON.stringify(body), ...asJson };
        return JSON.parse(await (await fetch(origin + path, how)).text());
      };
      const { challenge = "" } = await post("/auth/challenge", {});
      const nsec = (await readFile(join(stateDir, "keys", "owner.nsec"), "utf8")).trim();
      const event = signLogin(nsec, { challenge, url: `${origin}/auth/verify` });
      return (await post("/auth/verify", { event })).token ?? "";
    }
    const asJson = { headers: { "Content-Type": "application/json" } };
    let ownersToken: string | undefined;

    async function change(active: boolean): Promise<void> {
      const { url, headers, body } = await wishFor(active);
      const words = headers.flatMap((header) => ["-H", header]);
      await output("curl", ["-fsS", ...words, "-d", body, url], { env: member });
    }

    /** Pushes a new branch with one commit on the target, from a clone of its own. */
    async function pushNew(name: string, key: string, settings: readonly string[] = []) {
      const env = { ...member, GIT_SSH_COMMAND: ["ssh", ...ssh, "-i", at(key)].join(" ") };
      const clone = join(dir, "member", `clone-${name}`);
      await output("git", ["clone", "-q", address, clone], { env });
      const git = (...args: string[]) => output("git", ["-C", clone, ...args], { env });
      await git("switch", "-qc", name);
      await writeFile(join(clone, `${name}.txt`), "new\n");
      await git("add", ".");
      await git("commit", "-qm", `Add ${name}`);
      await git(...settings, "push", "-q", "origin", name);
    }
    const at = (key: string) => join(dir, "member", key);

    const sshTo = (options: readonly string[], words: readonly string[], key = "key") => [
      ...[...ssh, "-i", at(key), ...options, `${user}@127.0.0.1`],
      ...words,
    ];

    /** An agent of its own, which a server could use if it were forwarded. */
    async function startAgent(): Promise<{ socket: string; stop(): Promise<unknown> }> {
      const said = await output("ssh-agent", ["-s"], { env: member });
      const [, socket = ""] = /SSH_AUTH_SOCK=([^;]+)/.exec(said) ?? [];
      const [, pid = ""] = /SSH_AGENT_PID=(\d+)/.exec(said) ?? [];
      const env = { ...member, SSH_AUTH_SOCK: socket, SSH_AGENT_PID: pid };
      return { socket, stop: () => output("ssh-agent", ["-k"], { env }) };
    }

    const overSsh = (words: readonly string[], key = "key") =>
      runs("ssh", sshTo([], words, key), { env: member });

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
      const target = { by: owner, subject: "refs/heads/main", result: "refused" };
      expect(entries).toContainEqual(expect.objectContaining({ action: "push", ...target }));
    });

    it("shows who pushed to whoever looks at the branch", async () => {
      await pushNew("shown", "key");
      const work = join(dir, "member", "work");
      await output("git", ["-C", work, "fetch", "-q"], { env: member });
      // The forge reads who pushed with the ref; `land ci` waits for that.
      const waited = await land("wait", "shown", "--json");
      expect(JSON.parse(waited)).toMatchObject({ state: "green" });
      expect(JSON.parse(await land("status", "shown", "--json"))).toMatchObject({
        pushed_by: "owner",
      });
      expect(await land("status", "shown")).toContain("· pushed by owner");
    });

    it("serves each repository of this address by its name", async () => {
      const heads = (path: string) =>
        runs("git", ["ls-remote", address.replace("app.git", path), "refs/heads/main"], {
          env: member,
        });
      expect((await heads("app.git")).out).not.toBe("");
      // The owner of the one is not active at the other.
      const other = await heads("tool.git");
      expect(other.code).not.toBe(0);
      expect(other.err).toContain("There is no such repository here, only app.git");
      expect((await heads("../tool.git")).code).not.toBe(0);
    });

    it("lets a member in and out with the owner's word, sessions that are open included", async () => {
      const connect = () => overSsh(["git-upload-pack 'app.git'"], "ben");
      expect((await connect()).err).toContain("Permission denied");
      await change(true);
      await pushNew("bens", "ben");

      // The client asks its own hook after it is connected and before it sends anything.
      const hook = join(dir, "member", "hooks", "pre-push");
      await mkdir(dirname(hook));
      const { url, headers, body } = await wishFor(false);
      const words = headers.map((header) => `-H '${header}'`).join(" ");
      await writeFile(hook, `#!/bin/sh\nexec curl -fsS ${words} -d '${body}' ${url}\n`);
      await chmod(hook, 0o755);
      const cut = await pushNew("late", "ben", ["-c", `core.hooksPath=${dirname(hook)}`]).catch(
        String,
      );
      expect(cut).toContain("Your key is not active at this forge any more");
      expect((await connect()).err).toContain("Permission denied");
      const seen = await output("git", ["ls-remote", address], { env: member });
      expect(seen).toContain("refs/heads/bens");
      expect(seen).not.toContain("refs/heads/late");
    });

    it("serves no new session of a connection that was open before", async () => {
      await change(true);
      const socket = join(dir, "member", "socket");
      const at = ["-o", `ControlPath=${socket}`, `${user}@127.0.0.1`];
      await output("ssh", [...ssh, "-i", join(dir, "member", "ben"), "-fNM", ...at], {
        env: member,
      });
      try {
        await change(false);
        const { code, err } = await runs("ssh", [...ssh, ...at, "git-receive-pack 'app.git'"], {
          env: member,
        });
        expect(code).not.toBe(0);
        expect(err).toContain("Your key is not active at this forge");
      } finally {
        await runs("ssh", [...ssh, "-O", "exit", ...at], { env: member });
      }
    });

    it("gives no shell, whatever is asked for", async () => {
      const wishes = [
        [],
        ["sh"],
        ["sh", "-c", "id"],
        ["git-upload-pack '/etc'"],
        ["git-upload-pack '../tool.git'"],
        ["git-upload-pack 'app.git/../../tool/repository.git'"],
        ["git-upload-pack --upload-pack=id 'app.git'"],
        ["git-upload-pack 'app.git'; id"],
        ["git-upload-pack 'app.git' $(id)"],
        ["git-upload-archive 'app.git'"],
        ["git-shell"],
        ["scp -t /tmp/x"],
        ["land", "doctor"],
        ["land git-shell --state / --npub x"],
      ];
      // sshd drops some of many connections that come at once.
      const some = (from: number) => wishes.slice(from, from + 5).map((words) => overSsh(words));
      const answers: Awaited<ReturnType<typeof overSsh>>[] = [];
      while (answers.length < wishes.length) {
        answers.push(...(await Promise.all(some(answers.length))));
      }
      const none = /no shell here|Only git's clone|no such repository/;
      for (const [at, { code, out, err }] of answers.entries()) {
        expect([wishes[at], code === 0, out, none.test(err)]).toEqual([
          wishes[at],
          false,
          "",
          true,
        ]);
      }
      const terminal = await runs("ssh", sshTo(["-tt"], []), { env: member });
      expect(terminal.err).toContain("PTY allocation request failed");
      expect(terminal.code).not.toBe(0);
    });

    it.each(["scp", "sftp"])("copies no files: %s", async (program) => {
      const from = join(dir, "member", "known");
      const options = [
        ...ssh.map((word) => (word === "-p" ? "-P" : word)),
        ...["-i", join(dir, "member", "key")],
      ];
      const there = `${user}@127.0.0.1:`;
      const args = program === "scp" ? [from, `${there}x`] : [there];
      const { code } = await runs(program, [...options, ...args], { env: member, input: "ls\n" });
      expect(code).not.toBe(0);
      expect(existsSync(join(dir, "home", "x"))).toBe(false);
    });

    it("forwards nothing: no port either way, no socket, no agent", async () => {
      const fails = ["-o", "ExitOnForwardFailure=yes"];
      const far = await runs(
        "ssh",
        sshTo([...fails, "-N", "-R", `${await freePort()}:127.0.0.1:1`], []),
        {
          env: member,
        },
      );
      expect([far.code, far.err]).toEqual([255, expect.stringContaining("forwarding failed")]);
      const { port } = JSON.parse(await readFile(join(stateDir, "process.json"), "utf8"));
      const near = await runs("ssh", sshTo(["-W", `127.0.0.1:${port}`], []), {
        ...{ env: member, input: "GET /git/api/forge/about HTTP/1.0\r\n\r\n" },
      });
      expect([near.out, near.err]).toEqual(["", expect.stringContaining("prohibited")]);
      const socket = join(dir, "member", "forwarded");
      const unix = await runs("ssh", sshTo([...fails, "-N", "-R", `${socket}:127.0.0.1:1`], []), {
        env: member,
      });
      expect(unix.code).toBe(255);
      expect(existsSync(socket)).toBe(false);
      const agent = await startAgent();
      try {
        const asked = await runs("ssh", sshTo(["-v", "-A"], ["git-upload-pack 'none.git'"]), {
          env: { ...member, SSH_AUTH_SOCK: agent.socket },
        });
        // The client asks, and the server opens no channel to it.
        expect(asked.err).toContain("Requesting authentication agent forwarding");
        expect(asked.err).not.toContain("client_request_agent");
      } finally {
        await agent.stop();
      }
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
      expect(told.err.trim().split("\n").sort()).toEqual([
        expect.stringMatching(/^ann\.keys:2: /),
        expect.stringMatching(/^ann\.keys:3: /),
        expect.stringMatching(/^ann\.keys:4: options/),
        expect.stringMatching(/^ben\.keys: .*not active/),
        expect.stringMatching(/^folder\.keys: it is no file/),
        expect.stringMatching(/^pipe\.keys: it is no file/),
        expect.stringMatching(/^zero\.keys: it is no file/),
      ]);
      expect(told.out.split("\n")).toHaveLength(1);
    });
  },
);
