import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vi } from "vitest";
import { isActive, runStatusOf } from "../../src/domain/status.ts";
import type { LaneHooks } from "../../src/server/ci/executor.ts";
import { targetState } from "../../src/server/ci/health.ts";
import type { LaneOutcome } from "../../src/server/ci/lane-result.ts";
import { pauseOf } from "../../src/server/ci/pause.ts";
import { recoverOrphans } from "../../src/server/ci/recovery.ts";
import { Scheduler } from "../../src/server/ci/scheduler.ts";
import { usualTiming } from "../../src/server/ci/timing.ts";
import { openStore } from "../../src/server/store/open-store.ts";
import type { LaneRecord } from "../../src/server/store/records.ts";
import type { Store } from "../../src/server/store/store.ts";
import { usualSettings } from "./ci-config.ts";

/** A lane's process in the model: it is there until the script lets it end. */
export interface ModelProcess {
  readonly lane: LaneRecord;
  readonly signal: AbortSignal;
  end(outcome: LaneOutcome | undefined | Error): void;
}

/** A folder in memory where there is one: the model dies with its process anyway. */
const memory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

/** A clock that is set by hand, also backwards. */
class SetClock {
  ms = Date.UTC(2026, 0, 1);
  now(): Date {
    return new Date(this.ms);
  }
}

/** The real store, claims, recovery and scheduler, with processes and a clock driven by hand. */
export class CiModel {
  readonly clock = new SetClock();
  readonly processes = new Map<string, ModelProcess>();
  readonly faults: string[] = [];
  /** Processes that were begun while their CI target was taken out. */
  readonly #trials = new Set<string>();
  limit = 2;
  #dir = "";
  #store: Store | undefined;
  #scheduler: Scheduler | undefined;
  /** Its executors answer nobody once their forge is dead. */
  #incarnation = 0;

  get store(): Store {
    if (this.#store === undefined) throw new Error("the forge is down");
    return this.#store;
  }

  static async make(): Promise<CiModel> {
    const model = new CiModel();
    model.#dir = await mkdtemp(join(memory, "flk-model-"));
    await model.begin();
    return model;
  }

  /** Starts the forge's CI: what an earlier one left is ended first, as `createCi` does. */
  async begin(): Promise<void> {
    this.#store = openStore(join(this.#dir, "forge.db"), this.clock);
    // Recovery ends the processes of the forge before; here they are but entries.
    this.processes.clear();
    const mine = this.#incarnation;
    const ready = recoverOrphans(this.#store, "model-without-processes");
    this.#scheduler = new Scheduler({
      store: this.#store,
      clock: this.clock,
      settings: () => ({ ...usualSettings, ciConcurrency: this.limit }),
      executor: {
        run: (lane, hooks) => this.#run(mine, lane, hooks),
        settled: async () => {},
      },
      timing: usualTiming,
      log: { info: () => {}, warn: () => {} },
      ready,
    });
    await ready;
    await this.settle();
  }

  /** As SIGKILL does it: nothing is recorded, nothing is told. */
  async kill(): Promise<void> {
    this.#incarnation += 1;
    this.#store?.close();
    this.processes.clear();
    vi.clearAllTimers();
    await this.settle();
    await this.begin();
  }

  async stopAndStart(): Promise<void> {
    const stopped = this.#scheduler?.stop({ drain: false });
    await this.settle();
    for (const process of [...this.processes.values()]) process.end(undefined);
    await stopped;
    this.store.close();
    await this.begin();
  }

  async pass(): Promise<void> {
    this.#scheduler?.wake();
    await this.settle();
  }

  /** Lanes, each with its claim's token, that run by the store's word and have a process. */
  atWork(): string[] {
    const running = this.store.read.runningLanes().map((lane) => `${lane.id} ${lane.claimToken}`);
    return running.filter((key) => this.processes.has(key));
  }

  /** The pulse: leases are renewed. */
  async beat(): Promise<void> {
    this.clock.ms += usualTiming.heartbeatMs;
    vi.advanceTimersByTime(usualTiming.heartbeatMs);
    await this.settle();
    const now = this.clock.now().toISOString();
    for (const lane of this.store.read.runningLanes()) {
      const isHere = this.processes.has(`${lane.id} ${lane.claimToken}`);
      const live = lane.heartbeatAt === now && (lane.leaseExpiresAt ?? "") > now;
      if (isHere && !live) this.faults.push(`lane ${lane.id} runs without a live heartbeat`);
    }
  }

  /** Until all that was set off has happened. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 4; turn += 1) {
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
    }
  }

  async dispose(): Promise<void> {
    this.#incarnation += 1;
    this.#store?.close();
    vi.clearAllTimers();
    await rm(this.#dir, { recursive: true, force: true });
  }

  #run(mine: number, lane: LaneRecord, hooks: LaneHooks): Promise<LaneOutcome | undefined> {
    const key = `${lane.id} ${lane.claimToken}`;
    for (const other of this.processes.values()) {
      if (other.lane.id === lane.id) this.faults.push(`lane ${lane.id} runs twice at once`);
      const group = other.lane.concurrencyGroup;
      if (group !== null && group === lane.concurrencyGroup) {
        this.faults.push(`group ${group} is held twice`);
      }
    }
    this.#noteTrial(key, lane);
    return new Promise((resolve, reject) => {
      const end = (outcome: LaneOutcome | undefined | Error) => {
        if (this.#incarnation !== mine || !this.processes.delete(key)) return;
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
      this.processes.set(key, { lane, signal: hooks.signal, end });
      if (this.processes.size > this.limit) {
        this.faults.push(`${this.processes.size} processes in ${this.limit} slots`);
      }
    });
  }

  /** A target that is taken out is tried by one lane at a time. */
  #noteTrial(key: string, { targetKey: target }: LaneRecord): void {
    const { read } = this.store;
    if (target === null || read.targetHealth(target)?.openedAt == null) return;
    for (const [other, { lane }] of this.processes) {
      const now = read.lane(lane.id);
      const wanted = now?.status === "running" && now.claimToken === lane.claimToken;
      if (lane.targetKey === target && this.#trials.has(other) && wanted) {
        this.faults.push(`target ${target} is tried by two lanes at once`);
      }
    }
    this.#trials.add(key);
  }

  /** What must hold after every pass; answers what does not. */
  broken(): string[] {
    for (const [key, { lane }] of this.processes) {
      const health = this.store.read.targetHealth(lane.targetKey ?? "");
      if (health?.openedAt == null) this.#trials.delete(key);
    }
    const claims = [...this.#brokenWorkers(), ...this.#brokenClaims()];
    return [...this.faults, ...claims, ...this.#brokenRuns(), ...this.#brokenWaits()];
  }

  /** Whoever lost its claim is told to end at once, not at the next pulse. */
  #brokenWorkers(): string[] {
    return [...this.processes.values()].flatMap(({ lane, signal }) => {
      const now = this.store.read.lane(lane.id);
      const ours = now?.status === "running" && now.claimToken === lane.claimToken;
      return ours || signal.aborted ? [] : [`lane ${lane.id} goes on without its claim`];
    });
  }

  #brokenClaims(): string[] {
    const now = this.clock.now().toISOString();
    return this.store.read.runningLanes().flatMap((lane) => {
      if (this.processes.has(`${lane.id} ${lane.claimToken}`)) return [];
      const live = (lane.leaseExpiresAt ?? "") > now && (lane.heartbeatAt ?? "~") <= now;
      return live ? [] : [`lane ${lane.id} runs with neither a worker nor a live lease`];
    });
  }

  #brokenRuns(): string[] {
    const { read } = this.store;
    const found: string[] = [];
    for (let id = 1; ; id += 1) {
      const run = read.run(id);
      if (run === undefined) return found;
      const lanes = read.lanesOfRun(id);
      const status = runStatusOf(lanes.map((lane) => lane.status));
      if (lanes.length > 0 && run.status !== status) found.push(`run ${id} is not as its lanes`);
      if (isActive(run.status) !== (run.finishedAt === null)) found.push(`run ${id}: wrong end`);
    }
  }

  /** Every waiting lane: one that could run does, and the others say what keeps them. */
  #brokenWaits(): string[] {
    const { read } = this.store;
    const running = read.runningLanes();
    const keys = new Set(running.map((lane) => `${lane.id} ${lane.claimToken}`));
    for (const key of this.processes.keys()) keys.add(key);
    const holders = [...running, ...[...this.processes.values()].map((one) => one.lane)];
    const groups = new Set(holders.map((lane) => lane.concurrencyGroup));
    const nightlies = [...keys].filter((key) => this.#isNightly(Number(key.split(" ")[0]))).length;
    const nightlyRoom = Math.max(1, this.limit - 1) - nightlies;
    const room = this.limit - keys.size;
    const paused = pauseOf(read) !== null;
    const first = new Set<string>();
    return read.waitingLanes().flatMap((lane) => {
      const ending = [...this.processes.values()].some((one) => one.lane.id === lane.id);
      if (ending) return [];
      const { targetKey: target = null, concurrencyGroup: group } = lane;
      const health = target === null ? undefined : read.targetHealth(target);
      const state = targetState(health, this.clock.now(), running).kind;
      const unwell = state === "open" || state === "trial";
      const nightly = this.#isNightly(lane.id);
      const behind = group !== null && first.has(group);
      if (group !== null && !unwell && !nightly) first.add(group);
      const expected = paused
        ? ["scheduler_paused"]
        : unwell
          ? ["blocked_by_target_health"]
          : group !== null && groups.has(group)
            ? ["blocked_by_concurrency_group"]
            : nightly && nightlyRoom <= 0
              ? ["waiting_for_capacity", "blocked_by_concurrency_group"]
              : room > 0
                ? ["nothing: it could run"]
                : behind || (nightly && group !== null)
                  ? ["blocked_by_concurrency_group", "waiting_for_capacity"]
                  : ["waiting_for_capacity"];
      if (expected.includes(lane.reason)) return [];
      // It was lost before, and says so for as long as it waits for a slot alone.
      const retries = read.lane(lane.id)?.retryCount ?? 0;
      const lost = lane.reason === "stale_recovered" && retries > 0;
      if (lost && expected.includes("waiting_for_capacity")) return [];
      return [`lane ${lane.id} says ${lane.reason}; true is ${expected[0]}; room ${room}`];
    });
  }

  #isNightly(laneId: number): boolean {
    const lane = this.store.read.lane(laneId);
    return lane !== undefined && this.store.read.run(lane.runId)?.subject === "nightly";
  }
}
