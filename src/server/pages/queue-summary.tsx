import { laneLimit } from "../ci/scheduler.ts";
import type { Parts } from "../http/parts.ts";
import { reasonLabel } from "../http/wire-labels.ts";
import { schedulerIssues } from "../http/wire-status.ts";

/** The queue of lanes in short, as the feed shows it. */
export interface QueueSummary {
  readonly running: number;
  readonly limit: number;
  /** How many wait for which reason, in words. */
  readonly waiting: readonly string[];
  /** What keeps lanes back: a pause, unhealthy CI targets; by whom, since when, why, until when. */
  readonly notes: readonly string[];
}

export function queueSummary(parts: Parts): QueueSummary {
  const { store, config } = parts;
  return {
    running: store.read.countRunningLanes(),
    limit: laneLimit(config.settings()),
    waiting: store.read.waitingByReason().map(({ reason, lanes }) => {
      return `${lanes} ${reasonLabel(reason)}`;
    }),
    notes: schedulerIssues(parts).map((issue) => issue.message),
  };
}

export function queueSection({ running, limit, waiting, notes }: QueueSummary) {
  return (
    <section>
      <h2>CI queue</h2>
      <p>
        {running} of {limit} lanes run; waiting:{" "}
        {waiting.length === 0 ? "none" : waiting.join(", ")}.
      </p>
      {notes.map((note) => (
        <p class="note">{note}</p>
      ))}
    </section>
  );
}
