import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Isolation, probeIsolation } from "../../src/server/ci/sandbox.ts";
import { CiBench, isAlive, laneOf, shellLane, usualSettings } from "../support/ci.ts";
import {
  laneProcesses,
  mountsBelow,
  pidsOfCommand,
  processesIn,
  workspaceLeftovers,
} from "../support/lane-processes.ts";

const boxed = probeIsolation({ PATH: process.env.PATH }) === "bwrap";
const isolations: Isolation[] = boxed ? ["bwrap", "none"] : ["none"];
const eventually = { interval: 10, timeout: 60_000 };

/** What those who hide from everybody are known by. */
const hiddenFor = String(50_000_000 + process.pid);

const stay = "while :; do sleep 1000; done";
const begun = 'touch "$XDG_CACHE_HOME/begun"';

/** Lanes that do all they can so as not to end, or to leave something. Each says that it begun. */
const resisting: Readonly<Record<string, string>> = {
  "ignores-term": `trap '' TERM INT HUP; ${begun}; ${stay}`,
  escapes: `(setsid sh -c "(setsid sh -c \\"trap '' TERM; ${stay}\\" &)" &); ${begun}; ${stay}`,
  "closes-output": `exec > /dev/null 2>&1 >&- 2>&-; trap '' TERM; ${begun}; ${stay}`,
  "fills-its-log": `${begun}; while :; do yes filler | head -c 50000000; done`,
  "fills-one-line": `${begun}; while :; do head -c 50000000 /dev/zero | tr '\\0' x; done`,
  // Never the same program for long: there is hardly a moment in which its environment shows.
  "becomes-another": `again=$XDG_CACHE_HOME/again; printf 'exec sh "$0"\n' > $again; trap '' TERM; (setsid sh $again &); ${begun}; ${stay}`,
  forks: `n=0; while [ $n -lt 40 ]; do (setsid sleep 1000 &); sleep 1000 & n=$((n + 1)); done; ${begun}; wait`,
  "removes-its-workspace": `rm -rf "$PWD" "$TMPDIR"/.home 2> /dev/null; cd /; ${begun}; ${stay}`,
  "locks-its-workspace": `mkdir -p a/b/c "$TMPDIR/left/d"; chmod 000 a/b/c a/b a "$TMPDIR/left" .git; chmod 000 .; ${begun}; ${stay}`,
  "links-its-workspace": `rm -rf .git && ln -s /etc .git; rm -rf "$TMPDIR/.home"; ln -s /etc "$TMPDIR/.home"; ${begun}; ${stay}`,
};
/** Only the sandbox can hold these. */
const hiding: Readonly<Record<string, string>> = {
  // Each starts the next and ends, quicker than anybody could look for it.
  "passes-it-on": `printf 'setsid sh "$0" &\\n' > chain; sh chain; ${begun}; ${stay}`,
  hides: `(env -i setsid sleep ${hiddenFor} &); ${begun}; ${stay}`,
};

let bench: CiBench;
let head: string;

beforeEach(async () => {
  bench = await CiBench.make();
  head = await bench.commit({ "file.txt": "content\n", "deep/file.txt": "more\n" });
});
afterEach(async () => {
  for (const pid of pidsOfCommand("sleep", hiddenFor)) process.kill(pid, "SIGKILL");
  await bench.dispose();
});

const cap = 200_000;

/** Runs all of them at once, until each has done its mischief. Answers their run. */
async function runAll(isolation: Isolation, timeoutSeconds: number | null): Promise<number> {
  const scripts = { ...resisting, ...(isolation === "bwrap" ? hiding : {}) };
  const names = Object.keys(scripts);
  bench.settings = { ...usualSettings, ciConcurrency: names.length, maxLogBytes: cap };
  bench.start({ isolation, timing: { cancelGraceMs: 200, timeoutGraceMs: 200 } });
  const lanes = Object.entries(scripts).map(([lane, script]) =>
    shellLane(script, { lane, timeoutSeconds }),
  );
  const run = bench.queue(head, lanes);
  const waiting = () => names.filter((name) => !existsSync(mark(name)));
  await expect.poll(waiting, eventually).toEqual([]);
  return run.id;
}

const mark = (lane: string) => join(bench.config.cacheDir, lane, "xdg", "begun");
const instance = () => bench.store.read.setting("ci_instance") ?? "";
const lanesOf = (run: number) => bench.store.read.lanesOfRun(run);

/** Everything of it is gone, the slots are free, and what comes next finds nothing. */
async function expectNothingLeft(run: number): Promise<void> {
  const { workspacesDir, logsDir } = bench.config;
  await expect.poll(() => bench.ci.idle(), eventually).toBe(true);
  expect(bench.store.read.countRunningLanes()).toBe(0);
  expect(laneProcesses(instance()).filter(({ claim }) => claim !== null)).toEqual([]);
  // What cleans the workspaces ends by itself.
  await expect.poll(() => processesIn(workspacesDir), eventually).toEqual([]);
  expect(pidsOfCommand("sleep", hiddenFor)).toEqual([]);
  expect(mountsBelow(bench.dir)).toEqual([]);
  await expect.poll(() => workspaceLeftovers(workspacesDir), eventually).toEqual([]);
  for (const { id } of lanesOf(run)) {
    expect(statSync(join(logsDir, `${id}.log`)).size).toBeLessThanOrEqual(cap + 1000);
  }
  const seen = `git status --porcelain; ls -A . "$HOME" | grep -v :; ls "$TMPDIR/left" 2> /dev/null
    cat file.txt deep/file.txt`;
  const count = lanesOf(run).length;
  const next = bench.queue(
    head,
    Array.from({ length: count }, (_, at) => shellLane(seen, { lane: `next-${at}` })),
  );
  await bench.until(() => bench.store.read.run(next.id)?.finishedAt);
  const logs = lanesOf(next.id).map(({ id }) => bench.log(id).toString());
  expect(new Set(logs)).toEqual(new Set([".git\ndeep\nfile.txt\n\ncontent\nmore\n"]));
}

describe.each(isolations)("lanes that resist (%s)", (isolation) => {
  it.each(["superseded", "cancelled"] as const)("end with all they did: %s", async (kind) => {
    const run = await runAll(isolation, null);
    // As ingestion, a merge and a close do it.
    bench.store.write((tx) => {
      for (const { id } of tx.lanesOfRun(run)) {
        tx.endLane(id, { status: "failed", failureKind: kind, note: null });
      }
      tx.refoldRun(run);
    });
    await expectNothingLeft(run);
    for (const lane of lanesOf(run)) expect(lane).toMatchObject({ failureKind: kind });
  });

  it("end when their time is up", async () => {
    const run = await runAll(isolation, 3);
    await bench.until(() => bench.store.read.run(run)?.finishedAt);
    await expectNothingLeft(run);
    for (const lane of lanesOf(run)) {
      expect(lane).toMatchObject({ failureKind: "timeout", note: "timed out after 3 s" });
    }
  });

  it("end with the forge, and wait to be run again", async () => {
    const run = await runAll(isolation, null);
    await bench.ci.stop({ drain: false });
    expect(laneProcesses(instance())).toEqual([]);
    expect(pidsOfCommand("sleep", hiddenFor)).toEqual([]);
    for (const lane of lanesOf(run)) expect(lane).toMatchObject({ status: "queued" });
  });

  it("leave nothing when they succeed at once", async () => {
    const scripts = Object.entries({ ...resisting, ...(isolation === "bwrap" ? hiding : {}) });
    const lanes = scripts.flatMap(([lane, script]) => {
      const last = [stay, "wait"].find((each) => script.endsWith(each));
      if (last === undefined) return [];
      return [shellLane(`${script.slice(0, -last.length)} exit 0`, { lane })];
    });
    bench.settings = { ...usualSettings, ciConcurrency: lanes.length, maxLogBytes: cap };
    bench.start({ isolation });
    const run = bench.queue(head, lanes);
    await bench.until(() => bench.store.read.run(run.id)?.finishedAt);
    expect(lanesOf(run.id).map(({ lane, status }) => [lane, status])).toEqual(
      lanes.map(({ lane }) => [lane, "success"]),
    );
    await expectNothingLeft(run.id);
  });
});

describe("without the sandbox", () => {
  it("only who gave up session, parents and environment stays, and what is elsewhere", async () => {
    bench.start();
    const elsewhere = join(bench.dir, "elsewhere");
    const script = `
      (setsid sh -c 'sleep 1000 & exec sleep 1000' &)
      env -i sleep 1000 &
      (setsid sh -c 'env -i sleep 1000 & exec sleep 1000' &)
      (env -i setsid sleep ${hiddenFor} > /dev/null 2>&1 &)
      touch ${elsewhere}
      until [ "$(ps -eo args | grep -c '^sleep 1000')" -ge 5 ]; do sleep 0.02; done`;
    const lane = await bench.runLane(head, shellLane(script));
    expect(lane).toMatchObject({ status: "success", isolation: "none" });
    expect(laneProcesses(instance()).filter(({ claim }) => claim !== null)).toEqual([]);
    const hidden = pidsOfCommand("sleep", hiddenFor);
    expect(hidden).toHaveLength(1);
    await expect.poll(() => processesIn(bench.config.workspacesDir), eventually).toEqual(hidden);
    expect(existsSync(elsewhere)).toBe(true);
    // Its slot is free all the same: nobody knows of it.
    expect(await bench.runLane(head, shellLane("true"))).toMatchObject({ status: "success" });
    expect(hidden.filter(isAlive)).toEqual(hidden);
  });
});

const immutable = canLock() ? "" : " (skipped: nothing can be made immutable here)";

/** Whether a file here can be made one that not even root may remove. */
function canLock(): boolean {
  const dir = mkdtempSync(join(tmpdir(), "flk-lock-"));
  const file = join(dir, "file");
  writeFileSync(file, "");
  const locked = spawnSync("chattr", ["+i", file]).status === 0;
  if (locked) spawnSync("chattr", ["-i", file]);
  rmSync(dir, { recursive: true });
  return locked;
}

it.skipIf(immutable !== "")(
  `what nobody may remove stays beside the pool, and is in nobody's way${immutable}`,
  async () => {
    bench.start();
    const { workspacesDir } = bench.config;
    const lane = await bench.runLane(head, shellLane("touch stays; chattr +i stays"));
    expect(lane).toMatchObject({ status: "success" });
    const gone = () => readdirSync(workspacesDir).filter((name) => name.includes(".gone-"));
    await expect.poll(() => gone().length, eventually).toBe(1);
    try {
      const next = await bench.runLane(head, shellLane("ls; git status --porcelain"));
      expect(next).toMatchObject({ status: "success", log: "deep\nfile.txt\n" });
      expect(gone()).toHaveLength(1);
    } finally {
      spawnSync("chattr", ["-R", "-i", workspacesDir]);
    }
    // The next start removes it, now that it may.
    await bench.ci.stop({ drain: true });
    bench.start();
    await expect.poll(gone, eventually).toEqual([]);
  },
);

const forgeProgram = fileURLToPath(new URL("../support/ci-forge.ts", import.meta.url));
const freezer = "/sys/fs/cgroup/freezer";
const freezes = process.getuid?.() === 0 && existsSync(join(freezer, "cgroup.procs"));
const cannot = freezes ? "" : " (skipped: nothing can be frozen here)";

describe.runIf(freezes)(`a process that the system cannot end${cannot}`, () => {
  const cold = join(freezer, `flk-${process.pid}`);
  const freeze = (state: "FROZEN" | "THAWED") => writeFileSync(join(cold, "freezer.state"), state);
  beforeEach(() => mkdirSync(cold));
  afterEach(async () => {
    freeze("THAWED");
    const members = () => readFileSync(join(cold, "cgroup.procs"), "utf8");
    await expect.poll(members, eventually).toBe("");
    rmdirSync(cold);
  });

  /** Freezes the one that hides, once it is there. */
  async function frozen(): Promise<number> {
    await expect.poll(() => pidsOfCommand("sleep", hiddenFor), eventually).toHaveLength(1);
    const [pid = 0] = pidsOfCommand("sleep", hiddenFor);
    writeFileSync(join(cold, "cgroup.procs"), String(pid));
    freeze("FROZEN");
    return pid;
  }

  /** Several passes do not let a lane in, until it is gone. */
  async function expectSlotTaken(run: number, pid: number): Promise<void> {
    await pause(1000);
    expect(bench.laneOfRun(run)).toMatchObject({
      ...{ status: "queued", reason: "waiting_for_capacity" },
    });
    expect(bench.warnings.join()).toContain("cannot be ended");
    expect(isAlive(pid)).toBe(true);
    freeze("THAWED");
    await bench.until(() => bench.store.read.run(run)?.finishedAt);
    expect(isAlive(pid)).toBe(false);
  }

  const timing = { timeoutGraceMs: 100, heartbeatMs: 100 };

  it.each([
    ["none", `sleep ${hiddenFor}`],
    // Nobody finds it, but the sandbox cannot end before it has.
    ...(boxed ? [["bwrap", `(env -i setsid sleep ${hiddenFor} &); ${stay}`] as const] : []),
  ] as const)(
    "keeps its slot until it is gone, and its lane ends all the same (%s)",
    async (isolation, script) => {
      bench.settings = { ...usualSettings, ciConcurrency: 1 };
      bench.start({ isolation, timing });
      const run = bench.queue(head, [shellLane(script, { timeoutSeconds: 2 })]);
      const pid = await frozen();
      await bench.until(() => bench.store.read.run(run.id)?.finishedAt);
      expect(bench.laneOfRun(run.id)).toMatchObject({ failureKind: "timeout" });
      await expectSlotTaken(bench.queue(head, [laneOf({ lane: "next" })]).id, pid);
    },
  );

  it("keeps its slot in the next forge too, whose stop does not wait for it", async () => {
    const settings = { ...usualSettings, ciConcurrency: 1 };
    const told = [settings, timing].map((each) => JSON.stringify(each));
    const again = join(bench.dir, "again");
    const script = `[ -e ${again} ] || sleep ${hiddenFor}`;
    const run = bench.queue(head, [shellLane(script)]);
    const forge = spawn(process.execPath, [forgeProgram, bench.dir, "none", ...told]);
    const pid = await frozen();
    writeFileSync(again, "");
    const gone = once(forge, "exit");
    forge.kill("SIGKILL");
    await gone;
    bench.settings = settings;
    bench.start({ timing });
    await expect.poll(() => bench.warnings.join(), eventually).toContain("cannot be ended");
    await bench.ci.stop({ drain: true });
    bench.start({ timing });
    await expect.poll(() => bench.warnings.length, eventually).toBe(2);
    await expectSlotTaken(bench.queue(head, [laneOf({ lane: "next" })]).id, pid);
    await bench.until(() => bench.store.read.run(run.id)?.finishedAt);
    expect(bench.laneOfRun(run.id)).toMatchObject({ status: "success", retryCount: 1 });
  });
});
