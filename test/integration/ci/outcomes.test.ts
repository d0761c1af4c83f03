import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CiBench, isAlive, laneOf, shellLane, usualSettings } from "../../support/ci.ts";

let bench: CiBench;
let head: string;

beforeAll(async () => {
  bench = await CiBench.make();
  head = await bench.commit({
    "file.txt": "content\n",
    "check.sh": '#!/bin/sh\necho "in $(pwd)"\ncat file.txt\n',
    "lost.sh": "#!/no/such/interpreter -x\n",
    "plain.txt": "not a program\n",
  });
  bench.start();
});
afterAll(() => bench.dispose());

describe("how a lane ends", () => {
  it("succeeds with exit code 0, run from the workspace's root", async () => {
    const lane = await bench.runLane(head, laneOf({ lane: "check", command: ["./check.sh"] }));
    expect(lane).toMatchObject({ status: "success", failureKind: null, note: null });
    expect(lane).toMatchObject({ isolation: "none", process: { pid: expect.any(Number) } });
    expect(lane.log).toContain("content\n");
    expect(lane.log).toContain(bench.config.workspacesDir);
  });

  it("keeps standard output and standard error in the order they were written", async () => {
    const script = "for i in 1 2 3 4 5; do echo out$i; echo err$i >&2; done";
    const lane = await bench.runLane(head, shellLane(script));
    const expected = [1, 2, 3, 4, 5].map((i) => `out${i}\nerr${i}\n`).join("");
    expect(lane.log).toBe(expected);
  });

  it("names the exit code of a failed test", async () => {
    const lane = await bench.runLane(head, shellLane("echo permission denied; exit 3"));
    expect(lane).toMatchObject({
      status: "failed",
      failureKind: "test_failure",
      note: "exit code 3",
    });
    expect(lane.log).toBe("permission denied\n[forge] exit code 3\n");
  });

  it("names the signal that killed it", async () => {
    const lane = await bench.runLane(head, shellLane("kill -SEGV $$"));
    expect(lane).toMatchObject({ failureKind: "test_failure", note: "killed by SIGSEGV" });
  });

  it("is stopped when its time is up, even if it ignores being asked", async () => {
    const script = "trap '' TERM; echo begun; while :; do sleep 100; done";
    const lane = await bench.runLane(head, shellLane(script, { timeoutSeconds: 1 }));
    expect(lane).toMatchObject({ failureKind: "timeout", note: "timed out after 1 s" });
    expect(lane.log).toBe("begun\n[forge] timed out after 1 s\n");
  });

  it("can end in order when its time is up", async () => {
    const script = "trap 'echo tidied up; exit 0' TERM; while :; do sleep 0.05; done";
    const lane = await bench.runLane(head, shellLane(script, { timeoutSeconds: 1 }));
    expect(lane).toMatchObject({ failureKind: "timeout" });
    expect(lane.log).toContain("tidied up\n");
  });

  it.each([
    [["no-such-program"], 'program not found: "no-such-program" is not in PATH'],
    [["./missing.sh"], 'program not found: "./missing.sh"'],
    [["./lost.sh"], 'program not found: "/no/such/interpreter", which "./lost.sh" asks for'],
    [["./plain.txt"], '"./plain.txt" is not executable'],
    [["./"], '"./" is not a program'],
  ])("says which program is missing: %s", async (command, words) => {
    const lane = await bench.runLane(head, laneOf({ lane: "missing", command }));
    expect(lane).toMatchObject({ status: "failed", failureKind: "infrastructure" });
    expect(lane.note).toContain(words);
    expect(lane.log).toContain(`[forge] ${lane.note}`);
  });

  it("says that a head is gone from the repository", async () => {
    const lane = await bench.runLane("1".repeat(40), laneOf({ lane: "gone" }));
    expect(lane).toMatchObject({ failureKind: "infrastructure" });
    expect(lane.note).toContain("no workspace could be made");
  });

  it("may say itself that it was skipped or that the machine is at fault", async () => {
    const say = (words: string, code: number) =>
      shellLane(`echo "${words}" > "$FORGE_LANE_RESULT"; exit ${code}`);
    expect(await bench.runLane(head, say("skipped nothing to do", 0))).toMatchObject({
      status: "skipped",
      note: "nothing to do",
    });
    expect(await bench.runLane(head, say("infrastructure no device", 1))).toMatchObject({
      failureKind: "infrastructure",
      note: "no device",
    });
    expect(await bench.runLane(head, say("skipped or so", 1))).toMatchObject({
      failureKind: "test_failure",
    });
    expect(await bench.runLane(head, shellLane("exit 75"))).toMatchObject({
      failureKind: "infrastructure",
    });
  });

  it("does not have a link read out that stands where its statement should be", async () => {
    const secret = join(bench.dir, "keys");
    const script = `echo "skipped SECRET" > ${secret}/key; ln -s ${secret}/key "$FORGE_LANE_RESULT"`;
    const lane = await bench.runLane(head, shellLane(script));
    expect(lane).toMatchObject({ status: "success", note: null });
  });

  it("takes over the ids its runner reports, and that the runner skipped", async () => {
    const lines = [
      { event: "run_started", run_id: "run-7", target_id: "the-target" },
      { event: "run_finished", run: { run_id: "run-7", status: "skipped", message: "no file" } },
    ];
    const script = lines.map((line) => `echo '${JSON.stringify(line)}'`).join("; ");
    const lane = await bench.runLane(head, shellLane(script));
    expect(lane).toMatchObject({
      status: "skipped",
      executorRunId: "run-7",
      executorTargetId: "the-target",
      note: "runner skipped: no file",
    });
    expect(bench.store.read.run(lane.runId)?.status).toBe("success");
  });

  it("takes over the ids of a runner behind much output, and behind a line without end", async () => {
    bench.settings = { ...usualSettings, maxLogBytes: 16_000_000 };
    const started = JSON.stringify({ event: "run_started", run_id: "run-8", target_id: "late" });
    const much = "seq 1 100000; head -c 2000000 /dev/zero | tr '\\0' x; echo";
    const lane = await bench.runLane(head, shellLane(`${much}; echo '${started}'`));
    bench.settings = usualSettings;
    expect(lane).toMatchObject({ executorRunId: "run-8", executorTargetId: "late" });
  });
});

describe("a lane's surroundings", () => {
  it("are a clean environment with a cache of its own that stays", async () => {
    bench.settings = { ...usualSettings, laneEnv: { TOKEN: "from the owner", OTHER: "not asked" } };
    const script =
      'env | sort; cat "$HOME/kept" "$XDG_CACHE_HOME/kept" 2>/dev/null; echo gone > "$HOME/kept"; echo kept > "$XDG_CACHE_HOME/kept"';
    const lane = shellLane(script, { lane: "Env Lane/ü", env: ["TOKEN"] });
    const first = await bench.runLane(head, lane);
    const second = await bench.runLane(head, lane);
    bench.settings = usualSettings;
    expect(first.log).toContain("TOKEN=from the owner\n");
    expect(first.log).toContain("CI=true\n");
    expect(first.log).toContain(`FORGE_HEAD=${head}\n`);
    expect(first.log).toMatch(/^XDG_CACHE_HOME=.*\/cache\/Env-Lane--\.[0-9a-f]{12}\/xdg$/m);
    expect(first.log).not.toMatch(/OTHER|GIT_|VITEST|NODE_/);
    expect(first.log.endsWith("kept\n")).toBe(false);
    expect(second.log.endsWith("kept\n")).toBe(true);
  });

  it("lack no value without saying so", async () => {
    const lane = await bench.runLane(head, laneOf({ lane: "needy", env: ["TOKEN", "OTHER"] }));
    expect(lane).toMatchObject({ failureKind: "infrastructure" });
    expect(lane.note).toContain("no value for TOKEN, OTHER");
  });

  it("have nothing on standard input, and a repository without remotes", async () => {
    const script =
      "cat; git rev-parse HEAD; git status --porcelain; git remote; git log -1 --format=%s";
    const lane = await bench.runLane(head, shellLane(script));
    expect(lane.log).toBe(`${head}\nA change\n`);
  });
});

describe("what a lane leaves behind", () => {
  it("is gone: daemons, files, temporary files", async () => {
    const script = `
      (setsid sh -c 'echo $$ > "$HOME/daemon"; exec sleep 1000' > /dev/null 2>&1 &)
      while ! [ -s "$HOME/daemon" ]; do sleep 0.01; done
      touch left-over "$TMPDIR/left-over"; mkdir -p deep/er; chmod 0500 deep; cat "$HOME/daemon"`;
    const first = await bench.runLane(head, shellLane(script, { lane: "daemon" }));
    expect(first).toMatchObject({ status: "success" });
    expect(isAlive(first.log.trim())).toBe(false);
    const second = await bench.runLane(head, shellLane('ls; ls "$TMPDIR"', { lane: "daemon" }));
    expect(second.log.split("\n").toSorted()).toEqual(
      ["", "check.sh", "file.txt", "lost.sh", "plain.txt"].toSorted(),
    );
  });

  it("does not matter where it deleted or damaged its workspace", async () => {
    for (const script of [
      'rm -rf "$PWD"',
      'rm -rf "$PWD"; ln -s /etc "$PWD"',
      "rm -rf ../git; echo changed > file.txt",
      "echo changed > file.txt; echo garbage > ../git/index; echo garbage > .git/config",
    ]) {
      const lane = await bench.runLane(head, shellLane(script));
      expect(lane).toMatchObject({ status: "success" });
      const next = await bench.runLane(head, shellLane("cat file.txt; ls -A"));
      expect(next.log).toBe("content\n.git\ncheck.sh\nfile.txt\nlost.sh\nplain.txt\n");
    }
  });

  it("keeps the pool small", () => {
    const slots = readdirSync(bench.config.workspacesDir).filter((name) => /^w\d+$/.test(name));
    expect(slots.length).toBeLessThanOrEqual(2);
  });
});
