import { closeSync, constants, fstatSync, openSync, readSync, truncateSync } from "node:fs";
import { type Detached, startDetached } from "../process/detached.ts";
import { tailBytes } from "../text/bytes.ts";
import { fitToShow } from "../text/untrusted.ts";
import type { ForgeLayout } from "./local-forge.ts";

/** The command that serves the forge of a state folder: program first. */
export type Launcher = (stateDir: string) => readonly string[];

/** A forge's process that we started, and what it wrote to its log since. */
export interface Start {
  /** Undefined while it runs; `since` in milliseconds since the epoch. */
  ended(): { exitCode: number | null; notStarted: string | undefined; since: number } | undefined;
  /** The end of what it has said, fit to show. */
  logTail(): string;
}

const maxServerLogBytes = 8 * 1024 * 1024;
const shownLogBytes = 2000;

/** Starts the forge's process, detached, with its output going to the server log. */
export function startForge(
  layout: ForgeLayout,
  launcher: Launcher,
  env: Readonly<Record<string, string | undefined>>,
): Start {
  const [file, ...args] = launcher(layout.stateDir);
  if (file === undefined) throw new TypeError("The launcher names no program.");
  const log = openLog(layout.serverLogFile);
  let started: Detached;
  try {
    started = startDetached(file, args, { cwd: "/", env, outputFd: log.fd });
  } finally {
    closeSync(log.fd);
  }
  let end: ReturnType<Start["ended"]>;
  void started.ended.then((how) => {
    end = { ...how, since: Date.now() };
  });
  return {
    ended: () => end,
    logTail: () => readTail(layout.serverLogFile, log.size),
  };
}

/** The log, private and appended to; a log that grew too long begins anew. */
function openLog(path: string): { fd: number; size: number } {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
  const fd = openSync(path, flags, 0o600);
  if (fstatSync(fd).size > maxServerLogBytes) truncateSync(path, 0);
  return { fd, size: fstatSync(fd).size };
}

function readTail(path: string, from: number): string {
  try {
    const fd = openSync(path, constants.O_RDONLY);
    try {
      const { size } = fstatSync(fd);
      const start = Math.max(from <= size ? from : 0, size - 4 * shownLogBytes);
      const bytes = Buffer.alloc(size - start);
      const read = readSync(fd, bytes, 0, bytes.length, start);
      return tailBytes(fitToShow(bytes.toString("utf8", 0, read)), shownLogBytes).text.trim();
    } finally {
      closeSync(fd);
    }
  } catch {
    return "";
  }
}
