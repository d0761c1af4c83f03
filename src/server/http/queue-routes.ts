import { laneLimit } from "../ci/scheduler.ts";
import type { LaneRecord } from "../store/records.ts";
import type { Handlers } from "./handler.ts";
import type { Parts } from "./parts.ts";
import { type QueueFacts, queueOnWire } from "./wire-queue.ts";

const defaultLimit = 50;
/** Waiting lanes that are looked at to find those of one branch. */
const lookedAt = 2000;
/** How long a wake waits for the refs to be read before it answers all the same. */
const ingestPatienceMs = 10_000;

export const queueHandlers: Pick<Handlers, "queue" | "wake"> = {
  queue: ({ parts, query }) =>
    queueOnWire(queueFacts(parts), {
      branchId: query.branch_id,
      limit: query.limit ?? defaultLimit,
    }),

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

function queueFacts({ store, config, repository }: Parts): QueueFacts {
  const { read } = store;
  const names = new Map<number, string | null>();
  const branchName = (lane: LaneRecord) => {
    if (lane.branchId === null) return null;
    const known = names.get(lane.branchId);
    if (known !== undefined) return known;
    const name = read.branch(lane.branchId)?.name ?? null;
    names.set(lane.branchId, name);
    return name;
  };
  return {
    running: read.runningLanes(),
    queued: read.queuedLanes(lookedAt),
    runningCount: read.countRunningLanes(),
    queuedCount: read.countQueuedLanes(),
    limit: laneLimit(config.settings()),
    frozen: repository.frozen(),
    branchName,
  };
}

function patience(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ingestPatienceMs).unref();
  });
}
