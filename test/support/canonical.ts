import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Git } from "../../src/git/git.ts";
import type { Ci, RunPlan } from "../../src/server/ci/ci.ts";
import type { OwnerSettings, ServerConfig } from "../../src/server/config.ts";
import { createRepository } from "../../src/server/repository/create-repository.ts";
import type { CanonicalRepository } from "../../src/server/repository/repository.ts";
import { openStore } from "../../src/server/store/open-store.ts";
import type { BranchRecord, LaneDefinition } from "../../src/server/store/records.ts";
import type { Clock, Store, Writes } from "../../src/server/store/store.ts";
import { gitTestEnvironment } from "./git-environment.ts";
import { type KeptFolder, keepFolder, writeFolder } from "./kept-folder.ts";

/** A clock that stands still until it is moved. */
export class HandClock implements Clock {
  #now = Date.UTC(2026, 0, 1);
  now(): Date {
    return new Date(this.#now);
  }
  tick(ms: number): void {
    this.#now += ms;
  }
}

export function lane(name: string): LaneDefinition {
  return {
    lane: name,
    title: name,
    entrypoint: `./${name}`,
    command: [`./${name}`],
    paths: [],
    inputs: [],
    env: [],
    concurrencyGroup: null,
    timeoutSeconds: null,
    targetKey: null,
  };
}

export function planOf(...lanes: string[]): RunPlan {
  return { lanes: lanes.map(lane), status: "success", reason: null, note: null };
}

/** CI that plans as it is told and refuses what the forge must never ask. */
export class ScriptedCi implements Pick<Ci, "plan" | "lanesChangedBy" | "wake"> {
  /** What to do for the next heads; by default one lane, `test`. */
  planner: (head: string, mergeBase: string) => RunPlan | Promise<RunPlan> = () => planOf("test");
  changed: readonly string[] = [];
  readonly planned: { head: string; mergeBase: string }[] = [];
  wakes = 0;

  async plan(head: string, mergeBase: string | null): Promise<RunPlan> {
    if (!/^[0-9a-f]{40,64}$/.test(head)) throw new Error(`asked to plan ${head}`);
    if (mergeBase === null) throw new Error(`asked to plan ${head} without a merge base`);
    this.planned.push({ head, mergeBase });
    return this.planner(head, mergeBase);
  }
  async lanesChangedBy(): Promise<readonly string[]> {
    return this.changed;
  }
  wake(): void {
    this.wakes += 1;
  }
}

const ownerSettings: OwnerSettings = {
  ci: "manifest",
  ciConcurrency: null,
  laneTimeoutSeconds: 60,
  maxLogBytes: 1_000_000,
  allowCiChange: false,
  laneEnv: {},
  unsandboxedLanes: [],
};

export interface BenchOptions {
  readonly seeded?: boolean;
  readonly target?: string;
  readonly objectFormat?: "sha1" | "sha256";
}

const prepared = new Map<string, Promise<KeptFolder>>();

/** The folder of a forge that was opened once; writing it out is quicker than making it. */
function preparedForge(options: BenchOptions): Promise<KeptFolder> {
  const key = JSON.stringify(options);
  const making = prepared.get(key) ?? prepareForge(options);
  prepared.set(key, making);
  return making;
}

async function prepareForge(options: BenchOptions): Promise<KeptFolder> {
  const dir = await mkdtemp(join(tmpdir(), "flk-canonical-"));
  try {
    const bench = await CanonicalBench.makeAnew(options, dir);
    bench.store.close();
    return await keepFolder(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** A canonical repository with its store, and a clone that pushes to it. */
export class CanonicalBench {
  readonly dir: string;
  readonly config: ServerConfig;
  readonly clock = new HandClock();
  readonly ci = new ScriptedCi();
  readonly warnings: string[] = [];
  /** The agent's clone. */
  readonly work: Git;
  /** The canonical repository, looked at from outside. */
  readonly bare: Git;
  settings: OwnerSettings = ownerSettings;
  store: Store;
  repository: CanonicalRepository;

  private constructor(dir: string, config: ServerConfig) {
    this.dir = dir;
    this.config = { ...config, settings: () => this.settings };
    this.work = new Git({ dir: join(dir, "work"), env: config.env });
    this.bare = new Git({ dir: config.repositoryDir, bare: true, env: config.env });
    this.store = openStore(config.storeFile, this.clock);
    this.repository = this.#repository();
  }

  /** `seeded: false` leaves the forge without a target. */
  static async make(options: BenchOptions = {}): Promise<CanonicalBench> {
    const dir = await mkdtemp(join(tmpdir(), "flk-canonical-"));
    await writeFolder(await preparedForge(options), "", dir);
    return CanonicalBench.#openIn(dir, options);
  }

  /** From nothing, as `make` does once for all benches of a process. */
  static async makeAnew(options: BenchOptions, dir: string): Promise<CanonicalBench> {
    const git = new Git({ dir: join(dir, "work"), env: gitTestEnvironment(dir, "Agent") });
    await mkdir(git.place.dir);
    const format = `--object-format=${options.objectFormat ?? "sha1"}`;
    await git.run({ args: ["init", "--quiet", "--template=", format, "--initial-branch=start"] });
    await commitIn(git, { "base.txt": "base\n" }, "The beginning");
    return CanonicalBench.#openIn(dir, options);
  }

  static async #openIn(dir: string, options: BenchOptions): Promise<CanonicalBench> {
    const target = options.target ?? "main";
    const env = gitTestEnvironment(dir, "Agent");
    const work = new Git({ dir: join(dir, "work"), env });
    const sha = await work.text(["rev-parse", "HEAD"]);
    const seed = options.seeded === false ? null : { fromRepository: work.place.dir, sha };
    const bench = new CanonicalBench(dir, configIn(dir, target, seed, env));
    await bench.repository.open();
    return bench;
  }

  /** As after a crash: everything in memory is gone, the clock goes on. */
  async restart(): Promise<void> {
    this.store.close();
    this.store = openStore(this.config.storeFile, this.clock);
    this.repository = this.#repository();
    await this.repository.open();
  }

  async dispose(): Promise<void> {
    this.store.close();
    await rm(this.dir, { recursive: true, force: true });
  }

  /** Commits files on the clone's checked-out commit and answers the new sha. */
  commit(files: Readonly<Record<string, string>>, message = "A change"): Promise<string> {
    return commitIn(this.work, files, message);
  }

  /** Starts from a commit of the canonical repository, by default the target's tip. */
  async startFrom(revision?: string): Promise<void> {
    const from = revision ?? `refs/heads/${this.config.target}`;
    const sha = await this.bare.text(["rev-parse", from]);
    await this.work.run({
      args: ["fetch", "--quiet", this.config.repositoryDir, `+${from}:refs/from/it`],
      answers: [0, 128],
    });
    await this.work.run({ args: ["checkout", "--quiet", "--detach", sha] });
  }

  /** Pushes a commit, by default the clone's own. Answers what git said. */
  async push(branch: string, sha = "HEAD"): Promise<{ ok: boolean; said: string }> {
    return this.pushRef(`refs/heads/${branch}`, sha);
  }

  async pushRef(ref: string, sha = "HEAD"): Promise<{ ok: boolean; said: string }> {
    const spec = sha === "" ? `:${ref}` : `+${sha}:${ref}`;
    const answer = await this.work.run({
      args: ["push", "--quiet", this.config.repositoryDir, spec],
      answers: [0, 1],
    });
    return { ok: answer.exitCode === 0, said: answer.stderr };
  }

  /** A branch with one commit on top of the target, pushed and taken in. */
  async branch(name: string, files?: Readonly<Record<string, string>>): Promise<BranchRecord> {
    await this.startFrom();
    await this.commit(files ?? { [`${name.replaceAll("/", "-")}.txt`]: name }, `Add ${name}`);
    const pushed = await this.push(name);
    if (!pushed.ok) throw new Error(pushed.said);
    await this.repository.ingest();
    return this.record(name);
  }

  record(name: string): BranchRecord {
    const branch = this.store.read.branchByName(name);
    if (branch === undefined) throw new Error(`no record of ${name}`);
    return branch;
  }

  /** A branch as above whose run succeeded. */
  async greenBranch(name: string, files?: Readonly<Record<string, string>>): Promise<BranchRecord> {
    const branch = await this.branch(name, files);
    this.endLanes(branch, "success");
    return branch;
  }

  /** Lets all unfinished lanes of a branch's newest run end. */
  endLanes(branch: BranchRecord, status: "success" | "failed"): void {
    const [run] = this.store.read.runsOfBranch(branch.id, 1);
    if (run === undefined) throw new Error(`no run of ${branch.name}`);
    this.store.write((tx) => {
      for (const each of tx.lanesOfRun(run.id)) endLane(tx, each.id, status, this.clock);
      tx.refoldRun(run.id);
    });
  }

  /** Tip of a branch in the canonical repository; undefined where there is none. */
  async tip(branch: string): Promise<string | undefined> {
    return this.ref(`refs/heads/${branch}`);
  }

  async ref(ref: string): Promise<string | undefined> {
    const answer = await this.bare.run({
      args: ["rev-parse", "--verify", "--quiet", ref],
      answers: [0, 1],
    });
    return answer.exitCode === 0 ? answer.stdout.trim() : undefined;
  }

  eventKinds(after = 0): string[] {
    return this.store.read.eventsAfter(after, 1000).map((event) => event.kind);
  }

  #repository(): CanonicalRepository {
    const log = { warn: (_facts: object, words: string) => void this.warnings.push(words) };
    const { config, store, ci, clock } = this;
    return createRepository({ config, store, ci, clock, log });
  }
}

export function endLane(tx: Writes, id: number, status: "success" | "failed", clock: Clock): void {
  const now = clock.now().toISOString();
  const claimed = tx.claimLane(id, { now, expiresAt: now });
  if (claimed === undefined) return;
  const failureKind = status === "failed" ? "test_failure" : null;
  tx.finishLane(id, claimed.claimToken, { status, failureKind, note: null });
}

async function commitIn(
  git: Git,
  files: Readonly<Record<string, string>>,
  message: string,
): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    const file = join(git.place.dir, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  await git.run({ args: ["add", "--all"] });
  await git.run({ args: ["commit", "--quiet", "--allow-empty", "--file=-"], input: message });
  return git.text(["rev-parse", "HEAD"]);
}

function configIn(
  dir: string,
  target: string,
  seed: (ServerConfig["seed"] & object) | null,
  env: Readonly<Record<string, string>>,
): ServerConfig {
  const stateDir = join(dir, "state");
  return {
    version: "0.0.0",
    stateDir,
    repositoryDir: join(stateDir, "canonical.git"),
    storeFile: join(stateDir, "forge.db"),
    lockFile: join(stateDir, "forge.lock"),
    logsDir: join(stateDir, "logs"),
    workspacesDir: join(stateDir, "workspaces"),
    cacheDir: join(stateDir, "cache"),
    hooksDir: join(stateDir, "hooks"),
    wakeFile: join(stateDir, "wake"),
    hiddenDirs: [],
    repo: "example/repo",
    target,
    seed,
    host: "127.0.0.1",
    port: 0,
    canonicalUrl: null,
    ownerNpub: "npub1owner",
    agentNpub: "npub1agent",
    settings: () => ownerSettings,
    idleSeconds: null,
    env,
  };
}
