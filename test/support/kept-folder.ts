import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";

/** A folder's contents in memory: made once, written out anew for each scene, left behind by none. */
export interface KeptFolder {
  /** Where it was made, which some of its files may name. */
  readonly dir: string;
  readonly folders: readonly string[];
  readonly files: readonly {
    readonly path: string;
    readonly bytes: Uint8Array;
    readonly mode: number;
  }[];
}

export async function keepFolder(dir: string): Promise<KeptFolder> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const named = (kind: "isFile" | "isDirectory") =>
    entries.filter((e) => e[kind]()).map((e) => relative(dir, join(e.parentPath, e.name)));
  const files = named("isFile").map(async (path) => {
    const file = join(dir, path);
    return { path, bytes: await readFile(file), mode: (await stat(file)).mode };
  });
  return { dir, folders: named("isDirectory"), files: await Promise.all(files) };
}

/** Writes a part of it out (`""`: all); `edit` may change what a file holds. */
export async function writeFolder(
  { folders, files }: KeptFolder,
  part: string,
  to: string,
  edit: (path: string, bytes: Uint8Array) => Uint8Array | string = (_path, bytes) => bytes,
): Promise<void> {
  const inside = (path: string) => !relative(part, path).startsWith("..");
  for (const path of folders.filter(inside)) {
    await mkdir(join(to, relative(part, path)), { recursive: true });
  }
  await Promise.all(
    files
      .filter(({ path }) => inside(path))
      .map(async ({ path, bytes, mode }) => {
        const file = join(to, relative(part, path));
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, edit(path, bytes), { mode });
      }),
  );
}
