import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { gitTestEnvironment } from "../support/git-environment.ts";
import { absence, freePort, output, startDaemon } from "../support/hosting.ts";
import { type MirroredForge, startMirrored } from "../support/mirror.ts";

const sshd = "/usr/sbin/sshd";
const why = absence(sshd, true);

describe.skipIf(why !== undefined)(
  `a mirror behind sshd${why === undefined ? "" : ` (${why})`}`,
  () => {
    let dir: string;
    let port: number;
    const ends: (() => Promise<unknown>)[] = [];
    let mirrored: MirroredForge;

    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), "mirror-ssh-"));
      const system = { PATH: process.env.PATH ?? "" };
      for (const name of ["host", "key", "stranger"]) {
        const args = ["-q", "-t", "ed25519", "-N", "", "-f", join(dir, name)];
        await output("ssh-keygen", args, { env: system });
      }
      port = await freePort();
      const hostKey = (await readFile(join(dir, "host.pub"), "utf8")).trim();
      await writeFile(join(dir, "known"), `[127.0.0.1]:${port} ${hostKey}\n`);
      await writeFile(
        join(dir, "sshd_config"),
        [
          ...[`ListenAddress 127.0.0.1`, `Port ${port}`, `HostKey ${join(dir, "host")}`],
          ...["PidFile none", "UsePAM no", "StrictModes no", "PermitRootLogin yes"],
          ...[`AuthorizedKeysFile ${join(dir, "key.pub")}`, "PasswordAuthentication yes", ""],
        ].join("\n"),
      );
      if (!existsSync("/run/sshd")) await mkdir("/run/sshd", { mode: 0o755 });
      const how = { env: system, ready: /Server listening on/ };
      const daemon = await startDaemon(sshd, ["-D", "-e", "-f", join(dir, "sshd_config")], how);
      ends.push(() => daemon.stop());
    });
    afterEach(() => mirrored?.close());
    afterAll(async () => {
      for (const end of ends.reverse()) await end();
      await rm(dir, { recursive: true, force: true });
    });

    /** With ssh as its user may have set it up: nothing in it says that nobody can be asked. */
    async function overSsh(key: string, known: string, timeoutSeconds = 30): Promise<void> {
      const ssh = [
        ...["ssh", "-F", "none", "-o", "IdentitiesOnly=yes", "-i", join(dir, key)],
        ...["-o", `UserKnownHostsFile=${join(dir, known)}`, "-o", "StrictHostKeyChecking=ask"],
      ].join(" ");
      const env = { ...gitTestEnvironment(dir), GIT_SSH_COMMAND: ssh };
      mirrored = await startMirrored({ timeoutSeconds }, { config: { env } });
      mirrored.set({ url: `ssh://root@127.0.0.1:${port}${mirrored.bare}` });
    }

    async function failsAs(kind: string, words: RegExp): Promise<void> {
      const begun = performance.now();
      expect((await mirrored.sync()).json).toMatchObject({ status: "failed" });
      expect(performance.now() - begun).toBeLessThan(15_000);
      expect((await mirrored.status()).mirror_status.last_attempt).toMatchObject({
        failure_kind: kind,
        error_text: expect.stringMatching(words),
      });
      expect(await mirrored.leftovers()).toEqual([]);
    }

    it("is pushed to", async () => {
      await overSsh("key", "known");
      const head = await mirrored.forge.push("feature", { a: "1\n" });
      const { json } = await mirrored.sync();
      expect(json).toMatchObject({ status: "success", lagging_ref_count: 0 });
      expect((await mirrored.refs())["refs/heads/feature"]).toBe(head);
      expect(await mirrored.leftovers()).toEqual([]);
    });

    it("fails at once where ssh asks whether it knows the host", async () => {
      await overSsh("key", "nobody-known");
      await failsAs("auth", /Host key verification failed/);
    });

    it("fails at once where ssh asks for a password", async () => {
      await overSsh("stranger", "known");
      await failsAs("auth", /Permission denied/);
    });

    it("is given up where its hook hangs in the middle of a push", async () => {
      await overSsh("key", "known", 3);
      await mirrored.forge.push("feature", { a: "1\n" });
      const hook = join(mirrored.bare, "hooks", "pre-receive");
      const pid = join(dir, "hook.pid");
      await mkdir(join(mirrored.bare, "hooks"), { recursive: true });
      await writeFile(hook, `#!/bin/sh\necho $$ >${pid}\nexec sleep 600\n`);
      await chmod(hook, 0o755);
      // On a slow machine the time may be up before it gets there.
      for (let seconds = 3; !existsSync(pid) && seconds < 100; seconds *= 2) {
        mirrored.set({ timeoutSeconds: seconds });
        await failsAs("timeout", /did not end in time/);
      }
      // The mirror's own process, on the mirror's machine, is not ours to end.
      process.kill(Number(readFileSync(pid, "utf8")), "SIGKILL");
      await rm(hook);
      mirrored.set({ timeoutSeconds: 30 });
      const { json } = await mirrored.sync();
      expect([json, (await mirrored.status()).mirror_status]).toMatchObject([
        { status: "success" },
        { current_failure_kind: null },
      ]);
    });
  },
);
