import { open } from "node:fs/promises";
import { isActive } from "../../domain/status.ts";
import { laneLogFile } from "../ci/lane-log-file.ts";
import { findHole, type LogHole, readWithMark, sizeWithMark } from "../ci/log-hole.ts";
import type { ServerConfig } from "../config.ts";
import type { LaneRecord } from "../store/records.ts";
import type { LogView } from "./wire-lane.ts";

/** What a lane of a detail or logs answer may carry of its log. */
export const maxTextBytes = 256 * 1024;
/** What all lanes of one detail answer may carry together. */
const maxAnswerBytes = 4 * 1024 * 1024;
const minTextBytes = 4 * 1024;
const shortestSecret = 6;

/** A range of a log. `offset` and `nextOffset` count bytes of the log as it is shown. */
export interface LogRange {
  readonly offset: number;
  readonly nextOffset: number;
  readonly totalBytes: number;
  readonly text: string;
}

interface Wanted {
  /** Undefined: the end of the log. */
  readonly offset: number | undefined;
  readonly maxBytes: number;
}

/** How often a range is read again because the log was cut meanwhile. */
const mostReads = 5;

const noLog: LogRange = { offset: 0, nextOffset: 0, totalBytes: 0, text: "" };

/**
 * Reads `maxBytes` of a lane's log, from `offset` or else from the end. Never cuts a character;
 * values of the owner's lane variables are starred out, byte for byte. Where a running lane's log is
 * over its limit, a line in the middle stands for what was dropped; it counts like the lane's own.
 */
export function readLogRange(
  config: ServerConfig,
  lane: LaneRecord,
  wanted: Wanted,
): Promise<LogRange> {
  return readRange(config, lane, wanted, secretsOf(config));
}

async function readRange(
  config: ServerConfig,
  lane: LaneRecord,
  wanted: Wanted,
  secrets: readonly string[],
): Promise<LogRange> {
  // What the file holds before the lane begins is an earlier attempt's.
  if (lane.startedAt === null) return noLog;
  const path = laneLogFile(config, lane.id);
  for (let reads = 1; ; reads += 1) {
    const hole = await findHole(path);
    const range = await readOnce(path, hole, wanted, secrets);
    // A hole that grew, or a log put together, may have taken bytes away under the reading.
    if (reads === mostReads || sameHole(hole, await findHole(path))) return range;
  }
}

async function readOnce(
  path: string,
  announced: LogHole | undefined,
  wanted: Wanted,
  secrets: readonly string[],
): Promise<LogRange> {
  const file = await open(path, "r").catch(() => undefined);
  if (file === undefined) return noLog;
  try {
    const { size: fileSize, ino } = await file.stat();
    const hole = announced?.inode === ino ? announced : undefined;
    const size = sizeWithMark(fileSize, hole);
    const from = Math.min(wanted.offset ?? Math.max(0, size - wanted.maxBytes), size);
    const to = Math.min(size, from + wanted.maxBytes);
    if (from === to) return { offset: from, nextOffset: from, totalBytes: size, text: "" };
    // A secret that crosses the range's border is seen whole with this much around it.
    const margin = Math.max(0, ...secrets.map((secret) => secret.length));
    const readFrom = Math.max(0, from - margin);
    const length = Math.min(size, to + margin) - readFrom;
    const bytes = await readWithMark(file, hole, readFrom, length);
    const shown = starOut(bytes, secrets);
    const end = Math.max(from, Math.min(to, readFrom + bytes.length));
    const whole = wholeCharacters(shown, from - readFrom, end - readFrom, end < size);
    return {
      offset: readFrom + whole.from,
      nextOffset: readFrom + whole.to,
      totalBytes: size,
      text: shown.subarray(whole.from, whole.to).toString("utf8"),
    };
  } finally {
    await file.close();
  }
}

function sameHole(one: LogHole | undefined, other: LogHole | undefined): boolean {
  return one?.inode === other?.inode && one?.to === other?.to;
}

/**
 * What the reference's answers carry of these lanes' logs: the end of it, once the lane finished.
 * Without `withText` only the sizes.
 */
export async function logViews(
  config: ServerConfig,
  lanes: readonly LaneRecord[],
  withText: boolean,
): Promise<ReadonlyMap<number, LogView>> {
  const finished = lanes.filter((lane) => !isActive(lane.status)).length;
  const share = Math.floor(maxAnswerBytes / Math.max(1, finished));
  const room = Math.min(maxTextBytes, Math.max(minTextBytes, share));
  const secrets = secretsOf(config);
  const views = new Map<number, LogView>();
  for (const lane of lanes) {
    const wantsText = withText && !isActive(lane.status);
    const maxBytes = wantsText ? room : 0;
    const range = await readRange(config, lane, { offset: undefined, maxBytes }, secrets);
    const text = wantsText ? withNote(range) : null;
    views.set(lane.id, { bytes: range.totalBytes, text });
  }
  return views;
}

function withNote(range: LogRange): string {
  return range.offset === 0
    ? range.text
    : `[${range.offset} bytes left out before this]\n${range.text}`;
}

function secretsOf(config: ServerConfig): readonly string[] {
  return Object.values(config.settings().laneEnv)
    .map((value) => Buffer.from(value, "utf8").toString("latin1"))
    .filter((value) => value.length >= shortestSecret);
}

/** Works on latin1, where a character is a byte, so that nothing moves. */
function starOut(bytes: Buffer, secrets: readonly string[]): Buffer {
  if (secrets.length === 0) return bytes;
  const text = bytes.toString("latin1");
  const shown = Buffer.from(bytes);
  // All are looked for in what was there before, since one may be a part of another or overlap it.
  for (const secret of secrets) {
    for (let at = text.indexOf(secret); at >= 0; at = text.indexOf(secret, at + 1)) {
      shown.fill("*", at, at + secret.length);
    }
  }
  return shown;
}

/** Moves a range's borders inwards, off the middle of a UTF-8 character. */
function wholeCharacters(bytes: Buffer, from: number, to: number, more: boolean) {
  let first = from;
  while (first < to && first - from < 3 && isContinuation(bytes[first])) first += 1;
  if (!more) return { from: first, to };
  let last = to;
  for (let back = 1; back <= 3 && to - back >= first; back += 1) {
    const byte = bytes[to - back] ?? 0;
    if (isContinuation(byte)) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    if (length > back && to - back > first) last = to - back;
    break;
  }
  return { from: first, to: last };
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
