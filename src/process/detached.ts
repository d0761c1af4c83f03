import { spawn } from "node:child_process";

export interface DetachedOptions {
  readonly cwd: string;
  /** The whole environment of the child; nothing is added. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** An open file that gets both of its outputs; the caller closes its own end. */
  readonly outputFd: number;
}

export interface Detached {
  readonly pid: number | undefined;
  /** Settles when it ends, or with why it never ran. It does not keep this process alive. */
  readonly ended: Promise<{ exitCode: number | null; notStarted: string | undefined }>;
}

/** Starts a program in a session of its own, so that it outlives its parent and its terminal. */
export function startDetached(
  file: string,
  args: readonly string[],
  options: DetachedOptions,
): Detached {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.env)) {
    if (value !== undefined) env[name] = value;
  }
  const child = spawn(file, args, {
    cwd: options.cwd,
    env,
    detached: true,
    stdio: ["ignore", options.outputFd, options.outputFd],
  });
  const ended = new Promise<{ exitCode: number | null; notStarted: string | undefined }>(
    (settle) => {
      child.once("error", (error) => settle({ exitCode: null, notStarted: error.message }));
      child.once("exit", (exitCode) => settle({ exitCode, notStarted: undefined }));
    },
  );
  child.unref();
  return { pid: child.pid, ended };
}
