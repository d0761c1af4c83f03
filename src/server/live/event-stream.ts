import type { EventKind, WireEvent } from "../../contract/forge.ts";
import type { EventRecord } from "../store/records.ts";
import type { Clock, Store } from "../store/store.ts";
import { PulledStream } from "./pulled-stream.ts";

const batch = 200;
const retryMs = 1000;

export interface EventStreamOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** The last sequence number the client saw; undefined: from now on. */
  readonly after: number | undefined;
  /** Asked before each answer; false ends the stream. */
  readonly mayRead: () => boolean;
  readonly heartbeatMs?: number;
}

/** The events of the forge as server-sent events. */
export class EventStream extends PulledStream {
  readonly #options: EventStreamOptions;
  /** Where the client stands; undefined until it was greeted. */
  #cursor: number | undefined;

  constructor(options: EventStreamOptions, onEnd: () => void = () => {}) {
    super(options, onEnd);
    this.#options = options;
  }

  /** What the client has not seen yet; ends the stream where it may read no more. */
  protected override read(): string | undefined {
    try {
      if (this.#options.mayRead()) return this.#unseen();
    } catch {
      // A store that no longer answers: the client comes back to a forge that does.
    }
    this.end();
    return undefined;
  }

  #unseen(): string | undefined {
    const { read } = this.#options.store;
    const newest = read.newestEventSeq();
    if (this.#cursor === undefined) {
      const after = this.#options.after ?? newest;
      const known = after <= newest && !this.#isLost(after, newest);
      // A client takes `hello` for its cursor, so it names where the stream goes on, not the end.
      this.#cursor = known ? after : newest;
      return `retry: ${retryMs}\n${this.#mark(known ? "hello" : "gap", this.#cursor)}`;
    }
    if (this.#isLost(this.#cursor, newest)) {
      this.#cursor = newest;
      return this.#mark("gap", newest);
    }
    const events = read.eventsAfter(this.#cursor, batch);
    const last = events.at(-1);
    if (last === undefined) return undefined;
    this.#cursor = last.seq;
    return events.map((event) => eventText(eventOnWire(event))).join("");
  }

  /** Whether events after `cursor` were dropped from the store. */
  #isLost(cursor: number, newest: number): boolean {
    return cursor < newest && this.#options.store.read.oldestEventSeq() > cursor + 1;
  }

  #mark(kind: EventKind, seq: number): string {
    return eventText({
      seq,
      kind,
      branch_id: null,
      run_id: null,
      lane_run_id: null,
      head_sha: null,
      at: this.#options.clock.now().toISOString(),
    });
  }
}

/** An event record as it travels. */
function eventOnWire(event: EventRecord): WireEvent {
  return {
    seq: event.seq,
    kind: event.kind,
    branch_id: event.branchId,
    run_id: event.runId,
    lane_run_id: event.laneRunId,
    head_sha: event.head,
    at: event.at,
  };
}

function eventText(event: WireEvent): string {
  return `id: ${event.seq}\nevent: forge\ndata: ${JSON.stringify(event)}\n\n`;
}
