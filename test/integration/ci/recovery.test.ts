import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { probeIsolation } from "../../../src/server/ci/sandbox.ts";
import { CiBench, eventually, isAlive, laneOf, runOf, shellLane } from "../../support/ci.ts";

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
  await expect.poll(() => existsSync(mark), eventually).toBe(false);

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
    note: "the forge lost it 4 times while it ran",
  });
});
