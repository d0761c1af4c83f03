import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

/** What a command may do with the person or program that called it. */
export interface Terminal {
  /** The answer. Goes to standard output. */
  out(text: string): void;
  /** Everything beside the answer. Goes to standard error. */
  err(text: string): void;
  /** Whether somebody watches standard error, so that lines may be drawn over. */
  readonly live: boolean;
  /** Whether a person can be asked: input and standard error are a terminal. */
  readonly canAsk: boolean;
  columns(): number;
  /** Asks for one line; undefined where nobody can answer or the input ends. */
  ask(
    question: string,
    options: { hidden: boolean; signal: AbortSignal },
  ): Promise<string | undefined>;
  /** All of standard input, at most `maxBytes`; undefined beyond that. */
  readAll(maxBytes: number): Promise<string | undefined>;
}

interface Streams {
  readonly stdin: Readable & { isTTY?: boolean };
  readonly stdout: Writable;
  readonly stderr: Writable & { isTTY?: boolean; columns?: number };
}

/** The terminal of a process. `isCi`: a CI system runs us, where nobody watches or answers. */
export function terminalOf(streams: Streams, isCi: boolean): Terminal {
  const live = streams.stderr.isTTY === true && !isCi;
  return {
    out: (text) => void streams.stdout.write(text),
    err: (text) => void streams.stderr.write(text),
    live,
    canAsk: live && streams.stdin.isTTY === true,
    columns: () => streams.stderr.columns || 80,
    ask: (question, options) => askLine(streams, live, question, options),
    readAll: (maxBytes) => readAll(streams.stdin, maxBytes),
  };
}

async function askLine(
  streams: Streams,
  live: boolean,
  question: string,
  options: { hidden: boolean; signal: AbortSignal },
): Promise<string | undefined> {
  if (!live || streams.stdin.isTTY !== true || options.signal.aborted) return undefined;
  streams.stderr.write(question);
  const lines = createInterface({
    input: streams.stdin,
    terminal: true,
    // Without an output, readline shows nothing of what is typed.
    ...(options.hidden ? {} : { output: streams.stderr, prompt: question }),
  });
  const stop = () => lines.close();
  options.signal.addEventListener("abort", stop, { once: true });
  try {
    return await new Promise<string | undefined>((settle) => {
      lines.once("line", settle);
      lines.once("close", () => settle(undefined));
      lines.once("SIGINT", () => {
        lines.close();
        process.kill(process.pid, "SIGINT");
      });
    });
  } finally {
    options.signal.removeEventListener("abort", stop);
    lines.close();
    if (options.hidden) streams.stderr.write("\n");
  }
}

async function readAll(stdin: Readable, maxBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin) {
    const part = Buffer.from(chunk);
    bytes += part.length;
    if (bytes > maxBytes) return undefined;
    chunks.push(part);
  }
  return Buffer.concat(chunks).toString("utf8");
}
