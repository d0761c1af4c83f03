import { pause, resume } from "../ci/pause.ts";
import type { Handlers } from "./handler.ts";

/** Holding the scheduler as a whole, and putting a CI target back. Each is safe to repeat. */
export const schedulerHandlers: Pick<Handlers, "pauseCi" | "resumeCi" | "resetHealth"> = {
  pauseCi({ parts, caller }) {
    const { store, clock, ci, log } = parts;
    const since = clock.now().toISOString();
    const paused = store.write((tx) => pause(tx, { by: caller.npub, since }));
    log.info({ by: caller.npub }, "scheduler paused");
    // A pass tells the waiting lanes why they wait.
    ci.wake();
    return {
      status: "paused",
      by: paused.by,
      since: paused.since,
      running: store.read.countRunningLanes(),
      waiting: store.read.countQueuedLanes(),
    };
  },

  resumeCi({ parts, caller }) {
    const { store, ci, log } = parts;
    const changed = store.write((tx) => resume(tx, caller.npub));
    log.info({ by: caller.npub, changed }, "scheduler resumed");
    ci.wake();
    return { status: "running", changed, waiting: store.read.countQueuedLanes() };
  },

  resetHealth({ parts, caller, body }) {
    const { store, ci, log } = parts;
    const { target } = body;
    const changed = store.write((tx) => {
      const removed = tx.removeTargetHealth(target);
      const detail = removed ? "kept back no longer" : "was healthy";
      tx.addAudit({ npub: caller.npub, action: "health_reset", subject: target, detail });
      return removed;
    });
    log.info({ by: caller.npub, target, changed }, "health of a CI target reset");
    ci.wake();
    return { status: "ok", target, changed };
  },
};
