import type { EventRecord } from "../store/records.ts";
import { PulledStream, type PulledStreamOptions } from "./pulled-stream.ts";

const batch = 200;

/** A fragment of a page as it is now. `active`: it may still change by itself. */
export interface Snapshot {
  readonly html: string;
  readonly active: boolean;
}

export interface SnapshotStreamOptions extends PulledStreamOptions {
  readonly snapshot: () => Snapshot;
  /** Whether an event may change the fragment. */
  readonly concerns: (event: EventRecord) => boolean;
}

/**
 * A fragment of a page as server-sent events: as it is now, then after each change that concerns
 * it, until it is no longer active. Changes that come together are one snapshot.
 */
export class SnapshotStream extends PulledStream {
  readonly #options: SnapshotStreamOptions;
  /** The newest event that the last snapshot knows of; undefined before the first. */
  #cursor: number | undefined;
  #last = false;

  constructor(options: SnapshotStreamOptions, onEnd: () => void = () => {}) {
    super(options, onEnd);
    this.#options = options;
  }

  protected override read(): string | undefined {
    if (this.#last) {
      this.end();
      return undefined;
    }
    try {
      return this.#isStale() ? this.#take() : undefined;
    } catch {
      this.#last = true;
      return eventText("Live update failed: 500 the forge's log says why");
    }
  }

  #take(): string {
    // Noted first: what happens meanwhile is another snapshot, and not a lost change.
    this.#cursor = this.#options.store.read.newestEventSeq();
    const { html, active } = this.#options.snapshot();
    this.#last = !active;
    return eventText(html);
  }

  #isStale(): boolean {
    const { store, concerns } = this.#options;
    for (;;) {
      const after = this.#cursor;
      if (after === undefined) return true;
      const events = store.read.eventsAfter(after, batch);
      const last = events.at(-1);
      if (last === undefined) return false;
      // Some were dropped already, and any of them may have concerned it.
      if ((events[0]?.seq ?? 0) > after + 1 || events.some(concerns)) return true;
      this.#cursor = last.seq;
    }
  }
}

function eventText(html: string): string {
  return `event: ci-update\ndata: ${JSON.stringify({ html })}\n\n`;
}
