/**
 * Measures what a forge with thousands of waiting lanes answers and how long that takes, beside its
 * quickest answer, measured in the same run.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { paths } from "../src/contract/paths.ts";
import { signLogin } from "../test/support/login.ts";
import { queueMany, usualBranchName } from "../test/support/long-queue.ts";
import { call, connect, git, home, landCommand, removeHome } from "./land.ts";

const manifest = `version = 1
nightly_schedule_utc = "08:00"
[[branch.lanes]]
id = "lane-0"
title = "Sleeps"
entrypoint = "sleep"
command = ["sleep", "600"]
`;

/** Milliseconds of one kind of answer. */
export interface Answering {
  readonly what: string;
  readonly p50: number;
  readonly p95: number;
  readonly bytes: number;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Asks so many times; answers how long it took and how much came back. */
export async function asked(
  what: string,
  rounds: number,
  ask: () => Promise<string>,
): Promise<Answering> {
  const took: number[] = [];
  let bytes = 0;
  for (let round = 0; round < rounds + 2; round += 1) {
    const began = performance.now();
    bytes = Buffer.byteLength(await ask());
    if (round >= 2) took.push(performance.now() - began);
  }
  return { what, p50: quantile(took, 0.5), p95: quantile(took, 0.95), bytes };
}

interface Made {
  readonly origin: string;
  readonly stateDir: string;
  readonly repo: string;
}

/** A repository with its forge, which runs. */
async function makeForge(): Promise<Made> {
  const repo = join(home, "long-queue");
  mkdirSync(join(repo, "ci"), { recursive: true });
  writeFileSync(join(repo, "ci", "forge-lanes.toml"), manifest);
  await git(repo, "init", "--quiet", "--initial-branch=main");
  await git(repo, "add", "--all");
  await git(repo, "commit", "--quiet", "-m", "Begin");
  const { stdout } = await landCommand(repo, "init", "--json");
  const { url, state_dir: stateDir } = JSON.parse(stdout);
  return { origin: new URL(url).origin, stateDir, repo };
}

/** A token of one of the forge's keys, as a client gets it. */
async function login({ origin, stateDir }: Made, key: "agent" | "owner"): Promise<string> {
  const nsec = readFileSync(join(stateDir, "keys", `${key}.nsec`), "utf8").trim();
  const url = `${origin}/git${paths.verify()}`;
  const begun = await fetch(`${origin}/git${paths.challenge()}`, { method: "POST" });
  const { challenge } = (await begun.json()) as { challenge: string };
  const verified = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ event: signLogin(nsec, { challenge, url }) }),
  });
  return ((await verified.json()) as { token: string }).token;
}

/** Answers of the forge and of the agent's half, with ten lanes queued for each branch. */
export async function measureAnswers(branches: number, rounds = 40): Promise<Answering[]> {
  const made = await makeForge();
  try {
    const { repo, stateDir } = made;
    const canonical = join(stateDir, "repository.git");
    const { stdout: mergeBase } = await git(repo, "rev-parse", "HEAD");
    await git(repo, "checkout", "--quiet", "-b", usualBranchName(branches - 1));
    await git(repo, "commit", "--quiet", "--allow-empty", "-m", "Change");
    const { stdout: head } = await git(repo, "rev-parse", "HEAD");
    await git(repo, "push", "--quiet", canonical, "HEAD:refs/heads/bench/objects");
    // A forge that reads the refs meanwhile would close branches whose refs are yet to come.
    await landCommand(repo, "stop");
    queueMany({
      ...{ storeFile: join(stateDir, "forge.db"), canonical, head: head.trim() },
      ...{ mergeBase: mergeBase.trim(), branches, lanesEach: 10 },
    });
    await landCommand(repo, "list");
    return [...(await ofTheForge(made, branches, rounds)), ...(await ofTools(made, rounds))];
  } finally {
    await landCommand(made.repo, "stop");
  }
}

async function ofTheForge(made: Made, branches: number, rounds: number): Promise<Answering[]> {
  const tokens = { agent: await login(made, "agent"), owner: await login(made, "owner") };
  const ask =
    (path: string, key: "agent" | "owner" = "agent", method = "GET") =>
    async () => {
      const headers = { authorization: `Bearer ${tokens[key]}` };
      const answer = await fetch(`${made.origin}/git${path}`, { method, headers });
      const text = await answer.text();
      if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${text}`);
      return text;
    };
  await ask(paths.wake(), "agent", "POST")();
  const id = Math.floor(branches * 0.9);
  const lanes = `${branches * 10} lanes queued`;
  return [
    await asked(`${lanes}: GET about (nothing to read)`, rounds, ask(paths.about())),
    await asked(`${lanes}: GET branch`, rounds, ask(paths.branch(id))),
    await asked(
      `${lanes}: GET queue?limit=0, how things stand`,
      rounds,
      ask(`${paths.queue()}?limit=0`),
    ),
    await asked(`${lanes}: GET queue`, rounds, ask(paths.queue())),
    await asked(`${lanes}: GET queue of a branch`, rounds, ask(`${paths.queue()}?branch_id=${id}`)),
    await asked(`${lanes}: GET branches`, rounds, ask(paths.branches())),
    await asked(`${lanes}: GET forge status`, rounds, ask(paths.forgeStatus(), "owner")),
  ];
}

/** With what the agent's half does itself: git in the work tree, a process of its own. */
async function ofTools({ repo }: Made, rounds: number): Promise<Answering[]> {
  const client = await connect(repo);
  const tool = (name: string) => async () => JSON.stringify((await call(client, name, {})).facts);
  try {
    return [
      await asked("inspect_queue, whole", rounds, tool("inspect_queue")),
      await asked("branch_status", rounds, tool("branch_status")),
      await asked(
        "land version (nothing to ask)",
        8,
        async () => (await landCommand(repo, "--version")).stdout,
      ),
      await asked("land status", 8, async () => (await landCommand(repo, "status")).stdout),
    ];
  } finally {
    await client.close();
  }
}

/** One line of a report. */
export function answeringLine({ what, p50, p95, bytes }: Answering): string {
  const times = `${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms`;
  return `${what.padEnd(62)} ${times.padStart(24)}, ${bytes} bytes`;
}

if (import.meta.main) {
  try {
    for (const line of await measureAnswers(Number(process.argv[2] ?? 1000))) {
      console.log(answeringLine(line));
    }
  } finally {
    removeHome();
  }
}
