import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { programIn } from "../../../src/process/search-path.ts";
import { probeIsolation } from "../../../src/server/ci/sandbox.ts";
import { CiBench, eventually, isAlive, laneOf, runOf, shellLane } from "../../support/ci.ts";

import {
  endProcessesIn,
  laneProcesses,
  lifelinesOf,
  processesIn,
} from "../../support/lane-processes.ts";

const program = fileURLToPath(new URL("../../support/ci-forge.ts", import.meta.url));
const isolations =
  probeIsolation({ PATH: process.env.PATH }) === "bwrap" ? ["none", "bwrap"] : ["none"];

let bench: CiBench;
let head: string;
let forge: ChildProcess | undefined;

beforeEach(async () => {
  bench = await CiBench.make();
  head = await bench.commit({ "file.txt": "content\n" });
});
afterEach(async () => {
  forge?.kill("SIGKILL");
  await bench.dispose();
  endProcessesIn(bench.config.workspacesDir);
});

async function crash(): Promise<void> {
  if (forge === undefined) throw new Error("no forge was started");
  const gone = once(forge, "exit");
  forge.kill("SIGKILL");
  await gone;
}

it.each(isolations)(
  "after a crash nothing of a lane runs on, and it is run again (%s)",
  async (isolation) => {
    const cache = join(bench.config.cacheDir, "shell", "xdg");
    const again = join(cache, "again");
    const script = `
      [ -e "$XDG_CACHE_HOME/again" ] && exit 0
      (setsid sleep 1000 > /dev/null 2>&1 & echo $! > "$XDG_CACHE_HOME/daemon.part")
      echo $$ > "$XDG_CACHE_HOME/main"; mv "$XDG_CACHE_HOME/daemon.part" "$XDG_CACHE_HOME/daemon"; exec sleep 1000`;
    const run = bench.queue(head, [shellLane(script)]);
    forge = spawn(process.execPath, [program, bench.dir, isolation], { stdio: "inherit" });
    const daemon = join(cache, "daemon");
    await expect.poll(() => existsSync(daemon), eventually).toBe(true);
    await expect.poll(() => bench.laneOfRun(run.id).process, eventually).not.toBe(null);
    const lane = bench.laneOfRun(run.id);
    const group = lane.process?.pid ?? 0;
    expect(isAlive(group)).toBe(true);

    await crash();
    expect(bench.laneOfRun(run.id)).toMatchObject({ status: "running" });
    await writeFile(again, "");
    bench.start({ isolation: isolation === "bwrap" ? "bwrap" : "none" });
    await bench.until(() => bench.store.read.run(run.id)?.finishedAt);

    expect(bench.laneOfRun(run.id)).toMatchObject({ status: "success", retryCount: 1 });
    expect(isAlive(group)).toBe(false);
    if (isolation === "none") {
      for (const name of ["main", "daemon"]) {
        expect(isAlive(readFileSync(join(cache, name), "utf8").trim())).toBe(false);
      }
    }
  },
);

it.each(isolations)(
  "nothing of a killed forge's lanes runs on, also where no forge begins again (%s)",
  async (isolation) => {
    const cache = join(bench.config.cacheDir, "shell", "xdg");
    const script = `
      (setsid sh -c 'env -i sleep 1000 & exec sleep 1000' > /dev/null 2>&1 &)
      env -i sleep 1000 &
      trap '' TERM; touch "$XDG_CACHE_HOME/begun"; while :; do sleep 1000; done`;
    bench.queue(head, [shellLane(script)]);
    forge = spawn(process.execPath, [program, bench.dir, isolation], { stdio: "inherit" });
    await expect.poll(() => existsSync(join(cache, "begun")), eventually).toBe(true);
    const instance = bench.store.read.setting("ci_instance") ?? "";
    const inWorkspaces = () => processesIn(bench.config.workspacesDir);
    await expect.poll(() => inWorkspaces().length, eventually).toBeGreaterThan(4);
    const before = inWorkspaces();
    await crash();
    const left = () => [...before.filter(isAlive), ...laneProcesses(instance)];
    await expect.poll(left, eventually).toEqual([]);
    await expect.poll(() => lifelinesOf(instance), eventually).toEqual([]);
  },
);

it("ends a git that a killed forge left at work in a workspace, before another begins", async () => {
  // A git that waits, as a slow disk would make it, in the middle of a checkout.
  const slow = join(bench.dir, "slow");
  await mkdir(slow);
  const real = programIn(process.env.PATH, "git");
  const gate = join(bench.dir, "gate");
  const wrapper = `#!/bin/sh
    case "$*" in *checkout*) touch ${bench.dir}/waiting; until [ -e ${gate} ]; do sleep 0.02; done;; esac
    exec ${real} "$@"\n`;
  await writeFile(join(slow, "git"), wrapper, { mode: 0o755 });
  const run = bench.queue(head, [shellLane("cat file.txt; git rev-parse HEAD")]);
  const env = { ...process.env, PATH: `${slow}:${process.env.PATH}` };
  forge = spawn(process.execPath, [program, bench.dir, "none"], { stdio: "inherit", env });
  await expect.poll(() => existsSync(join(bench.dir, "waiting")), eventually).toBe(true);
  const instance = bench.store.read.setting("ci_instance") ?? "";
  // Nobody but the next forge is there to end it.
  for (const pid of lifelinesOf(instance)) process.kill(pid, "SIGSTOP");
  const keepers = lifelinesOf(instance);
  const gits = laneProcesses(instance).map((one) => one.pid);
  expect(gits.length).toBeGreaterThan(0);
  await crash();
  expect(gits.some(isAlive)).toBe(true);
  bench.start();
  await bench.until(() => bench.store.read.run(run.id)?.finishedAt);
  expect(gits.filter(isAlive)).toEqual([]);
  expect(bench.laneOfRun(run.id)).toMatchObject({ status: "success", retryCount: 1 });
  expect(bench.log(bench.laneOfRun(run.id).id).toString()).toBe(`content\n${head}\n`);
  for (const pid of keepers) process.kill(pid, "SIGKILL");
});

it("leaves a process alone that only has the pid of a lost lane's", async () => {
  const other = spawn("sleep", ["1000"], { detached: true });
  const run = bench.queue(head, [laneOf({ lane: "lost" })]);
  const { id } = bench.laneOfRun(run.id);
  bench.store.write((tx) => {
    const now = new Date().toISOString();
    const claim = tx.claimLane(id, { now, expiresAt: now });
    const process = { pid: other.pid ?? 0, startTime: "1", bootId: "another boot" };
    tx.recordLaneProcess(id, claim?.claimToken ?? 0, process, "none");
  });
  bench.start();
  await bench.until(() => bench.store.read.run(run.id)?.finishedAt);
  expect(isAlive(other.pid ?? 0)).toBe(true);
  other.kill("SIGKILL");
});

it("leaves the workspace of a lane that runs elsewhere alone", async () => {
  bench.start();
  const mark = join(bench.config.workspacesDir, "w1.lane");
  await mkdir(join(bench.config.workspacesDir, "w1"));
  await writeFile(mark, "999 1\n");
  expect((await bench.runLane(head, shellLane("pwd"))).log).toMatch(/\/w1\/tree\n$/);
  await expect.poll(() => readFileSync(mark, "utf8"), eventually).toBe("-\n");

  const elsewhere = bench.store.write((tx) => {
    const run = tx.createRun({ ...runOf(head), lanes: [laneOf({ lane: "elsewhere" })] });
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const id = tx.lanesOfRun(run.id)[0]?.id ?? 0;
    return tx.claimLane(id, { now: new Date().toISOString(), expiresAt });
  });
  await writeFile(mark, `${elsewhere?.id} ${elsewhere?.claimToken}\n`);
  expect((await bench.runLane(head, shellLane("pwd"))).log).toMatch(/\/w2\/tree\n$/);
});

it("mends a workspace that a crash left in the middle of a checkout", async () => {
  bench.start();
  await bench.runLane(head, shellLane("true"));
  await bench.ci.stop({ drain: true });
  const slot = join(bench.config.workspacesDir, "w1");
  await writeFile(join(slot, "git", "index.lock"), "");
  await writeFile(join(slot, "tree", "file.txt"), "half");
  await writeFile(join(slot, "tree", "new.txt"), "half");
  await mkdir(join(bench.config.workspacesDir, "w7.gone-1"));
  bench.start();
  const lane = await bench.runLane(head, shellLane("pwd; cat file.txt; ls"));
  expect(lane.log).toBe(`${join(slot, "tree")}\ncontent\nfile.txt\n`);
  expect(existsSync(join(bench.config.workspacesDir, "w7.gone-1"))).toBe(false);
});

it("gives a lane up that was lost again and again", async () => {
  const run = bench.queue(head, [laneOf({ lane: "cursed" })]);
  const { id } = bench.laneOfRun(run.id);
  const now = new Date().toISOString();
  bench.store.write((tx) => {
    for (let time = 0; time < 3; time++) {
      tx.claimLane(id, { now, expiresAt: now });
      tx.requeueLane(id, "stale_recovered");
    }
    tx.claimLane(id, { now, expiresAt: now });
  });
  bench.start();
  await bench.until(() => bench.store.read.run(run.id)?.finishedAt);
  expect(bench.laneOfRun(run.id)).toMatchObject({
    status: "failed",
    failureKind: "lost",
    note: "lost with the forge while it ran, after it was put back 3 times",
  });
});
