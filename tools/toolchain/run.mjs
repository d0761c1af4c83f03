// Runs a command of this checkout on a Node that is new enough: the current one if it is,
// else the one that tools/toolchain pins. Plain JavaScript that Node 18 can read.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findPinnedNode, isNodeNewEnough, neededNode } from "./pinned-node.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const pinned = findPinnedNode(root);
const node = pinned ?? (isNodeNewEnough(process.versions.node) ? process.execPath : undefined);
if (node === undefined) {
  console.error(
    `This checkout needs Node ${neededNode} or later; this is ${process.versions.node}, and no pinned Node is installed. Run \`npm ci\` (without --omit=optional) or use a newer Node.`,
  );
  process.exit(1);
}

const [name, ...args] = process.argv.slice(2);
const bin = join(root, "node_modules", ".bin");
const tool = name === "node" ? node : join(bin, name ?? "");
if (!existsSync(tool)) {
  console.error(
    `${name ?? "(no command)"} is not installed in this checkout. Run \`npm ci\` first.`,
  );
  process.exit(1);
}
const path = [dirname(node), bin, process.env.PATH ?? ""].join(delimiter);
const child = spawn(tool, args, { stdio: "inherit", env: { ...process.env, PATH: path } });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  console.error(`Could not start ${tool}: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => {
  if (signal !== null) {
    for (const handled of ["SIGINT", "SIGTERM", "SIGHUP"]) process.removeAllListeners(handled);
    process.kill(process.pid, signal);
    return;
  }
  process.exit(code ?? 1);
});
