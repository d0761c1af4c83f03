import { accessSync, constants, statSync } from "node:fs";
import { isAbsolute, join } from "node:path";

/** Where programs are looked for without a PATH. */
const usualFolders = ["/usr/local/bin", "/usr/bin", "/bin"];

/**
 * The folders of a PATH that mean the same wherever a program is started, the usual ones where it
 * has none. The others, an empty one among them, mean the folder that a program is started in,
 * which may be full of somebody else's programs.
 */
export function absoluteFolders(searchPath: string | undefined): readonly string[] {
  const folders = (searchPath ?? "").split(":").filter((folder) => isAbsolute(folder));
  return folders.length === 0 ? usualFolders : folders;
}

/** The first program of that name in the absolute folders of a PATH. */
export function programIn(searchPath: string | undefined, name: string): string | undefined {
  return absoluteFolders(searchPath)
    .map((folder) => join(folder, name))
    .find(isProgram);
}

/** Whether this user may run the file. Most that are asked for are not there. */
export function isProgram(path: string): boolean {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false;
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
