import { chmod, lstat, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

/** Removes a folder whatever a lane did to its modes. Links in it are removed, never followed. */
export async function removeTree(path: string): Promise<void> {
  const options = { recursive: true, force: true, maxRetries: 3 };
  try {
    await rm(path, options);
  } catch {
    await openUp(path);
    await rm(path, options);
  }
}

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

async function openUp(path: string): Promise<void> {
  const stat = await lstat(path).catch(() => undefined);
  if (stat === undefined || !stat.isDirectory()) return;
  await chmod(path, 0o700);
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory()) await openUp(join(path, entry.name));
  }
}
