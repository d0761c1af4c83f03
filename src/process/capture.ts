import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { signalGroup } from "./run.ts";

export interface CaptureOptions {
  readonly cwd: string;
  /** The whole environment of the child; nothing is added. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Standard output beyond this many bytes ends the program; what came before is kept. */
  readonly maxBytes: number;
  /** Ends the program; what it printed until then is the answer. */
  readonly signal: AbortSignal;
}

export interface Captured {
  /** `exited` by itself, `stopped` by the signal, `overflowed`, or never started. */
  readonly ended: "exited" | "stopped" | "overflowed" | "not_started";
  readonly exitCode: number | null;
  readonly killedBy: string | null;
  readonly stdout: Uint8Array;
  /** The last part of standard error. */
  readonly stderr: Uint8Array;
  /** The system's own words where it could not be started; else empty. */
  readonly why: string;
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

const stderrBytes = 16 * 1024;
/** How long output may come in after the program itself ended. */
const lingerMs = 200;
/** From the polite request to end to the other one. */
const graceMs = 500;

/**
 * Runs programs for what they print. Each has a session and process group of its own and nothing on
 * standard input, so it can ask nobody. When it is over, its whole group is ended, what it left in
 * the background included. Never throws, and answers at once when the signal comes.
 */
export class Captures {
  /** Groups that may still have members. */
  readonly #groups = new Set<number>();

  run(file: string, args: readonly string[], options: CaptureOptions): Promise<Captured> {
    let child: Child;
    try {
      child = spawn(file, args, {
        cwd: options.cwd,
        env: definedOnly(options.env),
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
      });
    } catch (error) {
      return Promise.resolve(notStarted(error));
    }
    return new Promise((settle) => this.#follow(child, options, settle));
  }

  /** Makes sure that nothing of what was started is left. */
  async endAll(): Promise<void> {
    const until = performance.now() + 100;
    while (this.#living().length > 0 && performance.now() < until) await sleep(5);
    for (const group of this.#living()) signalGroup(group, "SIGKILL");
  }

  #follow(child: Child, options: CaptureOptions, settle: (captured: Captured) => void): void {
    const out = new Head(options.maxBytes);
    const err = new Tail(stderrBytes);
    let isOver = false;
    const finish = (ended: Captured["ended"], why = "") => {
      if (isOver) return;
      isOver = true;
      options.signal.removeEventListener("abort", stop);
      child.stdout.destroy();
      child.stderr.destroy();
      this.#end(child.pid);
      settle({
        ended,
        exitCode: child.exitCode,
        killedBy: child.signalCode,
        stdout: out.bytes(),
        stderr: err.bytes(),
        why,
      });
    };
    const stop = () => finish("stopped");
    child.stdout.on("data", (chunk: Buffer) => {
      if (!out.add(chunk)) finish("overflowed");
    });
    child.stderr.on("data", (chunk: Buffer) => err.add(chunk));
    child.once("error", (error) => finish("not_started", error.message));
    child.once("close", () => finish("exited"));
    // Others may hold its output open.
    child.once("exit", () => setTimeout(finish, lingerMs, "exited").unref());
    if (options.signal.aborted) stop();
    else options.signal.addEventListener("abort", stop, { once: true });
  }

  #end(group: number | undefined): void {
    if (group === undefined || !signalGroup(group, "SIGTERM")) return;
    this.#groups.add(group);
    setTimeout(() => {
      signalGroup(group, "SIGKILL");
      this.#groups.delete(group);
    }, graceMs).unref();
  }

  #living(): readonly number[] {
    for (const group of this.#groups) if (!isThere(group)) this.#groups.delete(group);
    return [...this.#groups];
  }
}

/** The first bytes of a stream. */
class Head {
  readonly #max: number;
  readonly #chunks: Buffer[] = [];
  #size = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** False once there was more than fits. */
  add(chunk: Buffer): boolean {
    const fitting = chunk.subarray(0, this.#max - this.#size);
    this.#chunks.push(fitting);
    this.#size += fitting.length;
    return fitting.length === chunk.length;
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#chunks);
  }
}

/** The last bytes of a stream. */
class Tail {
  readonly #max: number;
  #kept: Buffer = Buffer.alloc(0);

  constructor(max: number) {
    this.#max = max;
  }

  add(chunk: Buffer): void {
    this.#kept = Buffer.concat([this.#kept, chunk.subarray(-this.#max)]).subarray(-this.#max);
  }

  bytes(): Uint8Array {
    return this.#kept;
  }
}

function isThere(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch {
    return false;
  }
}

function definedOnly(env: CaptureOptions["env"]): Record<string, string> {
  const defined: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) defined[name] = value;
  return defined;
}

function notStarted(error: unknown): Captured {
  const why = error instanceof Error ? error.message : String(error);
  const nothing = new Uint8Array();
  return {
    ended: "not_started",
    exitCode: null,
    killedBy: null,
    stdout: nothing,
    stderr: nothing,
    why,
  };
}
