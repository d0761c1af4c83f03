import { spawn } from "node:child_process";
import { type Identity, identityOf } from "./identity.ts";

/** A long-running program whose output goes straight to a file. */
export interface LaneCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment of the child; nothing is added. */
  readonly env: Readonly<Record<string, string>>;
  /** An open file that standard output and standard error are both appended to, in order. */
  readonly output: number;
  /** Gives the child file descriptor 3 to write its state to, as bubblewrap does. */
  readonly reportsState: boolean;
}

export interface LaneExit {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What was written to file descriptor 3. */
  readonly report: string;
}

export interface LaneProcess {
  /** Its pid is that of its process group too. */
  readonly identity: Identity;
  /** Resolves once the program itself has ended; processes that it started may live on. */
  readonly ended: Promise<LaneExit>;
}

const maxReportLength = 64 * 1024;
/** How long after its end the rest of a child's report is waited for. */
const reportWaitMs = 250;

/**
 * Starts a program in a process group of its own with nothing on standard input. Answers the
 * system's own words where it could not be started; never throws.
 */
export async function startLane(
  command: LaneCommand,
): Promise<LaneProcess | { readonly notStarted: string }> {
  try {
    const child = spawn(command.file, command.args, {
      cwd: command.cwd,
      env: { ...command.env },
      detached: true,
      stdio: ["ignore", command.output, command.output, command.reportsState ? "pipe" : "ignore"],
    });
    if (child.pid === undefined) {
      return await new Promise((resolve) =>
        child.once("error", (error) => resolve({ notStarted: error.message })),
      );
    }
    child.on("error", () => undefined);
    const report = readReport(child.stdio[3]);
    const ended = new Promise<LaneExit>((resolve) => {
      child.once("exit", async (exitCode, signal) => {
        resolve({ exitCode, signal, report: await report.rest() });
      });
    });
    return { identity: identityOf(child.pid), ended };
  } catch (error) {
    return { notStarted: error instanceof Error ? error.message : String(error) };
  }
}

/** Collects what a pipe brings; `rest` waits a moment for its end and then lets go of it. */
function readReport(pipe: unknown): { rest: () => Promise<string> } {
  if (!isReadable(pipe)) return { rest: async () => "" };
  let text = "";
  const closed = new Promise<void>((resolve) => {
    pipe.on("data", (chunk: Buffer) => {
      if (text.length < maxReportLength) text += chunk.toString("utf8");
    });
    pipe.once("close", () => resolve());
    pipe.on("error", () => resolve());
  });
  return {
    async rest() {
      const patience = Promise.withResolvers<void>();
      const timer = setTimeout(patience.resolve, reportWaitMs);
      await Promise.race([closed, patience.promise]);
      clearTimeout(timer);
      pipe.destroy();
      return text;
    },
  };
}

interface ReportPipe extends NodeJS.ReadableStream {
  destroy(): void;
}

function isReadable(pipe: unknown): pipe is ReportPipe {
  return typeof pipe === "object" && pipe !== null && "on" in pipe && "destroy" in pipe;
}
