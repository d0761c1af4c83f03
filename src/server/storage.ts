import { existsSync } from "node:fs";
import { folderTrouble } from "../process/folder-trouble.ts";
import type { ServerConfig } from "./config.ts";

/**
 * With less room than this no lane is started: it would fail for that alone. What is left is for
 * the records of what runs and for what frees room.
 */
export const leastRoomBytes = 8 * 1024 ** 2;

/** What keeps the forge from writing its state, in words; undefined where nothing does. */
export function storageTrouble(
  config: Pick<
    ServerConfig,
    "stateDir" | "repositoryDir" | "logsDir" | "workspacesDir" | "cacheDir"
  >,
): string | undefined {
  const { stateDir, repositoryDir, logsDir, workspacesDir, cacheDir } = config;
  const gone = [stateDir, repositoryDir].find((folder) => !existsSync(folder));
  if (gone !== undefined) return `${gone} is gone`;
  const folders = [stateDir, repositoryDir, logsDir, workspacesDir, cacheDir];
  return folderTrouble(folders, leastRoomBytes)?.words;
}

/** What that means, for whoever waits. */
export function storageWords(trouble: string): string {
  return `${trouble}: no lane is started until that is put right, which is noticed by itself`;
}

/** A failure to read or write the forge's state, told by the system's codes and not by words. */
export interface StorageFault {
  readonly kind: "full" | "not_writable" | "damaged" | "failed";
  readonly words: string;
}

const byErrno: Readonly<Record<string, StorageFault>> = {
  ENOSPC: { kind: "full", words: "the disk of the forge's state is full" },
  EDQUOT: { kind: "full", words: "the disk quota of the forge's state is used up" },
  EROFS: { kind: "not_writable", words: "the forge's state is on a read-only file system" },
  EACCES: { kind: "not_writable", words: "the forge may not write its own state" },
  EPERM: { kind: "not_writable", words: "the forge may not write its own state" },
  EIO: { kind: "failed", words: "the disk of the forge's state fails" },
};

/** SQLite's primary result codes. */
const bySqliteCode: Readonly<Record<number, StorageFault>> = {
  8: { kind: "not_writable", words: "the forge's store may not be written" },
  10: { kind: "failed", words: "the forge's store could not be read or written on its disk" },
  11: { kind: "damaged", words: "the forge's store is damaged" },
  13: { kind: "full", words: "the forge's store cannot grow: its disk is full" },
  14: { kind: "not_writable", words: "the forge's store, or a file beside it, cannot be opened" },
  26: { kind: "damaged", words: "the forge's store is damaged: it is no database" },
};

/** What of the forge's state failed, where an error, or what caused it, is such a failure. Pure. */
export function storageFault(error: unknown): StorageFault | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; depth += 1) {
    const { code, errcode } = at as Error & { code?: unknown; errcode?: unknown };
    const found =
      typeof errcode === "number"
        ? bySqliteCode[errcode & 0xff]
        : typeof code === "string"
          ? byErrno[code]
          : undefined;
    if (found !== undefined) return found;
    at = at.cause;
  }
  return undefined;
}

/** What helps, by what failed. */
export function storageHelp({ kind }: Pick<StorageFault, "kind">): string {
  switch (kind) {
    case "full":
      return "Free some space; the forge then goes on by itself.";
    case "not_writable":
      return "Make the state folder and all in it writable for the forge's user again.";
    case "damaged":
      return "Stop the forge and put back a copy of the state folder as a whole; nothing is repaired behind your back.";
    case "failed":
      return "Look at the disk; the forge goes on by itself once it answers again.";
  }
}
