import type { QueueAnswer } from "../../contract/ci.ts";
import { estimateWaits, historySize, median } from "../ci/estimate.ts";
import { blockedTargets } from "../ci/health.ts";
import { pauseOf } from "../ci/pause.ts";
import { laneLimit } from "../ci/scheduler.ts";
import { targetNote } from "../repository/diverged.ts";
import { storageTrouble, storageWords } from "../storage.ts";
import type { LaneRecord } from "../store/records.ts";
import type { Handlers } from "./handler.ts";
import type { Parts } from "./parts.ts";
import { type QueueFacts, queueOnWire } from "./wire-queue.ts";

const defaultLimit = 50;
/** What an agent is given at once: no more than 12,000 bytes with all that is around the lanes. */
const lanesBytes = 11_000;
/** Lane names whose history is looked up for one answer. */
const namesLookedUp = 300;
/** How long a wake waits for the refs to be read before it answers all the same. */
const ingestPatienceMs = 10_000;

export const queueHandlers: Pick<Handlers, "queue" | "wake"> = {
  queue({ parts, query }) {
    const { limit, branch_id: branchId, own_branch: own } = query;
    if (limit === 0) return { ...standing(parts), target_note: noteOf(parts) };
    const ownBranch = own === undefined ? undefined : parts.store.read.branchByName(own);
    const view = queueOnWire(queueFacts(parts), {
      branchId,
      ownBranchId: ownBranch?.id,
      limit: limit ?? defaultLimit,
      bytes: limit === undefined ? lanesBytes : undefined,
    });
    return { ...view, target_note: noteOf(parts) };
  },

  /** Answers after the refs were read, so that a client that pushed before sees its head after. */
  async wake({ parts, caller, query }) {
    parts.ci.wake();
    noteWake(parts, caller.npub, query.for === "landing");
    const ingested = parts.repository.ingest().catch((error: unknown) => {
      parts.log.error({ err: error }, "the refs could not be read");
    });
    await Promise.race([ingested, patience()]);
    return { status: "ok", message: "scheduler wake requested" };
  },
};

/** What keeps everybody waiting, and what to know of the target. */
function noteOf({ store, config, ci }: Parts): string | null {
  const storage = storageTrouble(config);
  const failing = ci.health().error;
  const stalled =
    storage !== undefined
      ? storageWords(storage)
      : failing && `no lane is started, which is tried again by itself: ${failing.words}`;
  const notes = [stalled, targetNote(store, config)].filter((note) => note != null);
  return notes.length === 0 ? null : notes.join("; ");
}

/** How long one line of the audit trail stands for the wakes of a key's landings. */
const oneWakeMs = 60_000;

/** Each wake that was asked for, by whom; of those that landings make in passing, one a minute. */
function noteWake({ store, clock, log }: Parts, by: string, landing: boolean): void {
  log.info({ by, landing }, "wake asked for");
  const now = clock.now();
  const since = new Date(now.getTime() - oneWakeMs).toISOString();
  try {
    store.write((tx) => {
      const [last] = landing ? tx.audit({ npub: by, action: "wake", limit: 1 }) : [];
      const told = last !== undefined && last.at > since && last.at <= now.toISOString();
      if (!told) tx.addAudit({ npub: by, action: "wake", detail: landing ? "by a landing" : null });
    });
  } catch (error) {
    // Whoever wakes a forge that cannot write needs it all the more.
    log.warn({ err: error, by }, "a wake could not be recorded");
  }
}

/** How things stand, without the queue: what everybody asks for often is not to cost what it does. */
function standing({ store: { read }, config, repository }: Parts): QueueAnswer {
  return {
    running: read.countRunningLanes(),
    waiting: read.countQueuedLanes(),
    limit: laneLimit(config.settings()),
    frozen: repository.frozen(),
    lanes: [],
  };
}

function queueFacts({ store, config, repository, clock }: Parts): QueueFacts {
  const { read } = store;
  const now = clock.now().getTime();
  const running = read.runningLanes();
  const waiting = read.waitingLanes();
  const limit = laneLimit(config.settings());
  const ranMs = ({ startedAt }: LaneRecord) =>
    startedAt === null ? 0 : Math.max(0, now - Date.parse(startedAt));
  return {
    running,
    waiting,
    limit,
    storage: storageTrouble(config),
    frozen: repository.frozen(),
    blockedTargets: blockedTargets(read, clock.now()),
    paused: pauseOf(read),
    estimates: estimateWaits({
      limit,
      running: running.map((lane) => ({ ...lane, ranMs: ranMs(lane) })),
      waiting,
      usualMs: usualTimes(read),
    }),
    branchName: kept((id: number | null) => (id === null ? null : (read.branch(id)?.name ?? null))),
  };
}

/** What lanes usually take; of the first names that are asked for, since each costs a look. */
function usualTimes(read: Parts["store"]["read"]): (lane: string) => number | undefined {
  let looks = 0;
  return kept((lane: string) => {
    looks += 1;
    return looks > namesLookedUp ? undefined : median(read.laneDurations(lane, historySize));
  });
}

/** The same function, asked once for each argument. */
function kept<In, Out>(ask: (one: In) => Out): (one: In) => Out {
  const known = new Map<In, { readonly answer: Out }>();
  return (one) => {
    const before = known.get(one);
    if (before !== undefined) return before.answer;
    const answer = ask(one);
    known.set(one, { answer });
    return answer;
  };
}

function patience(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ingestPatienceMs).unref();
  });
}
