// Where the Node of this checkout's lockfile is. Plain JavaScript that Node 18 can read.
import { existsSync } from "node:fs";
import { join } from "node:path";

export const neededNode = "22.13";

/** Whether a version such as `20.20.2` is at least `neededNode`. */
export function isNodeNewEnough(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [neededMajor = 0, neededMinor = 0] = neededNode.split(".").map(Number);
  return major > neededMajor || (major === neededMajor && minor >= neededMinor);
}

/** The pinned Node's executable below a checkout's root, or undefined where there is none. */
export function findPinnedNode(root) {
  const platform = `${process.platform}-${process.arch}`;
  return [`node-${platform}`, `node-bin-${platform}`]
    .map((name) => join(root, "node_modules", name, "bin", "node"))
    .find((path) => existsSync(path));
}
