import { statfs } from "node:fs/promises";
import { isNodeNewEnough, neededNode } from "../../tools/toolchain/pinned-node.mjs";
import { Git } from "../git/git.ts";
import { run } from "../process/run.ts";
import { type Check, missing, note, ok, wordsOf } from "./check.ts";
import { nearestFolder } from "./nearest-folder.ts";

type Env = Readonly<Record<string, string | undefined>>;

const neededGit = [2, 38] as const;
const leastFreeBytes = 1024 ** 3;
const probeMs = 10_000;

export function checkNode(version: string): Check {
  return isNodeNewEnough(version)
    ? ok("node", version)
    : missing("node", version, `Install Node ${neededNode} or later.`);
}

export async function checkGit(cwd: string, env: Env, signal: AbortSignal): Promise<Check> {
  try {
    return judgeGit(await new Git({ dir: cwd, env }).text(["version"], signal));
  } catch (error) {
    return missing("git", wordsOf(error), `Install git ${neededGit.join(".")} or later.`);
  }
}

/** Judges what `git version` said. */
export function judgeGit(said: string): Check {
  const version = /(\d+)\.(\d+)(\.\d+)*/.exec(said);
  const [major, minor] = [Number(version?.[1]), Number(version?.[2])];
  const enough = major > neededGit[0] || (major === neededGit[0] && minor >= neededGit[1]);
  return enough
    ? ok("git", version?.[0] ?? said)
    : missing("git", said, `Install git ${neededGit.join(".")} or later.`);
}

/** Bubblewrap keeps lanes from the machine; without it they run all the same, and say so. */
export async function checkBubblewrap(env: Env, signal: AbortSignal): Promise<Check> {
  const args = ["--unshare-pid", "--die-with-parent", "--ro-bind", "/", "/", "true"];
  const tried = await run("bwrap", args, { env, timeoutMs: probeMs, signal });
  if (tried.exitCode === 0) return ok("bubblewrap", "lanes run in a sandbox");
  const why = tried.notStarted === undefined ? "it does not start here" : "not installed";
  return note(
    "bubblewrap",
    `${why}: lanes started from this shell run without a sandbox`,
    tried.notStarted === undefined
      ? "Allow unprivileged user namespaces, or start the forge outside this shell with `land serve`."
      : "Install the package `bubblewrap` to keep lanes apart from this machine.",
  );
}

/** Room where state is kept. */
export async function checkDisk(folder: string): Promise<Check> {
  try {
    const { bavail, bsize } = await statfs(await nearestFolder(folder));
    const free = bavail * bsize;
    const words = `${(free / 1024 ** 3).toFixed(1)} GiB free for ${folder}`;
    return free >= leastFreeBytes
      ? ok("disk", words)
      : missing("disk", words, "Free some space; lanes and logs need room.");
  } catch (error) {
    return note("disk", `free space is unknown: ${wordsOf(error)}`);
  }
}
