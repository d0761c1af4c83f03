import type { LogPart } from "../forges/forge.ts";
import { byteLength, headBytes, tailBytes } from "../text/bytes.ts";
import { plainText } from "../text/control.ts";
import { maskRange, maskSecrets } from "../text/mask.ts";

/** Bytes read around a window, so that a secret which its border cuts is still found. */
export const margin = 4096;

/** Reads a part of one log: from `offset`, or the tail where it is undefined. */
export type ReadLog = (offset: number | undefined, maxBytes: number) => Promise<LogPart>;

/** A window of a log, fit to show. Offsets are bytes of the raw log, `to` exclusive. */
export interface LogWindow {
  readonly part: LogPart;
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** The last `bytes` of a log, or `bytes` from `offset` on; masked over its borders, plain. */
export async function readWindow(
  read: ReadLog,
  wanted: { offset: number | undefined; bytes: number },
  secrets: readonly string[],
): Promise<LogWindow> {
  const from = wanted.offset;
  const lead = from === undefined ? margin : Math.min(from, margin);
  const part = await read(
    from === undefined ? undefined : from - lead,
    wanted.bytes + lead + (from === undefined ? 0 : margin),
  );
  const [start, end] =
    from === undefined ? tailOf(part, wanted.bytes) : rangeOf(part, from, wanted.bytes);
  const shown = maskSecrets(plainText(maskRange(part.text, start, end, secrets)), secrets);
  const first = from ?? part.totalBytes - byteLength(part.text.slice(start));
  return {
    part,
    from: Math.max(0, Math.min(first, part.totalBytes)),
    to: from === undefined ? part.totalBytes : Math.min(part.totalBytes, from + wanted.bytes),
    text: shown,
  };
}

function tailOf(part: LogPart, bytes: number): [number, number] {
  return [part.text.length - tailBytes(part.text, bytes).text.length, part.text.length];
}

function rangeOf(part: LogPart, from: number, bytes: number): [number, number] {
  const start = headBytes(part.text, Math.max(0, from - part.offset)).text.length;
  return [start, start + headBytes(part.text.slice(start), bytes).text.length];
}

/** The most of a log that is searched; its tail. */
const searchedBytes = 8 * 1024 * 1024;
const chunkBytes = 1024 * 1024;

/** The tail of a log, up to what is searched, in whole. `offset` is where it begins. */
export async function readForSearch(
  read: ReadLog,
): Promise<{ part: LogPart; offset: number; text: string }> {
  const probe = await read(undefined, chunkBytes);
  const start = Math.max(0, probe.totalBytes - searchedBytes);
  const pieces: string[] = [];
  for (let at = start; at < probe.offset; ) {
    const piece = await read(at, Math.min(chunkBytes, probe.offset - at));
    const got = byteLength(piece.text);
    // A forge that answers nothing, or not from where it was asked, is not asked for ever.
    if (got === 0 || piece.offset !== at) break;
    pieces.push(piece.text);
    at += got;
  }
  return { part: probe, offset: start, text: pieces.join("") + probe.text };
}
