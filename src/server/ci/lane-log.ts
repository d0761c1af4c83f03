import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from "node:fs";
import { punchHole } from "../../process/punch-hole.ts";
import {
  announceHole,
  droppedMark,
  forgetHole,
  droppedMarkLength as markLength,
} from "./log-hole.ts";
import { removeFile } from "./remove-tree.ts";

/**
 * A lane's output in one file. The lane itself appends to it, so output keeps its order and costs
 * the forge nothing. Past the cap the head stays, then comes a line with the number of bytes that
 * were dropped, then the newest output. While the lane runs the middle's disk space is given back
 * now and then (a hole in the file, which nothing that the lane writes can fall into); the file is
 * put together once, at the end.
 *
 * Where no hole can be made (no `fallocate`, or a filesystem that refuses) the file is cut back
 * instead, and what was newest at that moment waits in a second file until the end. That may lose
 * what the lane prints between the last look at the file's size and the cut. It is counted as
 * dropped, though under load it may be the newest output.
 */
export class LaneLog {
  readonly path: string;
  /** Where the lane's output goes; for appending only. */
  readonly output: number;
  readonly #file: number;
  readonly #keptPath: string;
  readonly #headBytes: number;
  readonly #tailBytes: number;
  /** Where the head ends, once something was dropped. */
  #headEnd: number | undefined;
  /** Bytes of output that came after the head and are no longer in the file. */
  #cutBytes = 0;
  #keptBytes = 0;
  readonly #punch: typeof punchHole;
  /** Up to where the middle was given back. */
  #freedTo = 0;
  #freeing = false;
  #failures = 0;
  #holesRefused = false;

  /** Begins a new log; an older one of the same name is left to whoever still writes to it. */
  constructor(path: string, maxBytes: number, punch: typeof punchHole = punchHole) {
    this.path = path;
    this.#punch = punch;
    this.#keptPath = `${path}.kept`;
    removeFile(path);
    removeFile(this.#keptPath);
    forgetHole(path);
    this.output = openSync(path, "a", 0o600);
    try {
      this.#file = openSync(path, "r+");
    } catch (error) {
      // Where descriptors are scarce none may be lost.
      closeSync(this.output);
      throw error;
    }
    const room = Math.max(maxBytes, smallestCap) - markLength;
    this.#headBytes = Math.floor(room / 4);
    this.#tailBytes = room - this.#headBytes;
  }

  get size(): number {
    return fstatSync(this.#file).size;
  }

  /** Up to where the file is never rewritten. */
  get stableBytes(): number {
    return this.#headEnd ?? this.#headBytes - lineSearchBytes;
  }

  /** Reads at most `length` bytes from an offset on. */
  read(offset: number, length: number): Buffer {
    const buffer = Buffer.alloc(length);
    return buffer.subarray(0, readSync(this.#file, buffer, 0, length, offset));
  }

  /** Gives disk space back if the file has grown too far. Cheap where it has not. */
  trim(): void {
    if (this.size <= this.#tailStart() + 2 * this.#tailBytes) return;
    if (this.#holesRefused) this.#cutBack();
    else this.#freeMiddle();
  }

  /**
   * Only bytes that can no longer be part of the tail are given back, so it matters neither what
   * the lane writes meanwhile nor whether the log is finished first.
   */
  #freeMiddle(): void {
    if (this.#freeing) return;
    const from = Math.max(this.#decideHead(), this.#freedTo);
    const to = wholeBlocks(this.size - this.#tailBytes);
    if (to - from < Math.max(this.#tailBytes, smallestHole)) return;
    this.#freeing = true;
    try {
      const inode = fstatSync(this.#file).ino;
      announceHole(this.path, { inode, from: this.#decideHead(), to });
    } finally {
      // Also where the disk is too full for the announcement: this is what frees it.
      void this.#free(from, to);
    }
  }

  async #free(from: number, to: number): Promise<void> {
    const end = await this.#punch(this.#file, from, to - from);
    this.#freeing = false;
    this.#failures = end === "freed" ? 0 : this.#failures + 1;
    // The first try shows whether it can be done here at all.
    const impossible = end === "refused" && this.#freedTo === 0;
    this.#holesRefused = impossible || this.#failures >= patience;
    if (end === "freed") this.#freedTo = to;
  }

  #cutBack(): void {
    const headEnd = this.#decideHead();
    const start = this.#tailStart();
    const kept = openSync(this.#keptPath, "w", 0o600);
    try {
      let end = this.size;
      let from = Math.max(start, end - this.#tailBytes);
      this.#keptBytes = 0;
      // The lane goes on writing meanwhile; a few rounds leave next to nothing behind.
      for (let round = 0; round < 4; round++) {
        this.#keptBytes += copyBytes(this.#file, from, end, kept);
        from = end;
        end = this.size;
        if (end === from) break;
      }
      end = this.size;
      this.#cutBytes += end - start;
      writeSync(this.#file, droppedMark(this.#cutBytes), headEnd);
      ftruncateSync(this.#file, headEnd + markLength);
      forgetHole(this.path);
    } finally {
      closeSync(kept);
    }
  }

  /** Brings the file into its final shape, with the forge's own lines last. Once, at the end. */
  finish(lines: readonly string[]): void {
    try {
      if (this.#cutBytes > 0 || this.size > this.#headBytes + this.#tailBytes + markLength) {
        this.#assemble();
      }
      this.#append(lines);
    } finally {
      closeSync(this.output);
      closeSync(this.#file);
      removeFile(this.#keptPath);
    }
  }

  #append(lines: readonly string[]): void {
    if (lines.length === 0) return;
    const file = openSync(this.path, "a+");
    try {
      const { size } = fstatSync(file);
      const last = Buffer.alloc(1);
      const open = size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== newline;
      writeSync(file, `${open ? "\n" : ""}${lines.map((line) => `[forge] ${line}\n`).join("")}`);
    } finally {
      closeSync(file);
    }
  }

  #assemble(): void {
    const headEnd = this.#decideHead();
    const start = this.#tailStart();
    const rest = this.size - start;
    const fromKept = Math.min(this.#keptBytes, Math.max(0, this.#tailBytes - rest));
    const fromRest = Math.min(rest, this.#tailBytes);
    const whole = `${this.path}.whole`;
    const target = openSync(whole, "w", 0o600);
    try {
      copyBytes(this.#file, 0, headEnd, target);
      writeSync(target, droppedMark(this.#cutBytes + rest - fromKept - fromRest));
      if (fromKept > 0) {
        const kept = openSync(this.#keptPath, "r");
        copyBytes(kept, this.#keptBytes - fromKept, this.#keptBytes, target);
        closeSync(kept);
      }
      copyBytes(this.#file, start + rest - fromRest, start + rest, target);
    } finally {
      closeSync(target);
    }
    renameSync(whole, this.path);
    forgetHole(this.path);
  }

  /** Where output after the head begins in the file. */
  #tailStart(): number {
    if (this.#headEnd === undefined) return this.#headBytes;
    return this.#cutBytes > 0 ? this.#headEnd + markLength : this.#headEnd;
  }

  /** Ends the head with a whole line where one ends near. */
  #decideHead(): number {
    if (this.#headEnd === undefined) {
      const near = this.read(this.#headBytes - lineSearchBytes, lineSearchBytes);
      const lineEnd = near.lastIndexOf(newline);
      this.#headEnd = this.#headBytes - (lineEnd < 0 ? 0 : lineSearchBytes - lineEnd - 1);
    }
    return this.#headEnd;
  }
}

const newline = 10;
const lineSearchBytes = 1024;
const smallestCap = 16 * 1024;
/** Less is not worth starting a program for. */
const smallestHole = 1024 * 1024;
/** A multiple of every usual filesystem's block; parts of blocks cannot be given back. */
const blockBytes = 64 * 1024;
/** How many holes in a row may come to nothing before the file is cut back instead. */
const patience = 3;

function wholeBlocks(bytes: number): number {
  return bytes - (bytes % blockBytes);
}

function copyBytes(from: number, start: number, end: number, to: number): number {
  const buffer = Buffer.alloc(Math.min(1 << 20, Math.max(0, end - start)));
  let at = start;
  while (at < end) {
    const count = readSync(from, buffer, 0, Math.min(buffer.length, end - at), at);
    if (count === 0) break;
    writeSync(to, buffer, 0, count);
    at += count;
  }
  return at - start;
}
