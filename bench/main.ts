/**
 * Measures the forge and the tools on this machine, as medians, beside a bare `node -e 0` and a
 * bare `git push` measured in the same run. Real processes, real repositories of 1k and 10k files.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Client } from "@modelcontextprotocol/client";
import { call, connect, env, git, home, landCommand, removeHome, run } from "./land.ts";
import { laneLines, measureLanes } from "./lanes.ts";
import { answeringLine, measureAnswers } from "./queue.ts";
import { measureScheduler } from "./scheduler.ts";

const manifest = `version = 1
nightly_schedule_utc = "08:00"
[[branch.lanes]]
id = "stamp"
title = "Says when it runs"
entrypoint = "date"
command = ["date", "+%s%N"]
`;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await action();
  return performance.now() - began;
}

async function repeat(times: number, action: (round: number) => Promise<number>): Promise<number> {
  const values: number[] = [];
  for (let round = 0; round < times; round += 1) values.push(await action(round));
  return median(values);
}

function report(what: string, milliseconds: number): void {
  console.log(`${what.padEnd(62)} ${milliseconds.toFixed(0).padStart(7)} ms`);
}

async function makeRepository(files: number): Promise<string> {
  const dir = join(home, `repository-${files}`);
  for (let index = 0; index < files; index += 1) {
    const path = join(dir, `part${index % 100}`, `file${index}.txt`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `line ${index}\n`.repeat(20));
  }
  mkdirSync(join(dir, "ci"), { recursive: true });
  writeFileSync(join(dir, "ci", "forge-lanes.toml"), manifest);
  await git(dir, "init", "--quiet", "--initial-branch=main");
  await git(dir, "add", "--all");
  await git(dir, "commit", "--quiet", "-m", "Begin");
  return dir;
}

async function barePush(dir: string): Promise<number> {
  const bare = `${dir}-bare.git`;
  await run("git", ["clone", "--quiet", "--bare", dir, bare], { env });
  return repeat(7, async (round) => {
    await git(dir, "checkout", "--quiet", "-b", `bare-${round}`);
    await git(dir, "commit", "--quiet", "--allow-empty", "-m", `bare ${round}`);
    const took = await timed(() => git(dir, "push", "--quiet", bare, `HEAD:refs/heads/b${round}`));
    await git(dir, "checkout", "--quiet", "main");
    return took;
  });
}

interface Round {
  push: number;
  started: number;
  answered: number;
  merge: number;
}

/** Pushes a branch, waits for its lane, merges it; the lane's own clock tells when it ran. */
async function landOnce(dir: string, client: Client, round: number): Promise<Round> {
  await git(dir, "checkout", "--quiet", "-B", `bench-${round}`, "forge/main");
  writeFileSync(join(dir, `bench-${round}.txt`), `${Date.now()}\n`);
  await git(dir, "add", "--all");
  await git(dir, "commit", "--quiet", "-m", `bench ${round}`);
  const push = await timed(() => git(dir, "push", "--quiet", "forge", "HEAD"));
  const pushed = Date.now();
  await call(client, "wait_for_ci", { max_seconds: 40 });
  const answeredAt = Date.now();
  const log = (await call(client, "lane_logs", { lane: "stamp" })).text;
  const stamp = Number(/\b(\d{19})\b/.exec(log)?.[1] ?? Number.NaN) / 1e6;
  const merge = await timed(() => call(client, "merge_branch", {}));
  await git(dir, "fetch", "--quiet", "forge");
  return { push, started: stamp - pushed, answered: answeredAt - stamp, merge };
}

async function measure(files: number): Promise<void> {
  const dir = await makeRepository(files);
  report(`${files} files: bare git push`, await barePush(dir));
  await landCommand(dir, "init");
  const client = await connect(dir);
  try {
    const rounds: Round[] = [];
    for (let round = 0; round < 8; round += 1) rounds.push(await landOnce(dir, client, round));
    const warm = rounds.slice(1);
    report(`${files} files: git push to the forge`, median(warm.map((r) => r.push)));
    report(
      `${files} files: push ended → lane's first output (ingest, checkout, sandbox)`,
      median(warm.map((r) => r.started)),
    );
    report(
      `${files} files: lane's last output → wait_for_ci answered`,
      median(warm.map((r) => r.answered)),
    );
    report(`${files} files: merge_branch`, median(warm.map((r) => r.merge)));
  } finally {
    await client.close();
    await landCommand(dir, "stop");
  }
}

async function startUp(): Promise<void> {
  report(
    "node -e 0",
    await repeat(10, () => timed(() => run(process.execPath, ["-e", "0"], { env }))),
  );
  const dir = await makeRepository(10);
  let bytes = 0;
  const took = await repeat(10, async () => {
    const began = performance.now();
    const client = await connect(dir);
    const tools = await client.listTools();
    const answered = performance.now() - began;
    bytes = Buffer.byteLength(JSON.stringify(tools));
    await client.close();
    return answered;
  });
  report("land mcp: spawn → tools/list answered", took);
  console.log(`${"tools/list".padEnd(62)} ${String(bytes).padStart(7)} bytes`);
}

try {
  for (const [what, milliseconds] of measureScheduler()) {
    console.log(`${what.padEnd(62)} ${milliseconds.toFixed(2).padStart(7)} ms`);
  }
  for (const line of laneLines(await measureLanes(1000))) console.log(line);
  for (const line of await measureAnswers(1000)) console.log(answeringLine(line));
  await startUp();
  await measure(1000);
  await measure(10_000);
} finally {
  removeHome();
}
