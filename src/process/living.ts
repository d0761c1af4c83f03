import { readlinkSync } from "node:fs";
import { type Identity, isStillThere } from "./identity.ts";

/**
 * Whether exactly this process runs. Where there is no /proc only its number can be looked at, so
 * callers should ask the process itself as well.
 */
export function isRunning(known: Identity): boolean {
  return known.startTime === null ? hasNumber(known.pid) : isStillThere(known);
}

/** Sends a signal to exactly this process; false where it is gone or another has its number. */
export function signalProcess(known: Identity, signal: NodeJS.Signals): boolean {
  if (!isRunning(known)) return false;
  try {
    process.kill(known.pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** The process namespace that numbers of processes mean something in; null where there is none. */
export function processNamespace(): string | null {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return null;
  }
}

function hasNumber(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
