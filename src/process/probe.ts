import { spawnSync } from "node:child_process";

/** Whether a program can be run here and ends well. Blocks; only for the start of a process. */
export function runsWell(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  timeoutMs: number,
): boolean {
  const answer = spawnSync(file, args, {
    env: { ...env },
    stdio: "ignore",
    timeout: timeoutMs,
    killSignal: "SIGKILL",
  });
  return answer.status === 0;
}
