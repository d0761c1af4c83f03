import { spawn } from "node:child_process";
import { programIn } from "./search-path.ts";

/** "refused": cannot be had here, now or later. "unfinished": worth another try. */
export type Punched = "freed" | "refused" | "unfinished";

const deadlineMs = 10_000;

/**
 * Gives a range of an open file's bytes back to the disk with util-linux's `fallocate`: they read
 * as zeros from then on, the file's size and everything around them stay. Node has no call for it.
 * The file is handed over open, so renaming, replacing or closing it meanwhile is safe. Never
 * throws.
 */
export async function punchHole(file: number, offset: number, length: number): Promise<Punched> {
  const program = programIn(undefined, "fallocate");
  if (program === undefined) return "refused";
  const range = ["--offset", String(offset), "--length", String(length)];
  try {
    const child = spawn(program, ["--punch-hole", "--keep-size", ...range, "/proc/self/fd/0"], {
      env: {},
      stdio: [file, "ignore", "ignore"],
      timeout: deadlineMs,
      killSignal: "SIGKILL",
    });
    return await new Promise((resolve) => {
      child.once("error", () => resolve("unfinished"));
      child.once("exit", (exitCode) => {
        resolve(exitCode === 0 ? "freed" : exitCode === null ? "unfinished" : "refused");
      });
    });
  } catch {
    return "unfinished";
  }
}
