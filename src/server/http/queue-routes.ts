import { estimateWaits, historySize, median } from "../ci/estimate.ts";
import { blockedTargets } from "../ci/health.ts";
import { pauseOf } from "../ci/pause.ts";
import { laneLimit } from "../ci/scheduler.ts";
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
    const ownBranch = own === undefined ? undefined : parts.store.read.branchByName(own);
    return queueOnWire(queueFacts(parts), {
      branchId,
      ownBranchId: ownBranch?.id,
      limit: limit ?? defaultLimit,
      bytes: limit === undefined ? lanesBytes : undefined,
    });
  },

  /** Answers after the refs were read, so that a client that pushed before sees its head after. */
  async wake({ parts }) {
    parts.ci.wake();
    const ingested = parts.repository.ingest().catch((error: unknown) => {
      parts.log.error({ err: error }, "the refs could not be read");
    });
    await Promise.race([ingested, patience()]);
    return { status: "ok", message: "scheduler wake requested" };
  },
};

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
