import { chmodSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Git } from "../../src/git/git.ts";
import { parseStat } from "../../src/process/identity.ts";
import type { Ci } from "../../src/server/ci/ci.ts";
import { createCi } from "../../src/server/ci/create.ts";
import type { Isolation } from "../../src/server/ci/sandbox.ts";
import type { CiTiming } from "../../src/server/ci/timing.ts";
import type { OwnerSettings, ServerConfig } from "../../src/server/config.ts";
import { openStore } from "../../src/server/store/open-store.ts";
import type { LaneDefinition, LaneRecord, RunRecord } from "../../src/server/store/records.ts";
import type { Store, Writes } from "../../src/server/store/store.ts";
import { ciConfig, usualSettings } from "./ci-config.ts";

export { usualSettings } from "./ci-config.ts";

/** A lane as a manifest gives it, from what a test cares about. */
export function laneOf(part: Partial<LaneDefinition> & { lane: string }): LaneDefinition {
  return {
    title: part.lane,
    entrypoint: "a test's lane",
    command: ["true"],
    paths: [],
    inputs: [],
    env: [],
    concurrencyGroup: null,
    timeoutSeconds: null,
    targetKey: null,
    ...part,
  };
}

/** A lane that runs a shell script. */
export function shellLane(script: string, part: Partial<LaneDefinition> = {}): LaneDefinition {
  return laneOf({ lane: "shell", command: ["sh", "-c", script], ...part });
}

/** A run of a head, without its lanes. */
export function runOf(head: string): Omit<Parameters<Writes["createRun"]>[0], "lanes"> {
  return {
    branchId: null,
    subject: "head",
    head,
    partial: false,
    rerunOf: null,
    reason: null,
    note: null,
    status: "success",
  };
}

/** For `expect.poll` of what no event tells. */
export const eventually = { interval: 5, timeout: 10_000 };

/** Whether a process runs; one that ended and was not collected yet does not. */
export function isAlive(pid: number | string): boolean {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"))?.state !== "Z";
  } catch {
    return false;
  }
}

/** A real repository and store with CI working on them. */
export class CiBench {
  readonly dir: string;
  readonly config: ServerConfig;
  readonly store: Store;
  /** Where commits are made. */
  readonly work: Git;
  /** The canonical repository. */
  readonly bare: Git;
  settings: OwnerSettings = usualSettings;
  readonly warnings: string[] = [];
  #ci: Ci | undefined;
  #commits = 0;

  private constructor(dir: string) {
    this.dir = dir;
    this.config = ciConfig(dir, () => this.settings);
    this.store = openStore(this.config.storeFile, { now: () => new Date() });
    this.work = new Git({ dir: join(dir, "work"), env: this.config.env });
    this.bare = new Git({ dir: this.config.repositoryDir, bare: true, env: this.config.env });
  }

  static async make(): Promise<CiBench> {
    const dir = await mkdtemp(join(tmpdir(), "flk-ci-"));
    for (const name of ["work", "keys", "state/repository.git"]) {
      await mkdir(join(dir, name), { recursive: true });
    }
    const bench = new CiBench(dir);
    await bench.bare.run({ args: ["init", "-q", "--bare", "--initial-branch=main"] });
    await bench.work.run({ args: ["init", "-q", "--initial-branch=main"] });
    return bench;
  }

  get ci(): Ci {
    if (this.#ci === undefined) throw new Error("CI was not started");
    return this.#ci;
  }

  /** Starts CI; by default without a sandbox and with a quick pulse. */
  start(options: { isolation?: Isolation | "probe"; timing?: Partial<CiTiming> } = {}): Ci {
    const { isolation = "none", timing } = options;
    const note = (facts: object, message: string) =>
      this.warnings.push(`${message} ${JSON.stringify(facts)}`);
    this.#ci = createCi({
      config: this.config,
      store: this.store,
      clock: { now: () => new Date() },
      log: { warn: note, info: () => undefined },
      timing: { cancelGraceMs: 300, timeoutGraceMs: 300, logCheckMs: 20, ...timing },
      ...(isolation === "probe" ? {} : { isolation }),
    });
    return this.#ci;
  }

  /** Commits files on top of what is there (null removes one), and brings it to the repository. */
  async commit(files: Readonly<Record<string, string | Uint8Array | null>>): Promise<string> {
    for (const [name, content] of Object.entries(files)) {
      const path = join(this.work.place.dir, name);
      await mkdir(dirname(path), { recursive: true });
      if (content === null) await rm(path);
      else await writeFile(path, content);
      if (name.endsWith(".sh")) chmodSync(path, 0o755);
    }
    await this.work.run({ args: ["add", "--all"] });
    await this.work.run({ args: ["commit", "-q", "--allow-empty", "-m", "A change"] });
    const head = await this.work.text(["rev-parse", "HEAD"]);
    const ref = `+HEAD:refs/heads/made-${++this.#commits}`;
    await this.work.run({ args: ["push", "-q", this.config.repositoryDir, ref] });
    return head;
  }

  /** Queues a run of lanes for a head and asks CI to look. */
  queue(head: string, lanes: readonly LaneDefinition[], branchId: number | null = null): RunRecord {
    const run = this.store.write((tx) => tx.createRun({ ...runOf(head), branchId, lanes }));
    this.#ci?.wake();
    return run;
  }

  /** Runs one lane to its end. */
  async runLane(head: string, lane: LaneDefinition): Promise<LaneRecord & { log: string }> {
    const run = this.queue(head, [lane]);
    await this.until(() => this.store.read.run(run.id)?.finishedAt);
    const record = this.laneOfRun(run.id);
    return { ...record, log: this.log(record.id).toString("utf8") };
  }

  laneOfRun(runId: number, index = 0): LaneRecord {
    const lane = this.store.read.lanesOfRun(runId)[index];
    if (lane === undefined) throw new Error(`run ${runId} has no lane ${index}`);
    return lane;
  }

  log(laneId: number): Buffer {
    return readFileSync(join(this.config.logsDir, `${laneId}.log`));
  }

  /** Waits for the store to say something, looking whenever it changes. */
  until<T>(look: () => T | undefined | null | false, what = "the store's change"): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        stop();
        reject(new Error(`waited in vain for ${what}; ${this.warnings.join("; ")}`));
      }, 15_000);
      const check = () => {
        const seen = look();
        if (seen === undefined || seen === null || seen === false) return;
        clearTimeout(late);
        stop();
        resolve(seen);
      };
      const stop = this.store.onEvents(check);
      check();
    });
  }

  async dispose(): Promise<void> {
    await this.#ci?.stop({ drain: false });
    this.store.close();
    await rm(this.dir, { recursive: true, force: true });
  }
}
