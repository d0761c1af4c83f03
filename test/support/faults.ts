import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import type { Order } from "../faults/kill-switch.ts";
import { aRepository, launcher, processFile, type Ran, runToEnd } from "./cli.ts";
import { root } from "./sources.ts";

/** What one `land --json` came to. */
export interface LandEnd {
  readonly code: number | null;
  /** The state of the answer, or `error: CODE`. */
  readonly state: string;
  readonly answer: Readonly<Record<string, unknown>>;
}

/** A repository whose forge starts by itself, and may be killed at any time. */
export interface FaultScene extends AsyncDisposable {
  readonly dir: string;
  readonly repo: string;
  readonly stateDir: string;
  readonly canonical: string;
  readonly env: Readonly<Record<string, string>>;
  git(cwd: string, ...args: string[]): Promise<string>;
  /** A new branch from `main` in a work tree of its own, with these files committed. */
  worktree(branch: string, files: Readonly<Record<string, string>>): Promise<string>;
  land(cwd: string, ...args: string[]): Promise<Ran>;
  /** Removes a work tree, with its branch here: many of them would slow git down. */
  forget(dir: string, branch: string): Promise<void>;
  /** `land --json` until it answers something else than `waiting` or an unreachable forge. */
  landToEnd(cwd: string, most?: number): Promise<readonly LandEnd[]>;
  /** Gives the forge an order for its kill switch; answers the points that were passed since. */
  order(points: readonly string[]): Promise<() => Promise<readonly string[]>>;
  /** Kills the forge's process, and nothing else. False where none runs. */
  killForge(): Promise<boolean>;
  stop(): Promise<void>;
}

/** Makes the repository, and its forge by `land init`; `before` gets the folder of the scene. */
export async function aFaultScene(
  files: Readonly<Record<string, string>>,
  settings: Readonly<Record<string, unknown>> = {},
  before: (dir: string) => Promise<void> = async () => {},
): Promise<FaultScene> {
  const scene = await aRepository(files);
  await before(scene.dir);
  const orderFile = join(scene.dir, "order.json");
  const env = {
    ...scene.env,
    FORGE_KILL_ORDER: orderFile,
    NODE_OPTIONS: `--import=${pathToFileURL(join(root, "test/faults/kill-switch.ts")).href}`,
  };
  const land = (cwd: string, ...args: string[]) =>
    runToEnd(process.execPath, [launcher, ...args], { cwd, env });
  const git = async (cwd: string, ...args: string[]) => {
    const ran = await runToEnd("git", args, { cwd, env });
    if (ran.code !== 0) throw new Error(`git ${args.join(" ")}: ${ran.err}`);
    return ran.out.trim();
  };
  const begun = await land(scene.repo, "init", "--json");
  if (begun.code !== 0) throw new Error(`land init: ${begun.out}${begun.err}`);
  const stateDir = String(begun.json().state_dir);
  await changeSettings(stateDir, settings);
  const stop = async () => void (await land(scene.repo, "stop", "--json"));
  return {
    dir: scene.dir,
    repo: scene.repo,
    stateDir,
    canonical: join(stateDir, "repository.git"),
    env,
    git,
    land,
    stop,
    async worktree(branch, named) {
      const dir = join(scene.dir, "worktrees", branch.replaceAll("/", "-"));
      await git(scene.repo, "worktree", "add", "-q", "-b", branch, dir, "main");
      await commitFiles({ git, dir }, named, `work on ${branch}`);
      return dir;
    },
    async forget(dir, branch) {
      await git(scene.repo, "worktree", "remove", "--force", dir);
      await git(scene.repo, "branch", "-q", "-D", branch);
    },
    async landToEnd(cwd, most = 8) {
      const ends: LandEnd[] = [];
      while (ends.length < most) {
        const end = landEnd(await land(cwd, "--json"));
        ends.push(end);
        if (!asksAgain.has(end.state)) break;
      }
      return ends;
    },
    async order(points) {
      const id = randomUUID();
      const trace = join(scene.dir, `trace-${id}`);
      await writeFile(trace, "");
      await writeFile(orderFile, JSON.stringify({ id, points, trace } satisfies Order));
      return async () => (await readFile(trace, "utf8")).split("\n").filter(Boolean);
    },
    killForge: () => killForge(stateDir),
    async [Symbol.asyncDispose]() {
      await stop();
      for (const left of processesOf(scene.dir)) kill(left.pid);
      await scene[Symbol.asyncDispose]();
    },
  };
}

const asksAgain = new Set(["waiting", "error: forge_unreachable", "error: timed_out"]);

/** Reads what `land --json` printed. */
export function landEnd(ran: Ran): LandEnd {
  try {
    const answer = ran.json();
    const error = answer.error as { code?: string } | undefined;
    const state = error === undefined ? String(answer.state) : `error: ${error.code}`;
    return { code: ran.code, state, answer };
  } catch {
    return { code: ran.code, state: "no answer", answer: { out: ran.out, err: ran.err } };
  }
}

/** `land` at work, as its caller follows it. */
export interface Landing {
  readonly pid: number;
  /** Its next line of progress that matches; resolves all the same when it ends without one. */
  said(line: RegExp): Promise<void>;
  /** `landed`, or `exit CODE`, with what was printed. */
  readonly ended: Promise<LandEnd>;
  kill(): void;
}

/** Starts `land` with progress as plain lines. */
export function startLand(scene: FaultScene, cwd: string, ...args: string[]): Landing {
  const child = spawn(process.execPath, [launcher, ...args], { cwd, env: scene.env });
  child.stdin.end();
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const look of waiting) look();
  };
  let over = false;
  const out = createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  const progress = createInterface({ input: child.stderr }).on("line", (line) => {
    lines.push(line);
    wake();
  });
  const ended = (async (): Promise<LandEnd> => {
    await Promise.all([once(child, "exit"), once(out, "close"), once(progress, "close")]);
    over = true;
    wake();
    const { exitCode: code } = child;
    return { code, state: code === 0 ? "landed" : `exit ${code}`, answer: { lines } };
  })();
  return {
    pid: child.pid ?? 0,
    ended,
    kill: () => void child.kill("SIGKILL"),
    said: (line) =>
      new Promise((resolve) => {
        const look = () => {
          if (!over && !lines.some((each) => line.test(each))) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
  };
}

/** Writes files of a work tree and commits them. */
export async function commitFiles(
  at: { git: FaultScene["git"]; dir: string },
  files: Readonly<Record<string, string>>,
  message: string,
): Promise<string> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(at.dir, path)), { recursive: true });
    await writeFile(join(at.dir, path), text);
  }
  await at.git(at.dir, "add", "-A");
  await at.git(at.dir, "commit", "-q", "-m", message);
  return at.git(at.dir, "rev-parse", "HEAD");
}

async function changeSettings(
  stateDir: string,
  settings: Readonly<Record<string, unknown>>,
): Promise<void> {
  const file = join(stateDir, "forge.json");
  const before = JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
  await writeFile(file, JSON.stringify({ ...before, ...settings }));
}

/** Kills the process that `process.json` names, if it is this forge's. */
export async function killForge(stateDir: string): Promise<boolean> {
  const file = await processFile(stateDir).catch(() => undefined);
  if (file === undefined || !commandLineOf(file.pid).includes(stateDir)) return false;
  return kill(file.pid);
}

function kill(pid: number): boolean {
  try {
    process.kill(pid, "SIGKILL");
    return true;
  } catch {
    return false;
  }
}

export interface SeenProcess {
  readonly pid: number;
  readonly command: string;
  /** Whether it belongs to a lane. */
  readonly lane: boolean;
}

/** Processes that were started for anything below a folder: its name is in what they were given. */
export function processesOf(dir: string): readonly SeenProcess[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((name): SeenProcess[] => {
    const pid = Number(name);
    const [command, environment] = [commandLineOf(pid), readProc(pid, "environ")];
    if (pid === process.pid || !(command.includes(dir) || environment.includes(dir))) return [];
    return [{ pid, command, lane: environment.includes("FORGE_LANE_RUN=") }];
  });
}

function commandLineOf(pid: number): string {
  return readProc(pid, "cmdline").replaceAll("\0", " ").trim();
}

/** Empty for a process that has ended. */
function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return "";
  }
}

/** Rows of the forge's store, read beside the forge. */
export function rows<T>(stateDir: string, sql: string, ...values: string[]): readonly T[] {
  const db = new DatabaseSync(join(stateDir, "forge.db"), { readOnly: true, timeout: 5000 });
  try {
    return db.prepare(sql).all(...values) as T[];
  } finally {
    db.close();
  }
}

/** What is left of a landing, in git, in the books and among the processes. */
export interface Aftermath {
  /** Merges of the branch on the target's first-parent line. */
  readonly merges: number;
  readonly records: readonly string[];
  readonly refs: string;
  readonly intended: number;
  readonly unfinishedLanes: number;
  readonly laneProcesses: readonly string[];
  readonly fsck: string;
}

/** How things are to be after a branch landed exactly once and nothing else is under way. */
const landedOnce: Aftermath = {
  merges: 1,
  records: ["merged"],
  refs: "",
  intended: 0,
  unfinishedLanes: 0,
  laneProcesses: [],
  fsck: "",
};

export function isLandedOnce(after: Aftermath): boolean {
  return JSON.stringify(after) === JSON.stringify(landedOnce);
}

export async function aftermathOf(scene: FaultScene, branch: string): Promise<Aftermath> {
  const { canonical, stateDir, git } = scene;
  const subjects = await git(canonical, "log", "--first-parent", "--format=%s", "main");
  const fsck = ["fsck", "--full", "--strict", "--no-dangling", "--no-progress"];
  const number = (sql: string) => rows<{ n: number }>(stateDir, sql)[0]?.n ?? -1;
  return {
    merges: subjects.split("\n").filter((line) => line === `Merge branch '${branch}' into main`)
      .length,
    records: rows<{ state: string }>(
      stateDir,
      "SELECT state FROM branches WHERE name = ? ORDER BY id",
      branch,
    ).map(({ state }) => state),
    refs: await git(canonical, "for-each-ref", "--format=%(refname)", `refs/heads/${branch}`),
    intended: number("SELECT count(*) AS n FROM journal WHERE state = 'intended'"),
    unfinishedLanes: number("SELECT count(*) AS n FROM lanes WHERE status IN ('queued','running')"),
    laneProcesses: processesOf(scene.dir)
      .filter(({ lane }) => lane)
      .map(({ command }) => command),
    fsck: await git(canonical, ...fsck),
  };
}
