import { readdir, readFile } from "node:fs/promises";
import { parseStat } from "./identity.ts";

/** A variable in the environment of every process that something started. */
export interface Tag {
  readonly name: string;
  readonly value: string;
  /** `prefix`: every value that begins so. */
  readonly match: "exact" | "prefix";
}

export interface TaggedProcess {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
}

/**
 * Finds living processes by a variable they were started with, also those that left their process
 * group and session. Finds nothing where there is no /proc, and misses a process that cleared its
 * own environment.
 */
export async function findTagged(tag: Tag): Promise<TaggedProcess[]> {
  const pids = (await namesIn("/proc")).filter((name) => /^[0-9]+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.filter((pid) => pid !== process.pid).map((pid) => asTagged(pid, tag)),
  );
  return found.filter((one) => one !== undefined);
}

/** Whether an environment, as /proc gives it, holds the tag. */
export function holdsTag(environment: Uint8Array, tag: Tag): boolean {
  const entry = `\0${tag.name}=${tag.value}${tag.match === "exact" ? "\0" : ""}`;
  const text = Buffer.from(environment.buffer, environment.byteOffset, environment.byteLength);
  if (text.indexOf(entry) >= 0) return true;
  return text.subarray(0, entry.length - 1).equals(Buffer.from(entry.slice(1)));
}

async function asTagged(pid: number, tag: Tag): Promise<TaggedProcess | undefined> {
  try {
    // A process that has ended but is not collected yet has an empty environment.
    if (!holdsTag(await readFile(`/proc/${pid}/environ`), tag)) return undefined;
    const stat = parseStat(await readFile(`/proc/${pid}/stat`, "utf8"));
    return stat === undefined ? undefined : { pid, parent: stat.parent, group: stat.group };
  } catch {
    return undefined;
  }
}

async function namesIn(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch {
    return [];
  }
}
