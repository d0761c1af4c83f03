import { chmod, chown, mkdir, mkdtemp, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { absence, output, runs, shipped } from "../support/hosting.ts";

const tmpfiles = "/usr/bin/systemd-tmpfiles";
const why = absence(tmpfiles, true);
const env = { PATH: process.env.PATH ?? "" };
const uid = 987;

describe.skipIf(why !== undefined)(
  `the shipped system files${why === undefined ? "" : ` (${why})`}`,
  () => {
    let dir: string;
    const at = (path: string) => join(dir, path);
    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), "land-system-"));
      await chmod(dir, 0o755);
      for (const folder of ["etc/sysusers.d", "etc/tmpfiles.d", "usr/bin", "var/lib"]) {
        await mkdir(at(folder), { recursive: true });
      }
      for (const kind of ["sysusers.d", "tmpfiles.d"]) {
        const text = shipped(`${kind}/forge-landing-kit.conf`, {});
        await writeFile(at(`etc/${kind}/forge-landing-kit.conf`), text);
      }
      await writeFile(
        at("etc/passwd"),
        `root:x:0:0::/root:/bin/sh\ngit:x:${uid}:${uid}::/:/bin/sh\n`,
      );
      await writeFile(at("etc/group"), `root:x:0:\ngit:x:${uid}:\n`);
    });
    afterAll(() => rm(dir, { recursive: true, force: true }));

    const boot = () =>
      runs(tmpfiles, [`--root=${dir}`, "--create", "forge-landing-kit.conf"], { env });

    it("put ownership and modes right again at boot", async () => {
      const forge = "var/lib/forge-landing-kit/app-1a2b3c4d";
      await mkdir(at(`${forge}/keys`), { recursive: true });
      await mkdir(at(`${forge}/repository.git/objects`), { recursive: true });
      for (const file of ["forge.json", "forge.db", "forge.db-wal", "keys/owner.nsec"]) {
        await writeFile(at(`${forge}/${file}`), "");
        await chmod(at(`${forge}/${file}`), 0o666);
      }
      await chmod(at(forge), 0o777);
      await mkdir(at("etc/forge-landing-kit/members"), { recursive: true });
      await writeFile(at("etc/forge-landing-kit/members/ann.keys"), "");
      await chown(at("etc/forge-landing-kit/members/ann.keys"), uid, uid);
      const { code, err } = await boot();
      expect({ code, err }).toEqual({ code: 0, err: "" });

      const seen = async (path: string) => {
        const { mode, uid: owner } = await stat(at(path));
        return [owner, (mode & 0o7777).toString(8)];
      };
      expect(await seen("var/lib/forge-landing-kit")).toEqual([uid, "700"]);
      expect(await seen(forge)).toEqual([uid, "700"]);
      for (const file of ["forge.json", "forge.db", "forge.db-wal", "keys/owner.nsec"]) {
        expect([file, ...(await seen(`${forge}/${file}`))]).toEqual([file, uid, "600"]);
      }
      expect((await seen(`${forge}/repository.git/objects`))[0]).toBe(uid);
      expect((await seen("etc/forge-landing-kit/members/ann.keys"))[0]).toBe(0);
      expect(await seen("var/lib/forge-git")).toEqual([0, "755"]);
      const command = "var/lib/forge-git/git-shell-commands/land";
      expect(await readlink(at(command))).toBe("/usr/bin/land");
      expect((await boot()).code).toBe(0);
    });

    it("make the user git with git-shell", async () => {
      await writeFile(at("etc/passwd"), "root:x:0:0::/root:/bin/sh\n");
      await writeFile(at("etc/group"), "root:x:0:\n");
      await output("systemd-sysusers", [`--root=${dir}`, "forge-landing-kit.conf"], { env });
      const made = await output("grep", ["^git:", at("etc/passwd")], { env });
      expect(made).toMatch(/:\/var\/lib\/forge-git:\/usr\/bin\/git-shell$/);
    });

    it("are a unit that systemd takes, with nothing unknown", async () => {
      const unit = at("forge-landing-kit@.service");
      await writeFile(
        unit,
        shipped("systemd/forge-landing-kit@.service", { "/usr/bin/land": "/bin/sh" }),
      );
      const instance = at("forge-landing-kit@app.service");
      await writeFile(
        instance,
        shipped("systemd/forge-landing-kit@.service", { "/usr/bin/land": "/bin/sh" }),
      );
      const { code, err } = await runs("systemd-analyze", ["verify", "--man=no", instance], {
        env,
      });
      expect({ code, err }).toEqual({ code: 0, err: "" });
    });
  },
);
