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
import { type Lingering, maxRetries, recoverLapsed } from "./recovery.ts";
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
  /** What keeps this forge from writing its state, in words; no lane is started meanwhile. */
  readonly storage?: () => string | undefined;
}

/** One lane running here, or one of which some process is still there. */
interface Worker {
  readonly lane: LaneRecord;
  readonly calledOff: AbortController;
  /** Its result is recorded. */
  readonly ended: Promise<unknown>;
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
  /** Workers whose lane's result could not be recorded wait here for the next beat. */
  readonly #unrecorded = new Set<() => void>();
  /** What went wrong last, by what was done; told once, and not at each beat. */
  readonly #told = new Map<string, string>();
  #passWanted = false;
  #passing = false;
  #wakesNobody = false;
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
    return this.#workers.size === 0 && !read.anyLaneQueued() && read.countRunningLanes() === 0;
  }

  /** Claims nothing more. Waits for running lanes, or ends them and puts them back. */
  async stop(how: { readonly drain: boolean }): Promise<void> {
    if (this.#stopping !== "ending") this.#stopping = how.drain ? "draining" : "ending";
    this.#recordAgain();
    if (this.#stopping === "ending") {
      for (const worker of this.#workers.values()) worker.calledOff.abort();
    }
    // What the system cannot end is not waited for; the next forge finds it.
    await Promise.all([...this.#workers.values()].map((worker) => worker.ended));
    clearInterval(this.#pulse);
    this.#stopListening();
    await this.#options.ready;
    await this.#options.executor.settled();
  }

  async #passes(): Promise<void> {
    this.#passing = true;
    await this.#options.ready;
    while (this.#passWanted) {
      // Others have their turn in between, and what happens at once has one pass.
      await setImmediate();
      this.#passWanted = false;
      try {
        this.#pass();
        this.health.passed();
        this.#told.delete("a scheduler pass failed");
      } catch (error) {
        this.health.failed(error);
        // The pulse asks again while lanes are queued.
        this.#tellOnce("a scheduler pass failed", error);
      }
    }
    this.#passing = false;
  }

  #pass(): void {
    if (this.#stopping !== "no") return;
    const { settings } = this.#options;
    // What is started on a full disk fails for that alone.
    const limit = this.#options.storage?.() === undefined ? laneLimit(settings()) : 0;
    const claimed = this.#unawaited((tx) => {
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
    const ended = this.#work(lane, calledOff.signal);
    this.#keep(
      { lane, calledOff, ended },
      ended.then(({ gone }) => gone),
    );
  }

  /** Counts what an earlier process of this forge left, and nobody can end, until it is gone. */
  keepSlot({ claim, gone }: Lingering): void {
    const { log } = this.#options;
    log.warn({ lane: claim.id }, "processes of a lane cannot be ended; its slot stays taken");
    this.#keep({ lane: claim, calledOff: new AbortController(), ended: Promise.resolve() }, gone);
  }

  #keep(worker: Worker, gone: Promise<unknown>): void {
    this.#workers.set(worker.lane.id, worker);
    void gone.finally(() => {
      this.#workers.delete(worker.lane.id);
      this.wake();
    });
  }

  /** Answers what its slot is still to be kept for. */
  async #work(lane: LaneRecord, signal: AbortSignal): Promise<{ gone: Promise<void> | undefined }> {
    const { store, executor, log } = this.#options;
    let outcome: LaneOutcome | undefined;
    let gone: Promise<void> | undefined;
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
        lingers: (until) => {
          gone = until;
        },
      });
    } catch (error) {
      log.warn({ lane: lane.id, error: wordsOf(error) }, "a lane's worker failed");
      outcome = infrastructureFailure(`the forge could not run it: ${wordsOf(error)}`);
    }
    await this.#recordAtLast(lane, outcome);
    return { gone };
  }

  /** Notes something of a running lane. False: its claim is lost. Trouble does not end a lane. */
  #note(lane: LaneRecord, body: (tx: Writes) => boolean): boolean {
    try {
      return this.#unawaited(body);
    } catch (error) {
      const { log } = this.#options;
      log.warn({ lane: lane.id, error: wordsOf(error) }, "a running lane could not be noted");
      return true;
    }
  }

  /**
   * Records a result, again at each beat while the store cannot be written: what ran to its end is
   * not run again for want of a record. A forge that stops leaves it to the next one.
   */
  async #recordAtLast(lane: LaneRecord, outcome: LaneOutcome | undefined): Promise<void> {
    const spoiled = isSpoilable(outcome) ? this.#options.storage?.() : undefined;
    for (;;) {
      try {
        this.#record(lane, outcome, spoiled);
        this.#told.delete(unrecorded);
        return;
      } catch (error) {
        this.#tellOnce(unrecorded, error, { lane: lane.id });
      }
      if (this.#stopping !== "no") return;
      await new Promise<void>((resolve) => {
        this.#unrecorded.add(resolve);
      });
    }
  }

  #recordAgain(): void {
    for (const again of this.#unrecorded) again();
    this.#unrecorded.clear();
  }

  /**
   * Records a result; a lane that was called off by `stop` goes back into the queue. So does one
   * that failed while the forge could not write, a few times: its failure says nothing of it.
   */
  #record(lane: LaneRecord, outcome: LaneOutcome | undefined, spoiled: string | undefined): void {
    this.#options.store.writeUnsynced((tx) => {
      if (spoiled !== undefined && tx.isClaimed(lane.id, lane.claimToken)) {
        if (lane.retryCount < maxRetries) tx.requeueLane(lane.id, "queued");
        else tx.finishLane(lane.id, lane.claimToken, infrastructureFailure(spoiled));
      } else if (outcome !== undefined) {
        const ours = tx.finishLane(lane.id, lane.claimToken, outcome);
        // Whoever lost its claim says nothing any more, of its target neither.
        if (ours) noteHealth(tx, lane, outcome, this.#options.clock.now().toISOString());
      }
      if (outcome === undefined && tx.isClaimed(lane.id, lane.claimToken)) {
        tx.requeueLane(lane.id, "queued");
      }
      tx.refoldRun(lane.runId);
    });
  }

  /** Writes what no waiting lane waits for, so that it brings no pass. */
  #unawaited<T>(body: (tx: Writes) => T): T {
    this.#wakesNobody = true;
    try {
      return this.#options.store.writeUnsynced(body);
    } finally {
      this.#wakesNobody = false;
    }
  }

  /** Ends workers whose claim was ended from outside, and looks for work. */
  #afterChange(): void {
    const { read } = this.#options.store;
    for (const { lane, calledOff } of this.#workers.values()) {
      if (!read.isClaimed(lane.id, lane.claimToken)) calledOff.abort();
    }
    if (!this.#wakesNobody && read.anyLaneQueued()) this.wake();
  }

  /** Renews the leases of the lanes that run here. */
  #beat(): void {
    const { store } = this.#options;
    this.#recordAgain();
    try {
      if (this.#workers.size > 0) {
        store.writeUnsynced((tx) => {
          for (const { lane, calledOff } of this.#workers.values()) {
            if (!tx.heartbeat(lane.id, lane.claimToken, this.#lease())) calledOff.abort();
          }
        });
      }
      this.#told.delete("leases could not be renewed");
      if (!this.idle()) this.wake();
    } catch (error) {
      // The worker and its process are well; the next beat tries again.
      this.#tellOnce("leases could not be renewed", error);
    }
  }

  /** A store that cannot be written fails at each beat, and would fill its disk with saying so. */
  #tellOnce(what: string, error: unknown, facts: object = {}): void {
    const words = wordsOf(error);
    if (this.#told.get(what) === words) return;
    this.#told.set(what, words);
    this.#options.log.warn({ ...facts, error: words }, what);
  }

  #lease(): { now: string; expiresAt: string } {
    const now = this.#options.clock.now();
    const expiresAt = new Date(now.getTime() + this.#options.timing.leaseMs);
    return { now: now.toISOString(), expiresAt: expiresAt.toISOString() };
  }
}

const unrecorded = "a lane's result could not be recorded; it is tried again";

/** Failures that a disk without room brings about; a time-out and a lost lane are others'. */
function isSpoilable(outcome: LaneOutcome | undefined): boolean {
  return (
    outcome?.status === "failed" &&
    (outcome.failureKind === "infrastructure" || outcome.failureKind === "test_failure")
  );
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
