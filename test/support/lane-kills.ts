import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Isolation } from "../../src/server/ci/sandbox.ts";
import type { CiTiming } from "../../src/server/ci/timing.ts";
import type { LaneDefinition, LaneRecord } from "../../src/server/store/records.ts";
import { CiBench, shellLane, usualSettings } from "./ci.ts";
import {
  endProcessesIn,
  type LaneProcessSeen,
  laneProcesses,
  lifelinesOf,
} from "./lane-processes.ts";

const program = fileURLToPath(new URL("./ci-forge.ts", import.meta.url));

/** What a kill may be aimed at: the forge, a lane's own process, or what stands between. */
export const aims = ["forge", "lane", "shim", "keeper", "git", "lifeline"] as const;
export type Aim = (typeof aims)[number];

export const killLimit = 3;

/** Numbers from 0 to below 1, always the same for a seed. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A lane's last words: only who gets there has done its work in that claim. */
const proof = 'touch "$XDG_CACHE_HOME/did-$FORGE_LANE_RUN"';

/** What a hidden daemon of a sandboxed lane is known by. */
export const hiddenSeconds = String(40_000_000 + process.pid);

/** Lanes of all kinds; those whose name begins with `bare` run without the sandbox. */
const scripts: Readonly<Record<string, string>> = {
  quick: proof,
  slow: `sleep 0.3; ${proof}`,
  daemon: `(setsid sleep 1000 &); sleep 0.1; ${proof}`,
  stubborn: `trap '' TERM; exec > /dev/null 2>&1; sleep 0.2; ${proof}`,
  broken: `sleep 0.1; ${proof}; exit 3`,
  "bare-slow": `sleep 0.3; ${proof}`,
  "bare-daemon": `(setsid sleep 1000 &); (env -i sleep 1000 &); trap '' TERM; sleep 0.1; ${proof}`,
  "bare-forks": `for i in 1 2 3 4 5 6 7 8; do (setsid sh -c 'sleep 1000 & sleep 1000' &); done; ${proof}`,
};

/** Forges that are killed at random moments, and what became of their lanes. */
export class KillScene {
  readonly bench: CiBench;
  readonly faults: string[] = [];
  /** What was done to a claim, by `LANE TOKEN`. */
  readonly aimedAt = new Map<string, Set<Aim>>();
  readonly kills: Record<Aim, number> = {
    ...{ forge: 0, lane: 0, shim: 0, keeper: 0, git: 0, lifeline: 0 },
  };
  readonly isolation: Isolation;
  readonly #random: () => number;
  readonly #heads: string[] = [];
  readonly #branches: number[] = [];
  readonly runs: number[] = [];
  forge: ChildProcess | undefined;

  private constructor(bench: CiBench, isolation: Isolation, random: () => number) {
    this.bench = bench;
    this.isolation = isolation;
    this.#random = random;
  }

  static async make(isolation: Isolation, random: () => number): Promise<KillScene> {
    const scene = new KillScene(await CiBench.make(), isolation, random);
    for (const name of ["one", "two", "three"]) {
      const head = await scene.bench.commit({ "file.txt": `${name}\n` });
      scene.#heads.push(head);
      const about = { title: name, target: "main", mergeBase: null, problem: null };
      const branch = scene.bench.store.write((tx) => tx.openBranch({ name, head, ...about }));
      scene.#branches.push(branch.id);
    }
    return scene;
  }

  get instance(): string {
    return this.bench.store.read.setting("ci_instance") ?? "none yet";
  }

  /** Starts a forge; the one before must be dead. */
  start(): void {
    const unsandboxedLanes = Object.keys(scripts).filter((name) => name.startsWith("bare"));
    const settings = { ...usualSettings, ciConcurrency: killLimit, unsandboxedLanes };
    const timing: Partial<CiTiming> = {
      ...{ heartbeatMs: 50, leaseMs: 2000, logCheckMs: 20 },
      ...{ timeoutGraceMs: 100, cancelGraceMs: 100 },
    };
    const args = [program, this.bench.dir, this.isolation];
    const told = [settings, timing].map((each) => JSON.stringify(each));
    this.forge = spawn(process.execPath, [...args, ...told], { stdio: "inherit" });
  }

  pick<T>(all: readonly T[]): T | undefined {
    return all[Math.floor(this.#random() * all.length)];
  }

  /** Keeps a few lanes waiting, of random branches and kinds. */
  feed(): void {
    const { store } = this.bench;
    while (store.read.countQueuedLanes() < 4) {
      const at = Math.floor(this.#random() * this.#heads.length);
      const names = Object.keys(scripts).filter(() => this.#random() < 0.35);
      if (names.length === 0) continue;
      const run = this.bench.queue(
        this.#heads[at] ?? "",
        names.map((name) => this.#lane(name)),
        this.#branches[at] ?? null,
      );
      this.runs.push(run.id);
    }
  }

  #lane(name: string): LaneDefinition {
    const grouped = this.#random() < 0.2 ? { concurrencyGroup: "device" } : {};
    // Only the sandbox can hold who hides.
    const boxed = this.isolation === "bwrap" && !name.startsWith("bare");
    const hide = boxed ? `(env -i setsid sleep ${hiddenSeconds} &);` : "";
    return shellLane(`${hide} ${scripts[name]}`, { lane: name, ...grouped });
  }

  /** Now and then nobody wants a run any more. */
  supersede(): void {
    if (this.#random() > 0.15) return;
    const run = this.pick(this.runs.slice(-6));
    if (run === undefined) return;
    this.bench.store.write((tx) => {
      for (const lane of tx.lanesOfRun(run)) {
        tx.endLane(lane.id, { status: "failed", failureKind: "superseded", note: "a newer head" });
      }
      tx.refoldRun(run, "superseded");
    });
  }

  /** Kills something of a kind, at a random moment. False where there was nothing. */
  async kill(aim: Aim): Promise<boolean> {
    await pause(this.#random() * 120);
    let killed = aim === "forge" ? await this.#killForge() : this.#killOther(aim);
    for (let tries = 0; !killed && aim !== "forge" && tries < 40; tries += 1) {
      await pause(this.#random() * 10);
      killed = this.#killOther(aim);
    }
    if (killed) this.kills[aim] += 1;
    return killed;
  }

  async #killForge(): Promise<boolean> {
    if (this.forge === undefined) return false;
    const { exitCode } = this.forge;
    if (exitCode !== null) throw new Error(`the forge ended by itself, with code ${exitCode}`);
    const gone = once(this.forge, "exit");
    const killed = this.forge.kill("SIGKILL");
    await gone;
    this.forge = undefined;
    return killed;
  }

  #killOther(aim: Aim): boolean {
    const all = laneProcesses(this.instance);
    const pid = aim === "lifeline" ? this.pick(lifelinesOf(this.instance)) : undefined;
    const one = aim === "lifeline" ? undefined : this.pick(all.filter(this.#isOf(aim, all)));
    const victim = pid ?? one?.pid;
    if (victim === undefined) return false;
    try {
      process.kill(victim, "SIGKILL");
    } catch {
      return false;
    }
    const claim = one?.claim ?? null;
    if (claim !== null) this.aimedAt.set(claim, (this.aimedAt.get(claim) ?? new Set()).add(aim));
    return true;
  }

  #isOf(aim: Aim, all: readonly LaneProcessSeen[]): (one: LaneProcessSeen) => boolean {
    const byPid = new Map(all.map((one) => [one.pid, one]));
    const isShim = (one: LaneProcessSeen | undefined) => one?.command.includes("--json-status-fd");
    return (one) => {
      if (aim === "git") return one.claim === null;
      if (one.claim === null) return false;
      const keeper = isShim(one) && isShim(byPid.get(one.parent));
      if (aim === "keeper") return keeper === true;
      if (aim === "shim") return isShim(one) === true && keeper !== true;
      return isShim(one) !== true;
    };
  }

  lanesAtWork(): number {
    return laneProcesses(this.instance).filter(({ claim }) => claim !== null).length;
  }

  /** What must hold at any moment, whoever was killed. */
  look(): void {
    const claims = () =>
      new Set(laneProcesses(this.instance).flatMap(({ claim }) => (claim === null ? [] : [claim])));
    const first = claims();
    const again = claims();
    // There at both times, so all of them were there at once.
    const living = [...first].filter((claim) => again.has(claim));
    if (living.length > killLimit) this.faults.push(`${living.length} lanes at once: ${living}`);
    const lanes = living.map((claim) => claim.split(" ")[0]);
    if (new Set(lanes).size < lanes.length) this.faults.push(`a lane runs twice: ${living}`);
    const running = this.bench.store.read.countRunningLanes();
    if (running > killLimit) this.faults.push(`${running} slots in use`);
  }

  /** Lanes that do not say what became of them. */
  untrue(): readonly string[] {
    return this.runs
      .flatMap((run) => this.bench.store.read.lanesOfRun(run))
      .flatMap((lane) => {
        const why = this.#lie(lane);
        return why === undefined ? [] : [`lane ${JSON.stringify(facts(lane))}: ${why}`];
      });
  }

  #lie(lane: LaneRecord): string | undefined {
    const aimed = this.aimedAt.get(`${lane.id} ${lane.claimToken}`) ?? new Set<Aim>();
    if (lane.retryCount > 3) return "tried too often";
    if (lane.status === "success") {
      if (lane.lane === "broken") return "it cannot succeed";
      return this.#did(lane) ? undefined : "it never got to its end";
    }
    switch (lane.failureKind) {
      case "superseded":
        return undefined;
      case "lost":
        return lane.retryCount === 3 ? undefined : "given up too early";
      case "infrastructure":
        return aimed.has("shim") || this.kills.git > 0 ? undefined : "its sandbox was well";
      case "test_failure":
        if (lane.lane === "broken" && lane.note === "exit code 3") return undefined;
        return aimed.size > 0 ? undefined : "nothing was done to it";
      default:
        return "it has not ended";
    }
  }

  /** Whether that very claim of it left its proof. */
  #did({ lane, id, claimToken }: LaneRecord): boolean {
    const left = readdirSync(join(this.bench.config.cacheDir, lane, "xdg"));
    return left.some((name) => name.startsWith("did-") && name.endsWith(`-${id}-${claimToken}`));
  }

  async dispose(): Promise<void> {
    await this.#killForge();
    await this.bench.dispose();
    endProcessesIn(this.bench.config.workspacesDir);
  }
}

function facts({ id, lane, status, failureKind, note, retryCount, claimToken }: LaneRecord) {
  return { id, lane, status, failureKind, note, retryCount, claimToken };
}
