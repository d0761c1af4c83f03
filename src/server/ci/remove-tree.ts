import { lstatSync, readdirSync, rmdirSync, rmSync, unlinkSync } from "node:fs";
import { chmod, lstat, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

/** Removes a folder whatever a lane did to its modes. Links in it are removed, never followed. */
export async function removeTree(path: string): Promise<void> {
  if (removedAtOnce(path, { entries: smallTree })) return;
  for (let tries = 1; ; tries += 1) {
    try {
      return await rm(path, { recursive: true, force: true, maxRetries: 3 });
    } catch (error) {
      if (tries === mostTries) throw error;
      await openUp(path);
    }
  }
}

/** Removes a file, where there is one. Of most that are asked for there is none. */
export function removeFile(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) rmSync(path, { force: true });
}

/** Each opens what the one before met; one that failed may still be removing other parts. */
const mostTries = 5;

/**
 * Brings about an empty folder at a path below `root`. What stands on the way and is no folder is
 * replaced, since a link there would lead out of `root`.
 */
export async function emptyFolderBelow(root: string, path: string): Promise<void> {
  const names = path.split("/");
  let at = root;
  for (const name of names.slice(0, -1)) {
    at = join(at, name);
    const found = await lstat(at).catch(() => undefined);
    if (found?.isDirectory() === true) continue;
    await removeTree(at);
    await mkdir(at);
  }
  const last = join(at, names.at(-1) ?? "");
  await removeTree(last);
  await mkdir(last);
}

/** So many entries are removed sooner than others could notice that they had to wait. */
const smallTree = 64;

/**
 * Removes a small tree without handing each step to another thread, which costs many times what
 * the step does. False: it is larger, or something stood in the way; then a part may be gone.
 */
function removedAtOnce(path: string, left: { entries: number }): boolean {
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return true;
    left.entries -= 1;
    if (!stat.isDirectory()) {
      unlinkSync(path);
      return true;
    }
    const names = readdirSync(path);
    if (names.length > left.entries) return false;
    if (!names.every((name) => removedAtOnce(join(path, name), left))) return false;
    rmdirSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Makes all folders of a tree ours to change. What vanishes meanwhile needs nothing. */
async function openUp(path: string): Promise<void> {
  const stat = await lstat(path).catch(() => undefined);
  if (stat === undefined || !stat.isDirectory()) return;
  await chmod(path, 0o700).catch(() => undefined);
  for (const entry of await readdir(path, { withFileTypes: true }).catch(() => [])) {
    if (entry.isDirectory()) await openUp(join(path, entry.name));
  }
}
