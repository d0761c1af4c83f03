import { accessSync, constants, statfsSync } from "node:fs";

/** What keeps files from being written below a folder. */
export interface FolderTrouble {
  readonly kind: "full" | "not_writable";
  /** In words, with the folder's path. */
  readonly words: string;
}

/**
 * What keeps the first of some folders that has trouble from being written; undefined where nothing
 * does. `leastBytes`: less room than that counts as none. Writes nothing, and takes microseconds. A
 * folder that is not there, or whose file system tells no numbers, has no trouble that can be seen.
 */
export function folderTrouble(
  folders: readonly string[],
  leastBytes: number,
): FolderTrouble | undefined {
  for (const folder of folders) {
    const found = notWritable(folder) ?? full(folder, leastBytes);
    if (found !== undefined) return found;
  }
  return undefined;
}

function notWritable(folder: string): FolderTrouble | undefined {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const kind = "not_writable";
    if (code === "EROFS") return { kind, words: `${folder} is on a read-only file system` };
    if (code === "EACCES" || code === "EPERM") {
      return { kind, words: `${folder} may not be written by this user` };
    }
    return undefined;
  }
}

function full(folder: string, leastBytes: number): FolderTrouble | undefined {
  try {
    const { bavail, bfree, bsize, blocks, files, ffree } = statfsSync(folder);
    // What is kept back for root is root's to use.
    const free = (process.getuid?.() === 0 ? bfree : bavail) * bsize;
    if (blocks > 0 && free < leastBytes) {
      const left = (free / 1024 ** 2).toFixed(1);
      return { kind: "full", words: `the disk of ${folder} is full (${left} MiB left)` };
    }
    return files > 0 && ffree === 0
      ? { kind: "full", words: `the disk of ${folder} has no room for another file` }
      : undefined;
  } catch {
    return undefined;
  }
}
