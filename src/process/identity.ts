import { readFileSync } from "node:fs";

/** Names one process safely, also after a crash or a reboot: pids alone are used again. */
export interface Identity {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat; null where there is no /proc. */
  readonly startTime: string | null;
  readonly bootId: string | null;
}

/** What /proc says of a process; undefined where it is gone or there is no /proc. */
export interface ProcessStat {
  /** `Z` for one that has ended and waits to be collected. */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly startTime: string;
  /**
   * Whether it surely has no environment: it was started without one, has ended, or is a part of
   * the kernel. One that is just becoming another program shows none either, for a moment.
   */
  readonly bare: boolean;
}

/** Reads the fields after the program's name, which itself may hold spaces and parentheses. */
export function parseStat(text: string): ProcessStat | undefined {
  const fields = text
    .slice(text.lastIndexOf(")") + 1)
    .trim()
    .split(" ");
  const [state, parent, group] = fields;
  const startTime = fields[19];
  if (state === undefined || startTime === undefined) return undefined;
  const [memory, code, begin, end] = [fields[20], fields[24], fields[47], fields[48]];
  // Where a program's code ends is filled in last, after its environment.
  const bare = memory === "0" || (code !== "0" && begin === end);
  return { state, parent: Number(parent), group: Number(group), startTime, bare };
}

/** The identity of a process that is there now. */
export function identityOf(pid: number): Identity {
  return { pid, startTime: statOf(pid)?.startTime ?? null, bootId: bootId() };
}

/** Whether that very process is still there. False where /proc cannot say so. */
export function isStillThere(identity: Identity): boolean {
  if (identity.startTime === null || identity.bootId === null) return false;
  const stat = statOf(identity.pid);
  return (
    stat !== undefined &&
    stat.state !== "Z" &&
    stat.startTime === identity.startTime &&
    identity.bootId === bootId()
  );
}

/** What /proc says of a process now. */
export function statOf(pid: number): ProcessStat | undefined {
  const text = readText(`/proc/${pid}/stat`);
  return text === undefined ? undefined : parseStat(text);
}

let knownBootId: string | null | undefined;

function bootId(): string | null {
  knownBootId ??= readText("/proc/sys/kernel/random/boot_id")?.trim() ?? null;
  return knownBootId;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
