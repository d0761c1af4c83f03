/**
 * Measures what the forge itself costs per lane that really runs: real commits, workspaces, sandbox
 * and processes, one lane after the other. Beside it, in the same run, the bare steps that no forge
 * can spare: the same git calls and the same sandboxed process, started as plainly as Node can, so
 * that the forge's runner, its store, logs and workspaces all count as the forge's own.
 */
import { spawn } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { readEnvironment } from "../src/config/environment.ts";
import { createCi } from "../src/server/ci/create.ts";
import { cacheName } from "../src/server/ci/lane-environment.ts";
import {
  bubblewrapOf,
  type Isolation,
  probeIsolation,
  sandboxArguments,
} from "../src/server/ci/sandbox.ts";
import type { OwnerSettings, ServerConfig } from "../src/server/config.ts";
import { openStore } from "../src/server/store/open-store.ts";
import type { Store } from "../src/server/store/store.ts";

/** Milliseconds for each lane. */
export interface LaneCost {
  readonly lanes: number;
  readonly isolation: Isolation;
  /** Of the clock, with all that runs. */
  readonly forge: number;
  readonly bare: number;
  /** Processor time of this process alone, without the processes that it starts. */
  readonly forgeCpu: number;
  readonly bareCpu: number;
}

const env = {
  PATH: process.env.PATH,
  HOME: "/nonexistent",
  LANG: "C.UTF-8",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "Bench",
  GIT_AUTHOR_EMAIL: "bench@example.invalid",
  GIT_COMMITTER_NAME: "Bench",
  GIT_COMMITTER_EMAIL: "bench@example.invalid",
};

const settings: OwnerSettings = {
  ...{ ci: "manifest", ciConcurrency: 1, laneTimeoutSeconds: 60, maxLogBytes: 1_000_000 },
  ...{ allowCiChange: false, laneEnv: {}, unsandboxedLanes: [] },
};

function configIn(dir: string): ServerConfig {
  const at = (name: string) => join(dir, "state", name);
  return {
    ...{ version: "0.0.0", stateDir: join(dir, "state"), repositoryDir: at("repository.git") },
    ...{ storeFile: at("forge.sqlite"), lockFile: at("lock"), logsDir: at("logs") },
    ...{ workspacesDir: at("workspaces"), cacheDir: at("cache"), hooksDir: at("hooks") },
    ...{ wakeFile: at("wake"), hiddenDirs: [], repo: "bench/bench", target: "main" },
    ...{ host: "127.0.0.1", port: 0, canonicalUrl: null, ownerNpub: "o", agentNpub: "a" },
    ...{ settings: () => settings, idleSeconds: null, env },
  };
}

function git(cwd: string, ...args: string[]): Promise<string> {
  return bare("git", args, cwd);
}

/** A process as bare as it gets; answers what it printed, where that goes to no file. */
function bare(
  file: string,
  args: readonly string[],
  cwd: string,
  output: "pipe" | number = "pipe",
): Promise<string> {
  const child = spawn(file, args, { cwd, env, stdio: ["ignore", output, "inherit", output] });
  let text = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    text += chunk.toString("utf8");
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0 ? resolve(text) : reject(new Error(`${file} ${args[0]}: exit code ${code}`)),
    );
  });
}

const files = 200;
const headCount = 5;

/** A canonical repository whose heads differ in one file each. */
async function makeHeads(dir: string, config: ServerConfig): Promise<string[]> {
  const work = join(dir, "work");
  mkdirSync(config.repositoryDir, { recursive: true });
  await git(config.repositoryDir, "init", "-q", "--bare", "--initial-branch=main");
  for (let index = 0; index < files; index += 1) {
    const folder = join(work, `part${index % 20}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `file${index}.txt`), `line ${index}\n`.repeat(20));
  }
  await git(work, "init", "-q", "--initial-branch=main");
  const heads: string[] = [];
  for (let index = 0; index < headCount; index += 1) {
    writeFileSync(join(work, "changed.txt"), `${index}\n`);
    await git(work, "add", "--all");
    await git(work, "commit", "-q", "-m", `head ${index}`);
    await git(work, "push", "-q", config.repositoryDir, `HEAD:refs/heads/b${index}`);
    heads.push((await git(work, "rev-parse", "HEAD")).trim());
  }
  return heads;
}

function queueRun(store: Store, head: string, lanes: number): number {
  const run = store.write((tx) =>
    tx.createRun({
      ...{ branchId: null, subject: "head", head, partial: false, rerunOf: null, reason: null },
      ...{ note: null, status: "success" },
      lanes: Array.from({ length: lanes }, (_, n) => ({
        ...{ lane: `l${n}`, title: "", entrypoint: "bench", command: ["true"], paths: [] },
        ...{ inputs: [], env: [], concurrencyGroup: null, timeoutSeconds: null, targetKey: null },
      })),
    }),
  );
  return run.id;
}

interface Took {
  readonly wall: number;
  readonly cpu: number;
}

async function measured(lanes: number, what: () => Promise<unknown>): Promise<Took> {
  const cpu = process.cpuUsage();
  const began = performance.now();
  await what();
  const wall = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  return { wall: wall / lanes, cpu: (user + system) / 1000 / lanes };
}

/** Resolves when every lane that was queued has ended. */
async function allEnded(store: Store): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = () => {
    if (!store.read.anyLaneQueued() && store.read.countRunningLanes() === 0) resolve();
  };
  const stop = store.onEvents(look);
  look();
  await promise;
  stop();
}

/** The forge's CI as it is, working off a queue. */
async function throughTheForge(
  config: ServerConfig,
  heads: readonly string[],
  lanes: number,
  isolation: Isolation,
): Promise<Took> {
  const clock = { now: () => new Date() };
  const store = openStore(config.storeFile, clock);
  const ci = createCi({ config, store, clock, isolation });
  const runs: number[] = [];
  const serve = async (count: number) => {
    for (let index = 0; index < count / 10; index += 1) {
      runs.push(queueRun(store, heads[index % heads.length] ?? "", 10));
    }
    ci.wake();
    await allEnded(store);
  };
  try {
    await serve(20);
    const took = await measured(lanes, () => serve(lanes));
    const failed = runs.filter((id) => store.read.run(id)?.status !== "success");
    if (failed.length > 0) throw new Error(`${failed.length} runs were not green`);
    return took;
  } finally {
    await ci.stop({ drain: true });
    store.close();
  }
}

/** A workspace of a bare loop: no more than git needs. */
async function bareWorkspace(config: ServerConfig, dir: string): Promise<string> {
  const tree = join(dir, "tree");
  for (const name of ["tree", "tmp", "var-tmp"]) mkdirSync(join(dir, name), { recursive: true });
  await git(dir, "init", "-q", tree);
  const alternates = join(tree, ".git", "objects", "info", "alternates");
  writeFileSync(alternates, `${join(config.repositoryDir, "objects")}\n`);
  return dir;
}

/**
 * Checkout, the process in its sandbox, and cleaning while the next lane's checkout is going on,
 * as the forge does it.
 */
async function bareSteps(
  config: ServerConfig,
  heads: readonly string[],
  lanes: number,
  isolation: Isolation,
): Promise<Took> {
  const dir = join(config.workspacesDir, "..", "bare");
  const cache = join(config.cacheDir, cacheName("l0"));
  mkdirSync(cache, { recursive: true });
  const places = [
    await bareWorkspace(config, join(dir, "a")),
    await bareWorkspace(config, join(dir, "b")),
  ];
  const cleaning = new Map<string, Promise<unknown>>();
  const clean = (tree: string) => git(tree, "clean", "-q", "-ffdx");
  const output = openSync(join(dir, "output"), "a");
  const commands = places.map((place) => {
    const wrapped = sandboxArguments(["/bin/true"], {
      ...{ tree: join(place, "tree"), tmp: join(place, "tmp"), varTmp: join(place, "var-tmp") },
      ...{ cache, objectsDir: join(config.repositoryDir, "objects"), programDirs: [] },
      hidden: [config.stateDir],
    });
    return isolation === "bwrap" ? [bubblewrapOf(env) ?? "bwrap", ...wrapped] : ["/bin/true"];
  });
  const lane = async (index: number) => {
    const place = places[index % places.length] ?? dir;
    const tree = join(place, "tree");
    await cleaning.get(place);
    const head = heads[Math.floor(index / 10) % heads.length] ?? "";
    await git(tree, "checkout", "-q", "-f", "--detach", head);
    const [file = "", ...args] = commands[index % places.length] ?? [];
    await bare(file, args, tree, output);
    cleaning.set(place, clean(tree));
  };
  const serve = async (count: number) => {
    for (let index = 0; index < count; index += 1) await lane(index);
    await Promise.all(cleaning.values());
  };
  try {
    await serve(20);
    return await measured(lanes, () => serve(lanes));
  } finally {
    closeSync(output);
  }
}

/** Runs `lanes` short lanes through the forge, in rounds that take turns with as many bare ones. */
export async function measureLanes(lanes: number, rounds = 5): Promise<LaneCost> {
  // Below /tmp, which a lane has one of its own of, the sandbox would have to make folders for it.
  const { stateHome } = readEnvironment();
  mkdirSync(stateHome, { recursive: true });
  const dir = realpathSync(mkdtempSync(join(stateHome, "land-bench-lanes-")));
  try {
    const config = configIn(dir);
    const heads = await makeHeads(dir, config);
    const isolation = probeIsolation(env);
    mkdirSync(config.workspacesDir, { recursive: true });
    const each = Math.ceil(lanes / rounds / 10) * 10;
    const forge: Took[] = [];
    const bareOnes: Took[] = [];
    for (let round = 0; round < rounds; round += 1) {
      bareOnes.push(await bareSteps(config, heads, each, isolation));
      forge.push(await throughTheForge(config, heads, each, isolation));
    }
    return {
      ...{ lanes: each * rounds, isolation },
      ...{ forge: mean(forge, "wall"), bare: mean(bareOnes, "wall") },
      ...{ forgeCpu: mean(forge, "cpu"), bareCpu: mean(bareOnes, "cpu") },
    };
  } finally {
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

function mean(all: readonly Took[], what: keyof Took): number {
  return all.reduce((sum, one) => sum + one[what], 0) / all.length;
}

/** Lines of a report. */
export function laneLines(cost: LaneCost): string[] {
  const line = (what: string, ms: number) =>
    `${`${cost.lanes} short lanes (${cost.isolation}): ${what}`.padEnd(62)} ${ms.toFixed(2).padStart(7)} ms`;
  return [
    line("each, of the clock", cost.forge),
    line("git, sandbox and process alone", cost.bare),
    line("the forge's own", cost.forge - cost.bare),
    line("processor time of the forge", cost.forgeCpu),
    line("of a bare loop that starts the same", cost.bareCpu),
    line("the forge's own processor time", cost.forgeCpu - cost.bareCpu),
  ];
}

if (import.meta.main) {
  for (const line of laneLines(await measureLanes(Number(process.argv[2] ?? 1000)))) {
    console.log(line);
  }
}
