import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { storageFault, storageHelp } from "../storage.ts";

export interface HeldLock {
  release(): void;
}

const sqliteBusy = 5;

/** One that nobody refers to any more would be collected, and its lock dropped with it. */
const held = new Set<DatabaseSync>();

/**
 * Takes a lock that the operating system frees when this process dies, so there is no stale one and
 * no pid to mistake. Undefined where another holder, in this process or another, has it.
 *
 * It is an exclusive transaction on a database of its own. Nothing else may open that file: closing
 * any other descriptor of it in this process would drop the lock.
 */
export function acquireLock(lockFile: string): HeldLock | undefined {
  mkdirSync(dirname(lockFile), { recursive: true, mode: 0o700 });
  const db = new DatabaseSync(lockFile, { timeout: 0 });
  try {
    db.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    if (isBusy(error)) return undefined;
    const fault = storageFault(error);
    const words = error instanceof Error ? error.message : String(error);
    const help =
      fault === undefined || fault.kind === "damaged"
        ? "Delete it and try again."
        : storageHelp(fault);
    throw new Error(`The lock file ${lockFile} cannot be used: ${words}. ${help}`, {
      cause: error,
    });
  }
  held.add(db);
  return {
    release() {
      held.delete(db);
      if (db.isOpen) db.close();
    },
  };
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === sqliteBusy;
}
