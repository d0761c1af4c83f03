import { type ChildProcess, spawn } from "node:child_process";
import { statSync } from "node:fs";

export interface RunOptions {
  readonly cwd?: string | undefined;
  /** The whole environment of the child; nothing is added. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly input?: string | Uint8Array | undefined;
  /** Output beyond this many bytes per stream ends the child. Default 64 MiB. */
  readonly maxOutputBytes?: number | undefined;
}

export interface Finished {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly stdout: Uint8Array;
  readonly stderr: string;
  readonly timedOut: boolean;
  readonly cancelled: boolean;
  /** Why it never ran, such as a missing program. */
  readonly notStarted: string | undefined;
}

const defaultMaxOutput = 64 * 1024 * 1024;
/** More of what a program complains about is read by nobody. */
const mostErrors = 1024 * 1024;
/** How long output may come in after the program itself ended. */
const lingerMs = 1000;

/**
 * Runs a program to its end in a process group of its own, under a deadline, and never throws for
 * how it ended. On deadline or cancel the whole group gets TERM, then KILL a second later. What it
 * started and left behind with its output open, as hooks and ssh do, is not waited for.
 */
export async function run(
  file: string,
  args: readonly string[],
  options: RunOptions,
): Promise<Finished> {
  const stopped = AbortSignal.timeout(options.timeoutMs);
  const cancel =
    options.signal === undefined ? stopped : AbortSignal.any([options.signal, stopped]);
  const child = start(file, args, options);
  if ("notStarted" in child) return nothing(child.notStarted);
  const end = () => endGroup(child.pid);
  if (cancel.aborted) end();
  else cancel.addEventListener("abort", end, { once: true });
  const most = options.maxOutputBytes ?? defaultMaxOutput;
  const output = keep(child.stdout, { most, kept: most, end });
  const errors = keep(child.stderr, { most, kept: mostErrors, end });
  child.once("exit", () => leaveBehind(child));
  const { exitCode, signal, notStarted } = await endOf(child, options.cwd);
  cancel.removeEventListener("abort", end);
  return {
    exitCode,
    signal,
    stdout: output(),
    stderr: new TextDecoder().decode(errors()),
    timedOut: stopped.aborted && options.signal?.aborted !== true,
    cancelled: options.signal?.aborted === true,
    notStarted,
  };
}

function start(
  file: string,
  args: readonly string[],
  { cwd, env, input }: RunOptions,
): ChildProcess | { readonly notStarted: string } {
  try {
    const stdin = input === undefined ? "ignore" : "pipe";
    const child = spawn(file, args, { cwd, env, detached: true, stdio: [stdin, "pipe", "pipe"] });
    // Who ends without having read it all is no error of ours, and says so by its exit code.
    for (const stream of child.stdio) stream?.on("error", () => undefined);
    child.stdin?.end(input);
    return child;
  } catch (error) {
    return { notStarted: whyNotStarted(error, cwd) };
  }
}

/** A program that never ran. */
function nothing(notStarted: string): Finished {
  const none = { exitCode: undefined, signal: undefined, stdout: new Uint8Array(), stderr: "" };
  return { ...none, timedOut: false, cancelled: false, notStarted };
}

/** Resolves when the program has ended and its output has been read, or where it never started. */
function endOf(
  child: ChildProcess,
  cwd: string | undefined,
): Promise<Pick<Finished, "exitCode" | "signal" | "notStarted">> {
  return new Promise((resolve) => {
    child.on("error", (error) => {
      if (child.pid !== undefined) return;
      const notStarted = whyNotStarted(error, cwd);
      resolve({ exitCode: undefined, signal: undefined, notStarted });
    });
    child.once("close", (exitCode, signal) => {
      resolve({
        exitCode: exitCode ?? undefined,
        signal: signal ?? undefined,
        notStarted: undefined,
      });
    });
  });
}

/** The system says the same of a program and of a folder that are not there. */
function whyNotStarted(error: unknown, cwd: string | undefined): string {
  if (cwd !== undefined && !isFolder(cwd)) return `${cwd} is no folder that can be used`;
  return error instanceof Error ? error.message : String(error);
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** Keeps the first bytes that come, and calls for an end where there are too many. */
function keep(
  stream: NodeJS.ReadableStream | null,
  { most, kept, end }: { most: number; kept: number; end: () => void },
): () => Uint8Array {
  const chunks: Buffer[] = [];
  let seen = 0;
  stream?.on("data", (chunk: Buffer) => {
    if (seen < kept) chunks.push(chunk.subarray(0, kept - seen));
    if (seen <= most && seen + chunk.length > most) end();
    seen += chunk.length;
  });
  return () => Buffer.concat(chunks);
}

/** Gives the output of a program that has ended up where others still hold it open. */
function leaveBehind(child: ChildProcess): void {
  const giveUp = () => {
    child.stdout?.destroy();
    child.stderr?.destroy();
  };
  // Two turns of the loop later, so that what is in the pipes already is read first.
  const timer = setTimeout(() => setImmediate(() => setImmediate(giveUp)), lingerMs);
  child.once("close", () => clearTimeout(timer));
}

/** Sends a process group TERM and, should it still be there a second later, KILL. */
function endGroup(pid: number | undefined, graceMs = 1000): void {
  if (pid === undefined) return;
  if (!signalGroup(pid, "SIGTERM")) return;
  setTimeout(() => signalGroup(pid, "SIGKILL"), graceMs).unref();
}

/** Signals a whole process group; false where it is gone. */
export function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
}
