import module from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findPinnedNode, isNodeNewEnough, neededNode } from "../../tools/toolchain/pinned-node.mjs";
import { readEnvironment } from "../config/environment.ts";
import { compileCacheDir } from "./compile-cache.ts";
import { continueWith } from "./continue-with.ts";
import { silenceSqliteWarning } from "./sqlite-warning.ts";

const flushAfterMs = 1000;

/** What a launcher needs to know of its command. */
export interface Launch {
  /** The launcher's own address, beside which its bundles lie. */
  readonly launcher: string;
  readonly args: readonly string[];
  /** The bundle to go on with. */
  readonly entry: string;
  /** Tells that this Node is too old and there is no other. `words` say what to do about it. */
  tooOld(words: string): void;
  /** Set where the exit code is always the same, whatever the command does. */
  readonly exitCode?: number;
}

/**
 * Checks Node before anything is read that an old one could not read, turns the compile cache on,
 * and goes on with the one bundle that a command needs. Old Nodes parse this, so it names nothing
 * they lack in a static import.
 */
export async function launch(command: Launch): Promise<void> {
  if (!isNodeNewEnough(process.versions.node)) {
    continueElsewhere(command);
    return;
  }
  silenceSqliteWarning();
  try {
    module.enableCompileCache(compileCacheDir(readEnvironment()));
  } catch {
    // Only speed is lost.
  }
  const bundle = new URL(`./${command.entry}.js`, command.launcher).href;
  const { main } = (await import(bundle)) as { main(args: readonly string[]): Promise<void> };
  // A server that is killed later would never write its cache.
  setTimeout(() => module.flushCompileCache?.(), flushAfterMs).unref();
  await main(command.args);
}

function continueElsewhere(command: Launch): void {
  const launcher = fileURLToPath(command.launcher);
  const node = findPinnedNode(join(launcher, "..", ".."));
  if (node !== undefined) {
    continueWith(node, [launcher, ...command.args], command.exitCode);
    return;
  }
  command.tooOld(
    `needs Node ${neededNode} or later; this is ${process.versions.node}. Install a newer Node, or put one first in PATH, and run the same command again.`,
  );
}
