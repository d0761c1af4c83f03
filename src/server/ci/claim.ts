import type { ExecutionReason } from "../../domain/status.ts";
import { isBefore } from "../store/lane-order.ts";
import type { LaneRecord, PoolHead } from "../store/records.ts";
import type { Writes } from "../store/store.ts";
import { type TargetState, targetState } from "./health.ts";
import { pauseOf } from "./pause.ts";

/** A claim whose worker is here. */
export type WorkerClaim = Pick<LaneRecord, "id" | "claimToken" | "concurrencyGroup" | "branchId"> &
  Partial<Pick<LaneRecord, "runId">>;

export interface ClaimRules {
  /** Lanes that may run at once. */
  readonly limit: number;
  readonly lease: { readonly now: string; readonly expiresAt: string };
  /** Claims whose process may still be there, whatever the store says of the lane by now. */
  readonly workers: readonly WorkerClaim[];
}

export interface Claimed {
  readonly lanes: readonly LaneRecord[];
  /** Some lanes have not been told yet why they wait; the next pass goes on with it. */
  readonly untold: boolean;
}

/** How many lanes of a pool are told in one pass. */
const toldAtOnce = 500;

/**
 * Claims what capacity, concurrency groups and CI targets allow, in queue order, and tells every
 * waiting lane why it waits. Looks at the first lane of each pool only, so that its cost does not
 * grow with the queue. To be called inside one transaction.
 */
export function claimLanes(tx: Writes, rules: ClaimRules): Claimed {
  const pass = new Pass(tx, rules);
  const lanes = pass.claim();
  for (const runId of new Set(lanes.map((lane) => lane.runId))) tx.refoldRun(runId);
  return { lanes, untold: pass.tell() };
}

/** One pass. What it decides by is read once, and kept up to date with what it claims. */
class Pass {
  readonly #tx: Writes;
  readonly #rules: ClaimRules;
  readonly #paused: boolean;
  readonly #heads: Map<string, PoolHead>;
  /** Lanes with a worker here: until that has ended they cannot run anew. */
  readonly #without: readonly number[];
  readonly #groups: Set<string>;
  readonly #targets = new Map<string, TargetState>();
  readonly #running: readonly LaneRecord[];
  #room: number;
  #nightlyRoom: number;

  constructor(tx: Writes, rules: ClaimRules) {
    this.#tx = tx;
    this.#rules = rules;
    this.#paused = pauseOf(tx) !== null;
    this.#running = tx.runningLanes();
    const inUse = new Map<string, WorkerClaim>();
    // By claim and not by lane: a lane may be claimed anew while its old process is still there.
    for (const claim of [...this.#running, ...rules.workers]) {
      inUse.set(`${claim.id} ${claim.claimToken}`, claim);
    }
    const used = [...inUse.values()];
    this.#groups = new Set(used.flatMap((claim) => claim.concurrencyGroup ?? []));
    this.#room = Math.max(0, rules.limit - inUse.size);
    const nightly = used.filter((claim) => this.#isNightly(claim)).length;
    // One slot is kept for branches, where there are several.
    this.#nightlyRoom = Math.max(1, rules.limit - 1) - nightly;
    const running = new Set(this.#running.map((lane) => lane.id));
    this.#without = rules.workers.map(({ id }) => id).filter((id) => !running.has(id));
    this.#heads = new Map();
    for (const pool of tx.poolNames()) this.#look(pool);
  }

  claim(): LaneRecord[] {
    const claimed: LaneRecord[] = [];
    while (this.#room > 0 && !this.#paused) {
      const next = this.#ordered().find((head) => this.#obstacle(head) === undefined);
      const lane = next && this.#tx.claimLane(next.id, this.#rules.lease);
      if (next === undefined || lane === undefined) break;
      claimed.push(lane);
      this.#take(next, lane);
    }
    return claimed;
  }

  /** Tells the lanes that are left. True: some could not be told in this pass. */
  tell(): boolean {
    let untold = false;
    let changed = false;
    const groups = new Set(this.#groups);
    for (const head of this.#ordered()) {
      const { pool, concurrencyGroup: group } = head;
      const reason = this.#waitsFor(head, groups);
      // Whoever comes first in the queue comes first in its group.
      const rest: ExecutionReason =
        reason === "waiting_for_capacity" && group !== null
          ? "blocked_by_concurrency_group"
          : reason;
      if (reason === "waiting_for_capacity" && group !== null && !head.nightly) groups.add(group);
      const except = reason === rest ? null : head.id;
      if (except !== null && this.#tx.setLaneReason(head.id, reason)) changed = true;
      const told = this.#tx.tellPool(pool, rest, { except, most: toldAtOnce });
      untold ||= told === toldAtOnce;
      changed ||= told > 0;
    }
    // One for the pass, however many lanes it was.
    if (changed) this.#tx.addEvent({ kind: "queue_changed" });
    return untold;
  }

  #waitsFor(head: PoolHead, groups: ReadonlySet<string>): ExecutionReason {
    if (this.#paused) return "scheduler_paused";
    const held = head.concurrencyGroup !== null && groups.has(head.concurrencyGroup);
    return this.#obstacle(head) ?? (held ? "blocked_by_concurrency_group" : "waiting_for_capacity");
  }

  /** What keeps a lane from running apart from want of room. */
  #obstacle(head: PoolHead): ExecutionReason | undefined {
    const { concurrencyGroup: group, targetKey: target } = head;
    if (target !== null && !["well", "due"].includes(this.#target(target).kind)) {
      return "blocked_by_target_health";
    }
    if (group !== null && this.#groups.has(group)) return "blocked_by_concurrency_group";
    return head.nightly && this.#nightlyRoom <= 0 ? "waiting_for_capacity" : undefined;
  }

  #target(target: string): TargetState {
    const known = this.#targets.get(target);
    if (known !== undefined) return known;
    const health = this.#tx.targetHealth(target);
    const state = targetState(health, new Date(this.#rules.lease.now), this.#running);
    this.#targets.set(target, state);
    return state;
  }

  #take(head: PoolHead, lane: LaneRecord): void {
    const { concurrencyGroup: group, targetKey: target } = head;
    this.#room -= 1;
    if (head.nightly) this.#nightlyRoom -= 1;
    if (group !== null) this.#groups.add(group);
    if (target !== null && this.#target(target).kind === "due") {
      const health = this.#tx.targetHealth(target);
      if (health !== undefined) {
        this.#tx.putTargetHealth({ ...health, trialLane: lane.id, trialToken: lane.claimToken });
      }
      this.#targets.set(target, { kind: "trial", laneRun: lane.id });
    }
    this.#look(head.pool);
  }

  #look(pool: string): void {
    const head = this.#tx.poolHead(pool, this.#without);
    if (head === undefined) this.#heads.delete(pool);
    else this.#heads.set(pool, head);
  }

  #ordered(): PoolHead[] {
    return [...this.#heads.values()].sort((one, other) => (isBefore(one, other) ? -1 : 1));
  }

  #isNightly({ branchId, runId }: WorkerClaim): boolean {
    return branchId === null && runId !== undefined && this.#tx.nightly(runId) !== undefined;
  }
}
