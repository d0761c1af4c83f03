import { EventStream, type EventStreamOptions } from "./event-stream.ts";
import type { PulledStream } from "./pulled-stream.ts";
import { SnapshotStream, type SnapshotStreamOptions } from "./snapshot-stream.ts";

const maxStreams = 256;

/** The open streams of this process. */
export class Live {
  readonly #streams = new Set<PulledStream>();
  #closed = false;

  get count(): number {
    return this.#streams.size;
  }

  /** Opens a stream; undefined where there are too many, or the forge is stopping. */
  open(options: EventStreamOptions): EventStream | undefined {
    return this.#add((onEnd) => new EventStream(options, onEnd));
  }

  /** The same for a page's fragment. */
  openSnapshots(options: SnapshotStreamOptions): SnapshotStream | undefined {
    return this.#add((onEnd) => new SnapshotStream(options, onEnd));
  }

  /** Ends the streams of those who may read no more. */
  checkReaders(): void {
    for (const stream of this.#streams) stream.check();
  }

  /** Ends all streams and opens no more. */
  close(): void {
    this.#closed = true;
    for (const stream of this.#streams) stream.end();
  }

  #add<S extends PulledStream>(make: (onEnd: () => void) => S): S | undefined {
    if (this.#closed || this.#streams.size >= maxStreams) return undefined;
    const stream: S = make(() => this.#streams.delete(stream));
    this.#streams.add(stream);
    return stream;
  }
}
