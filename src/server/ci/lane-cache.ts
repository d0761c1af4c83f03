import { lstatSync } from "node:fs";
import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolders } from "./lane-environment.ts";
import { removeTree } from "./remove-tree.ts";

/**
 * Makes the folders of a lane's cache. It outlives the lane and serves all branches, so whatever
 * one of them left there that is no usable folder is replaced.
 */
export async function makeLaneCache(cache: string): Promise<void> {
  for (const path of [cache, ...cacheFolders.map((folder) => join(cache, folder))]) {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found?.isDirectory() !== true) {
      await removeTree(path);
      await mkdir(path, { recursive: true });
    } else if ((found.mode & 0o700) !== 0o700) {
      await chmod(path, 0o700);
    }
  }
}
