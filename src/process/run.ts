import { execa } from "execa";

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
  const child = execa(file, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: options.env as Record<string, string>,
    extendEnv: false,
    ...(options.input === undefined ? { stdin: "ignore" } : { input: options.input }),
    encoding: "buffer",
    // Kept here instead: execa would go through all of a failed program's output for its words, which
    // takes minutes for output that was made to do so.
    buffer: false,
    reject: false,
    detached: true,
    cleanup: true,
    stripFinalNewline: false,
  });
  const end = () => endGroup(child.pid);
  if (cancel.aborted) end();
  else cancel.addEventListener("abort", end, { once: true });
  const most = options.maxOutputBytes ?? defaultMaxOutput;
  const output = keep(child.stdout, { most, kept: most, end });
  const errors = keep(child.stderr, { most, kept: mostErrors, end });
  const started = child.nodeChildProcess;
  started.once("exit", () => leaveBehind(started));
  const result = await child;
  cancel.removeEventListener("abort", end);
  const ran = result.exitCode !== undefined || result.signal !== undefined;
  return {
    exitCode: result.exitCode,
    signal: result.signal,
    stdout: output(),
    stderr: new TextDecoder().decode(errors()),
    timedOut: stopped.aborted && options.signal?.aborted !== true,
    cancelled: options.signal?.aborted === true,
    notStarted: ran ? undefined : (result.originalMessage ?? "could not be started"),
  };
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
function leaveBehind(child: Outputs): void {
  const giveUp = () => {
    child.stdout?.destroy();
    child.stderr?.destroy();
  };
  // Two turns of the loop later, so that what is in the pipes already is read first.
  const timer = setTimeout(() => setImmediate(() => setImmediate(giveUp)), lingerMs);
  child.once("close", () => clearTimeout(timer));
}

interface Outputs {
  readonly stdout: { destroy(): unknown } | null;
  readonly stderr: { destroy(): unknown } | null;
  once(event: "close", then: () => void): unknown;
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
