import { stat } from "node:fs/promises";
import { dirname } from "node:path";

/** A folder, or the nearest one above it that exists. */
export async function nearestFolder(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() === true || dirname(path) === path) return path;
  return nearestFolder(dirname(path));
}
