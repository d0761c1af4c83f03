import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { probeIsolation } from "../../../src/server/ci/sandbox.ts";
import { CiBench, isAlive, laneOf, shellLane, usualSettings } from "../../support/ci.ts";

const isThere = probeIsolation({ PATH: process.env.PATH }) === "bwrap";
const missing = isThere ? "" : " (skipped: bubblewrap is missing here)";

/** Processes with exactly that command line. */
function pidsOf(command: readonly string[]): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8") === `${command.join("\0")}\0`;
    } catch {
      return false;
    }
  });
}

describe.runIf(isThere)(`a lane under bubblewrap${missing}`, () => {
  let bench: CiBench;
  let head: string;

  beforeAll(async () => {
    bench = await CiBench.make();
    head = await bench.commit({
      "file.txt": "content\n",
      "check.sh": '#!/bin/sh\necho "$@"; pwd\n',
    });
    await mkdir(bench.config.hooksDir, { recursive: true });
    await writeFile(join(bench.dir, "keys", "owner.nsec"), "THE KEY\n");
    bench.start({ isolation: "probe" });
  });
  afterAll(() => bench.dispose());

  it("runs from the workspace's root and says so", async () => {
    expect(bench.ci.isolation).toBe("bwrap");
    const command = ["./check.sh", "an argument", "--with", "$dashes"];
    const lane = await bench.runLane(head, laneOf({ lane: "check", command }));
    expect(lane).toMatchObject({ status: "success", isolation: "bwrap" });
    expect(lane.log).toMatch(/^an argument --with \$dashes\n.*\/workspaces\/w1\/tree\n$/);
  });

  it("reads neither keys nor store nor repository, and moves no ref", async () => {
    const { config } = bench;
    const script = `
      exec 2> /dev/null
      cat ${bench.dir}/keys/owner.nsec; cat ${config.storeFile}; ls ${config.stateDir}
      ls ${config.repositoryDir}; ls ${config.logsDir}
      git --git-dir=${config.repositoryDir} update-ref refs/heads/main ${head}
      echo planted > ${config.hooksDir}/update; echo broken > ${config.repositoryDir}/objects/x
      touch /etc/planted $HOME/../../planted
      echo ---
      ls /proc | grep -c '^[0-9]'
      exit 0`;
    const before = await bench.bare.text(["for-each-ref"]);
    const lane = await bench.runLane(head, shellLane(script));
    expect(lane).toMatchObject({ status: "success" });
    expect(lane.log).not.toContain("THE KEY");
    const [seen = "", processes] = lane.log.split("---\n");
    expect(seen).toBe("cache\nrepository.git\nworkspaces\nobjects\n");
    expect(Number(processes)).toBeLessThan(10);
    expect(await bench.bare.text(["for-each-ref"])).toBe(before);
    const left = execFileSync("find", [bench.dir, "-name", "planted", "-o", "-name", "x"]);
    expect(left.toString()).toBe("");
    expect(existsSync("/etc/planted")).toBe(false);
    expect(execFileSync("ls", [config.hooksDir]).toString()).toBe("");
  });

  it("writes to its workspace, its cache, its own repository and a /tmp of its own", async () => {
    const script = `
      set -e
      touch /tmp/here /var/tmp/here new-file "$HOME/here" /dev/shm/here
      git add new-file; git -c user.name=a -c user.email=a@b commit -qm "The lane's own"
      git log --format=%s; echo "$TMPDIR"; ls /tmp/here`;
    const lane = await bench.runLane(head, shellLane(script));
    expect(lane).toMatchObject({ status: "success", note: null });
    expect(lane.log).toBe("The lane's own\nA change\n/tmp\n/tmp/here\n");
    const next = await bench.runLane(head, shellLane("git rev-parse HEAD; ls; ls /tmp/here"));
    expect(next.log).toContain(`${head}\ncheck.sh\nfile.txt\nls: cannot access`);
  });

  it("cannot have the forge run something by way of its repository's settings", async () => {
    const proof = join(bench.dir, "proof");
    const script = `
      git config core.fsmonitor "touch ${proof}"; git config core.hooksPath "$PWD/hooks"
      mkdir hooks; printf '#!/bin/sh\\ntouch ${proof}\\n' > hooks/post-checkout
      chmod +x hooks/post-checkout; ls ../git && exit 9; exit 0`;
    expect(await bench.runLane(head, shellLane(script))).toMatchObject({ status: "success" });
    expect(await bench.runLane(head, shellLane("true"))).toMatchObject({ status: "success" });
    expect(execFileSync("find", [bench.dir, "-name", "proof"]).toString()).toBe("");
  });

  it("leaves no process behind, not even one that hides", async () => {
    const script = "(env -i setsid sleep 4321 > /dev/null 2>&1 &); exit 0";
    expect(await bench.runLane(head, shellLane(script))).toMatchObject({ status: "success" });
    expect(pidsOf(["sleep", "4321"]).filter(isAlive)).toEqual([]);
  });

  it("tells exit codes, signals, time-outs and missing programs apart", async () => {
    expect(await bench.runLane(head, shellLane("exit 4"))).toMatchObject({ note: "exit code 4" });
    expect(await bench.runLane(head, shellLane("kill -SEGV $$"))).toMatchObject({
      failureKind: "test_failure",
      note: "killed by SIGSEGV (exit code 139)",
    });
    expect(await bench.runLane(head, laneOf({ lane: "none", command: ["nope"] }))).toMatchObject({
      failureKind: "infrastructure",
      note: 'program not found: "nope" is not in PATH',
    });
    const script = "trap 'echo tidied up; exit 0' TERM; while :; do sleep 0.05; done";
    const late = await bench.runLane(head, shellLane(script, { timeoutSeconds: 1 }));
    expect(late).toMatchObject({ failureKind: "timeout" });
    expect(late.log).toContain("tidied up");
  });

  it("finds programs that are installed below the /tmp that its own covers", async () => {
    const installation = await mkdtemp(join(tmpdir(), "land-programs-"));
    await mkdir(join(installation, "bin"));
    await mkdir(join(installation, "lib"));
    const script = `#!/bin/sh\ntouch ${installation}/bin/new 2> /dev/null; echo hello\n`;
    await writeFile(join(installation, "lib", "hello"), script, { mode: 0o755 });
    await symlink("../lib/hello", join(installation, "bin", "hello"));
    bench.settings = {
      ...usualSettings,
      laneEnv: { PATH: `${installation}/bin:${process.env.PATH}` },
    };
    try {
      const lane = await bench.runLane(head, shellLane("hello", { env: ["PATH"] }));
      expect(lane).toMatchObject({ status: "success", isolation: "bwrap", log: "hello\n" });
      expect(existsSync(join(installation, "bin", "new"))).toBe(false);
    } finally {
      bench.settings = usualSettings;
      await rm(installation, { recursive: true });
    }
  });

  it("may state its result as without a sandbox", async () => {
    const script = 'echo "infrastructure no device" > "$FORGE_LANE_RESULT"; exit 1';
    expect(await bench.runLane(head, shellLane(script))).toMatchObject({
      failureKind: "infrastructure",
      note: "no device",
    });
  });

  it("is let out by the owner alone", async () => {
    bench.settings = { ...usualSettings, unsandboxedLanes: ["trusted"] };
    writeFileSync(join(bench.dir, "seen"), "outside\n");
    const script = `cat ${bench.dir}/seen`;
    const inside = await bench.runLane(head, shellLane(script));
    const outside = await bench.runLane(head, shellLane(script, { lane: "trusted" }));
    bench.settings = usualSettings;
    expect(inside).toMatchObject({ status: "failed", isolation: "bwrap" });
    expect(outside).toMatchObject({ status: "success", isolation: "none", log: "outside\n" });
  });
});
