import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import type { SkillFile } from "./places.ts";

/** Every file of the kit's own skills, sorted. `folder`: the package's `skills`. */
export async function readSkills(folder: string): Promise<readonly SkillFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => relative(folder, path).includes("/"))
    .sort();
  return Promise.all(
    paths.map(async (path) => ({
      path: relative(folder, path),
      text: await readFile(path, "utf8"),
    })),
  );
}
