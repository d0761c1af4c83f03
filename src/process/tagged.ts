import { readdir, readFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { parseStat, statOf } from "./identity.ts";

/** A variable in the environment of every process that something started. */
export interface Tag {
  readonly name: string;
  readonly value: string;
  /** `prefix`: every value that begins so. */
  readonly match: "exact" | "prefix";
}

export interface TaggedProcess {
  readonly pid: number;
  /** The variable's whole value. */
  readonly value: string;
  readonly parent: number;
  readonly group: number;
}

/** More in a row, each with new processes, say that the machine begins them all the time. */
const mostListings = 20;

/**
 * Finds living processes by a variable they were started with, also those that left their process
 * group and session, and those that one begins which ends before it could be looked at. Finds
 * nothing where there is no /proc, and misses a process that cleared its own environment.
 */
export async function findTagged(tag: Tag): Promise<TaggedProcess[]> {
  const seen = new Set([process.pid]);
  const found: TaggedProcess[] = [];
  for (let listing = 1; listing <= mostListings; listing += 1) {
    const fresh = (await livingPids()).filter((pid) => !seen.has(pid));
    if (fresh.length === 0) break;
    for (const pid of fresh) seen.add(pid);
    const looks = await Promise.all(fresh.map((pid) => asTagged(pid, tag)));
    found.push(...looks.filter((one) => one !== undefined));
  }
  return found;
}

/** Whether an environment, as /proc gives it, holds the tag. */
export function holdsTag(environment: Uint8Array, tag: Tag): boolean {
  return tagIn(environment, tag) !== undefined;
}

/** The value that the tag has in an environment, where that holds it. */
function tagIn(environment: Uint8Array, tag: Tag): string | undefined {
  const text = Buffer.from(environment.buffer, environment.byteOffset, environment.byteLength);
  const entry = `${tag.name}=${tag.value}${tag.match === "exact" ? "\0" : ""}`;
  const isFirst = text.subarray(0, entry.length).equals(Buffer.from(entry));
  const begin = isFirst ? 0 : text.indexOf(`\0${entry}`) + 1;
  if (!isFirst && begin === 0) return undefined;
  const end = text.indexOf(0, begin);
  return text.toString("utf8", begin + tag.name.length + 1, end < 0 ? text.length : end);
}

async function asTagged(pid: number, tag: Tag): Promise<TaggedProcess | undefined> {
  try {
    const value = tagIn(await environmentOf(pid), tag);
    if (value === undefined) return undefined;
    const stat = parseStat(await readFile(`/proc/${pid}/stat`, "utf8"));
    return stat === undefined ? undefined : { pid, value, parent: stat.parent, group: stat.group };
  } catch {
    return undefined;
  }
}

/** Looks, not time: where the machine is slow so is whoever becomes another program. */
const mostLooks = 200;

/** As a process has it once it is the program that it is about to become. */
async function environmentOf(pid: number): Promise<Uint8Array> {
  for (let look = 1; ; look += 1) {
    const environment = await readFile(`/proc/${pid}/environ`);
    const isFinal = environment.length > 0 || statOf(pid)?.bare !== false;
    if (isFinal || look === mostLooks) return environment;
    await wait(1);
  }
}

async function livingPids(): Promise<number[]> {
  try {
    return (await readdir("/proc")).filter((name) => /^[0-9]+$/.test(name)).map(Number);
  } catch {
    return [];
  }
}
