import { endingOfError, exitCodes } from "../cli/exit-codes.ts";
import { asLandError, errorView, renderError } from "../operations/errors.ts";

/** Runs the whole of a process and ends it with the exit code; an error is told without a trace. */
export async function endProcess(whole: () => Promise<number>): Promise<never> {
  quietOnClosedPipe(process.stdout);
  quietOnClosedPipe(process.stderr);
  process.on("uncaughtException", failWith);
  try {
    process.exit(await whole());
  } catch (thrown) {
    return failWith(thrown);
  }
}

/** Unhandled rejections come here too. What was being done can be asked for again. */
function failWith(thrown: unknown): never {
  const error = asLandError(thrown);
  process.stderr.write(`${renderError(errorView(error))}\n`);
  process.exit(exitCodes[endingOfError(error.code)].code);
}

/** A reader that goes away, as `head` does, is no failure of ours. */
function quietOnClosedPipe(stream: NodeJS.WriteStream): void {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}
