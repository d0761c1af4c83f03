import { availableParallelism } from "node:os";
import { setImmediate } from "node:timers/promises";
import type { OwnerSettings } from "../config.ts";
import { HealthNotes } from "../health.ts";
import type { LaneRecord } from "../store/records.ts";
import type { Clock, Store, Writes } from "../store/store.ts";
import { claimLanes } from "./claim.ts";
import type { Executor } from "./executor.ts";
import { noteHealth } from "./health.ts";
import { infrastructureFailure, type LaneOutcome } from "./lane-result.ts";
import type { CiLog } from "./log.ts";
import { recoverLapsed } from "./recovery.ts";
import type { CiTiming } from "./timing.ts";

export interface SchedulerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly settings: () => OwnerSettings;
  readonly executor: Pick<Executor, "run" | "settled">;
  readonly timing: CiTiming;
  readonly log: CiLog;
  /** Waited for before the first pass. */
  readonly ready: Promise<unknown>;
}

/** One lane running here. */
interface Worker {
  readonly lane: LaneRecord;
  readonly calledOff: AbortController;
  readonly done: Promise<void>;
}

/** Lanes that may run at once. */
export function laneLimit(settings: OwnerSettings): number {
  return Math.max(0, settings.ciConcurrency ?? availableParallelism());
}

/**
 * Starts queued lanes as capacity allows. A pass claims lanes and starts each without waiting for
 * it; the end of a lane asks for the next pass. The store alone says what runs and what waits.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #workers = new Map<number, Worker>();
  readonly #stopListening: () => void;
  readonly #pulse: NodeJS.Timeout;
  readonly health: HealthNotes;
  #passWanted = false;
  #passing = false;
  #stopping: "no" | "draining" | "ending" = "no";

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.health = new HealthNotes(() => options.clock.now());
    this.#stopListening = options.store.onEvents(() => this.#afterChange());
    this.#pulse = setInterval(() => this.#beat(), options.timing.heartbeatMs).unref();
    this.wake();
  }

  /** Asks for a pass. A wake during a pass brings another one after it. */
  wake(): void {
    this.#passWanted = true;
    if (!this.#passing) void this.#passes();
  }

  idle(): boolean {
    const { read } = this.#options.store;
    return (
      this.#workers.size === 0 && read.countQueuedLanes() === 0 && read.countRunningLanes() === 0
    );
  }

  /** Claims nothing more. Waits for running lanes, or ends them and puts them back. */
  async stop(how: { readonly drain: boolean }): Promise<void> {
    if (this.#stopping !== "ending") this.#stopping = how.drain ? "draining" : "ending";
    if (this.#stopping === "ending") {
      for (const worker of this.#workers.values()) worker.calledOff.abort();
    }
    while (this.#workers.size > 0) {
      await Promise.all([...this.#workers.values()].map((worker) => worker.done));
    }
    clearInterval(this.#pulse);
    this.#stopListening();
    await this.#options.ready;
    await this.#options.executor.settled();
  }

  async #passes(): Promise<void> {
    this.#passing = true;
    await this.#options.ready;
    while (this.#passWanted) {
      this.#passWanted = false;
      try {
        this.#pass();
        this.health.passed();
        // A pass that wants another at once lets others have their turn in between.
        if (this.#passWanted) await setImmediate();
      } catch (error) {
        this.health.failed(error);
        // The pulse asks again while lanes are queued.
        this.#options.log.warn({ error: wordsOf(error) }, "a scheduler pass failed");
      }
    }
    this.#passing = false;
  }

  #pass(): void {
    if (this.#stopping !== "no") return;
    const { store, settings } = this.#options;
    const limit = laneLimit(settings());
    const claimed = store.write((tx) => {
      const lease = this.#lease();
      recoverLapsed(tx, lease.now, new Set(this.#workers.keys()));
      const workers = [...this.#workers.values()].map((worker) => worker.lane);
      return claimLanes(tx, { limit, lease, workers });
    });
    for (const lane of claimed.lanes) this.#start(lane);
    if (claimed.untold) this.#passWanted = true;
  }

  #start(lane: LaneRecord): void {
    const calledOff = new AbortController();
    const done = this.#work(lane, calledOff.signal).finally(() => {
      this.#workers.delete(lane.id);
      this.wake();
    });
    this.#workers.set(lane.id, { lane, calledOff, done });
  }

  async #work(lane: LaneRecord, signal: AbortSignal): Promise<void> {
    const { store, executor, log } = this.#options;
    let outcome: LaneOutcome | undefined;
    try {
      const branch = lane.branchId === null ? undefined : store.read.branch(lane.branchId);
      outcome = await executor.run(lane, {
        signal,
        branch: branch?.name ?? null,
        started: (process, isolation) =>
          this.#note(lane, (tx) =>
            tx.recordLaneProcess(lane.id, lane.claimToken, process, isolation),
          ),
        executorIds: ({ runId, targetId }) =>
          this.#note(lane, (tx) =>
            tx.recordExecutorIds(lane.id, lane.claimToken, { runId, targetId }),
          ),
      });
    } catch (error) {
      log.warn({ lane: lane.id, error: wordsOf(error) }, "a lane's worker failed");
      outcome = infrastructureFailure(`the forge could not run it: ${wordsOf(error)}`);
    }
    try {
      this.#record(lane, outcome);
    } catch (error) {
      // Its lease runs out, and it is tried again.
      log.warn({ lane: lane.id, error: wordsOf(error) }, "a lane's result could not be recorded");
    }
  }

  /** Notes something of a running lane. False: its claim is lost. Trouble does not end a lane. */
  #note(lane: LaneRecord, body: (tx: Writes) => boolean): boolean {
    try {
      return this.#options.store.write(body);
    } catch (error) {
      const { log } = this.#options;
      log.warn({ lane: lane.id, error: wordsOf(error) }, "a running lane could not be noted");
      return true;
    }
  }

  /** Records a result; a lane that was called off by `stop` goes back into the queue. */
  #record(lane: LaneRecord, outcome: LaneOutcome | undefined): void {
    this.#options.store.write((tx) => {
      if (outcome !== undefined) {
        const ours = tx.finishLane(lane.id, lane.claimToken, outcome);
        // Whoever lost its claim says nothing any more, of its target neither.
        if (ours) noteHealth(tx, lane, outcome, this.#options.clock.now().toISOString());
      }
      if (outcome === undefined && isOurs(tx.lane(lane.id), lane))
        tx.requeueLane(lane.id, "queued");
      tx.refoldRun(lane.runId);
    });
  }

  /** Ends workers whose claim was ended from outside, and looks for work. */
  #afterChange(): void {
    const { read } = this.#options.store;
    for (const { lane, calledOff } of this.#workers.values()) {
      if (!isOurs(read.lane(lane.id), lane)) calledOff.abort();
    }
    if (read.countQueuedLanes() > 0) this.wake();
  }

  /** Renews the leases of the lanes that run here. */
  #beat(): void {
    const { store, log } = this.#options;
    try {
      if (this.#workers.size > 0) {
        store.write((tx) => {
          for (const { lane, calledOff } of this.#workers.values()) {
            if (!tx.heartbeat(lane.id, lane.claimToken, this.#lease())) calledOff.abort();
          }
        });
      }
      if (!this.idle()) this.wake();
    } catch (error) {
      // The worker and its process are well; the next beat tries again.
      log.warn({ error: wordsOf(error) }, "leases could not be renewed");
    }
  }

  #lease(): { now: string; expiresAt: string } {
    const now = this.#options.clock.now();
    const expiresAt = new Date(now.getTime() + this.#options.timing.leaseMs);
    return { now: now.toISOString(), expiresAt: expiresAt.toISOString() };
  }
}

function isOurs(current: LaneRecord | undefined, claim: LaneRecord): boolean {
  return current?.status === "running" && current.claimToken === claim.claimToken;
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
