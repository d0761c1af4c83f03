import { constants, lstatSync } from "node:fs";
import { lstat, open } from "node:fs/promises";
import { constants as osConstants } from "node:os";
import { dirname } from "node:path";
import type { FailureKind } from "../../domain/status.ts";
import type { LaneExit } from "../../process/lane.ts";
import { type Isolation, ranInSandbox } from "./sandbox.ts";

/** How a lane ended, as the store takes it. */
export interface LaneOutcome {
  readonly status: "success" | "failed" | "skipped";
  readonly failureKind: FailureKind | null;
  readonly note: string | null;
}

/** What a lane wrote into its result file: one word and, after a space, why. */
export interface LaneStatement {
  readonly word: "skipped" | "infrastructure";
  readonly why: string;
}

export function infrastructureFailure(note: string): LaneOutcome {
  return { status: "failed", failureKind: "infrastructure", note: oneLine(note) };
}

/**
 * Tells a lane's result from its exit and from what the lane itself stated, never from words in its
 * log:
 *
 * - out of time: `timeout`
 * - exit code 0: success, or skipped where the result file begins with `skipped` or the runner's
 *   last `run_finished` line says so
 * - `infrastructure` in the result file, or exit code 75 (EX_TEMPFAIL): `infrastructure`
 * - any other exit code or a signal: `test_failure`
 */
export function outcomeOf(how: {
  readonly exit: LaneExit;
  readonly isolation: Isolation;
  readonly timedOutAfterSeconds: number | null;
  readonly statement: LaneStatement | undefined;
  /** What its runner said of having skipped; undefined where it skipped nothing. */
  readonly runnerSkipped: string | undefined;
}): LaneOutcome {
  const { exit, statement } = how;
  if (how.timedOutAfterSeconds !== null) {
    const note = `timed out after ${how.timedOutAfterSeconds} s`;
    return { status: "failed", failureKind: "timeout", note };
  }
  if (how.isolation === "bwrap" && exit.exitCode !== 0 && !ranInSandbox(exit.report)) {
    const why = exit.signal === null ? `exit code ${exit.exitCode}` : exit.signal;
    return infrastructureFailure(
      `the sandbox could not run it (${why}); the log has the sandbox's words`,
    );
  }
  if (statement?.word === "infrastructure") {
    return infrastructureFailure(statement.why || "the lane says so");
  }
  if (exit.exitCode === 0) {
    if (statement?.word === "skipped") {
      return { status: "skipped", failureKind: null, note: statement.why || null };
    }
    if (how.runnerSkipped !== undefined) {
      const note = oneLine(`runner skipped: ${how.runnerSkipped}`).replace(/:$/, "");
      return { status: "skipped", failureKind: null, note };
    }
    return { status: "success", failureKind: null, note: null };
  }
  if (exit.exitCode === temporaryFailure) {
    return infrastructureFailure(`exit code ${temporaryFailure} (temporary failure)`);
  }
  return { status: "failed", failureKind: "test_failure", note: exitNote(exit, how.isolation) };
}

/** Reads the result file a lane may have written. Whatever else stands there says nothing. */
export async function readStatement(file: string): Promise<LaneStatement | undefined> {
  try {
    // Most lanes state nothing.
    if (lstatSync(file, { throwIfNoEntry: false }) === undefined) return undefined;
    // The lane could have put a link there to have the forge read out a file it may not see.
    if (!(await lstat(dirname(file))).isDirectory()) return undefined;
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const opened = await open(file, flags);
    try {
      if (!(await opened.stat()).isFile()) return undefined;
      const { buffer, bytesRead } = await opened.read(Buffer.alloc(1024), 0, 1024, 0);
      return parseStatement(buffer.subarray(0, bytesRead).toString("utf8"));
    } finally {
      await opened.close();
    }
  } catch {
    return undefined;
  }
}

export function parseStatement(text: string): LaneStatement | undefined {
  const [, word, why = ""] = /^\s*(skipped|infrastructure)\b[ \t:]*([^\n]*)/.exec(text) ?? [];
  if (word !== "skipped" && word !== "infrastructure") return undefined;
  return { word, why: oneLine(why) };
}

/** What sysexits.h calls EX_TEMPFAIL: try again later. */
const temporaryFailure = 75;

function exitNote(exit: LaneExit, isolation: Isolation): string {
  if (exit.signal !== null) return `killed by ${exit.signal}`;
  // The sandbox, as shells do, tells a signal as 128 + its number.
  const signal = isolation === "bwrap" ? signalName((exit.exitCode ?? 0) - 128) : undefined;
  if (signal !== undefined) return `killed by ${signal} (exit code ${exit.exitCode})`;
  return `exit code ${exit.exitCode}`;
}

function signalName(number: number): string | undefined {
  return Object.entries(osConstants.signals).find(([, value]) => value === number)?.[0];
}

function oneLine(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\s]+/gu, " ")
    .trim()
    .slice(0, 500);
}
