import { endingOfError, exitCodes } from "../cli/exit-codes.ts";
import { asLandError, errorView, renderError } from "../operations/errors.ts";

/** Runs the whole of a process and ends it with the exit code; an error is told without a trace. */
export async function endProcess(whole: () => Promise<number>): Promise<never> {
  quietOnClosedPipe(process.stdout);
  quietOnClosedPipe(process.stderr);
  process.on("uncaughtException", failWith);
  try {
    const code = await whole();
    await Promise.all([process.stdout, process.stderr].map(written));
    process.exit(code);
  } catch (thrown) {
    return failWith(thrown);
  }
}

/**
 * Until a stream has passed on what it was given, or its reader is gone: a pipe takes 64 KiB at
 * once, and `process.exit` drops the rest.
 */
function written(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.writableLength === 0) return Promise.resolve();
  return new Promise((settle) => {
    stream.once("close", settle);
    // Somebody who wants it to end does not want the rest.
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, settle);
    stream.write("", () => settle());
  });
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
