import { spawn } from "node:child_process";

const graceMs = 1000;
const bySignal = 128;
const signals: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

/**
 * Runs a program on this process's own input and output, to its end: it takes as long as whoever
 * is at the other end does. When the signal comes it is asked to end, and a second later ended.
 * Answers its exit code, 128 and more where a signal ended it. Throws where it cannot be started.
 */
export function attached(
  file: string,
  args: readonly string[],
  options: {
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly signal: AbortSignal;
  },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env: options.env, stdio: "inherit" });
    let impatience: NodeJS.Timeout | undefined;
    const end = () => {
      child.kill("SIGTERM");
      impatience = setTimeout(() => child.kill("SIGKILL"), graceMs);
    };
    if (options.signal.aborted) end();
    else options.signal.addEventListener("abort", end, { once: true });
    const over = () => {
      clearTimeout(impatience);
      options.signal.removeEventListener("abort", end);
    };
    child.once("error", (error) => {
      over();
      reject(error);
    });
    child.once("exit", (code, signal) => {
      over();
      resolve(code ?? bySignal + (signals[signal ?? ""] ?? 0));
    });
  });
}
