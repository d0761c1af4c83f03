import { EventStream, type EventStreamOptions } from "./event-stream.ts";

const maxStreams = 256;

/** The open event streams of this process. */
export class Live {
  readonly #streams = new Set<EventStream>();
  #closed = false;

  get count(): number {
    return this.#streams.size;
  }

  /** Opens a stream; undefined where there are too many, or the forge is stopping. */
  open(options: EventStreamOptions): EventStream | undefined {
    if (this.#closed || this.#streams.size >= maxStreams) return undefined;
    const stream: EventStream = new EventStream(options, () => this.#streams.delete(stream));
    this.#streams.add(stream);
    return stream;
  }

  /** Ends all streams and opens no more. */
  close(): void {
    this.#closed = true;
    for (const stream of this.#streams) stream.end();
  }
}
