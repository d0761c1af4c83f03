#!/usr/bin/env node
// The launcher: checks Node before anything is read that an old one could not read, turns the
// compile cache on, and goes on with the one entry that this command needs. Old Nodes parse this
// file, so it names nothing they lack in a static import.
import module from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findPinnedNode, isNodeNewEnough, neededNode } from "../../tools/toolchain/pinned-node.mjs";
import { readEnvironment } from "../config/environment.ts";
import { compileCacheDir } from "./compile-cache.ts";
import { continueWith } from "./continue-with.ts";
import { entryFor } from "./entries.ts";
import { silenceSqliteWarning } from "./sqlite-warning.ts";

const flushAfterMs = 1000;
const args = process.argv.slice(2);
if (isNodeNewEnough(process.versions.node)) await start();
else continueElsewhere();

async function start(): Promise<void> {
  silenceSqliteWarning();
  try {
    module.enableCompileCache(compileCacheDir(readEnvironment()));
  } catch {
    // Only speed is lost.
  }
  const entry = new URL(`./${entryFor(args)}.js`, import.meta.url).href;
  const { main } = (await import(entry)) as { main(args: readonly string[]): Promise<void> };
  // A server that is killed later would never write its cache.
  setTimeout(() => module.flushCompileCache?.(), flushAfterMs).unref();
  await main(args);
}

function continueElsewhere(): void {
  const launcher = fileURLToPath(import.meta.url);
  const node = findPinnedNode(join(launcher, "..", ".."));
  if (node !== undefined) {
    continueWith(node, [launcher, ...args]);
    return;
  }
  process.stderr.write(
    `land needs Node ${neededNode} or later; this is ${process.versions.node}. Install a newer Node, or put one first in PATH, and run the same command again.\n`,
  );
  process.exitCode = 1;
}
