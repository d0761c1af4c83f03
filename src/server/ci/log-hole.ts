import { renameSync, writeFileSync } from "node:fs";
import { type FileHandle, readFile } from "node:fs/promises";
import { removeFile } from "./remove-tree.ts";

/**
 * The range of a log that is dropped while its lane still appends to the file: `from` to `to`,
 * exclusive. It may read as zeros already.
 */
export interface LogHole {
  /** Of the log that has it; another one may have taken the path over. */
  readonly inode: number;
  readonly from: number;
  readonly to: number;
}

/** Stands in the place of what was dropped. Always of the same length, to be written over. */
export function droppedMark(bytes: number): string {
  const number = String(bytes).padStart(15);
  return `\n[forge] the log is over its limit:${number} bytes of output were dropped here\n`;
}

export const droppedMarkLength = droppedMark(0).length;

/** Tells readers of a log about its hole. To be called before the hole is made. */
export function announceHole(logPath: string, hole: LogHole): void {
  const path = besides(logPath);
  writeFileSync(`${path}.new`, JSON.stringify(hole), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Where there is no hole any more. */
export function forgetHole(logPath: string): void {
  removeFile(besides(logPath));
}

/** The announced hole of the log at a path, if it has one. */
export async function findHole(logPath: string): Promise<LogHole | undefined> {
  try {
    const { inode, from, to } = JSON.parse(await readFile(besides(logPath), "utf8"));
    const isHole = Number.isSafeInteger(from) && Number.isSafeInteger(to) && 0 <= from && from < to;
    // An inode's number may be too large to be exact, and is rounded the same everywhere.
    return isHole && Number.isFinite(inode) ? { inode, from, to } : undefined;
  } catch {
    return undefined;
  }
}

/** How long a log is to its readers: the mark takes the hole's place, as in the end it will. */
export function sizeWithMark(size: number, hole: LogHole | undefined): number {
  if (hole === undefined) return size;
  return Math.min(size, hole.from) + droppedMarkLength + Math.max(0, size - hole.to);
}

/** Reads a range of a log as `sizeWithMark` counts it; less than `length` at its end. */
export async function readWithMark(
  file: FileHandle,
  hole: LogHole | undefined,
  offset: number,
  length: number,
): Promise<Buffer> {
  if (hole === undefined) return readAt(file, offset, length);
  const end = offset + length;
  const markEnd = hole.from + droppedMarkLength;
  const behind = Math.max(offset, markEnd);
  return Buffer.concat([
    await readAt(file, offset, Math.min(end, hole.from) - offset),
    Buffer.from(droppedMark(hole.to - hole.from)).subarray(
      Math.max(0, offset - hole.from),
      Math.max(0, end - hole.from),
    ),
    await readAt(file, behind - markEnd + hole.to, end - behind),
  ]);
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  if (length <= 0) return Buffer.alloc(0);
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, offset);
  return buffer.subarray(0, bytesRead);
}

function besides(logPath: string): string {
  return `${logPath}.hole`;
}
