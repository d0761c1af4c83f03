import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { type Hunk, parseHunks } from "./conflict-hunks.ts";
import type { Git } from "./git.ts";
import type { Unmerged } from "./status.ts";
import type { ConflictFile } from "./working-copy.ts";

const maxFilesWithHunks = 10;
const maxHunkBytesPerFile = 4 * 1024;
const maxFileBytes = 4 * 1024 * 1024;

/** Reads the conflicts of a work tree: each file, and the hunks of the first ten. */
export async function readConflicts(
  git: Git,
  top: string,
  unmerged: readonly Unmerged[],
  signal?: AbortSignal,
): Promise<readonly ConflictFile[]> {
  const shown = unmerged.slice(0, maxFilesWithHunks);
  const sizes = shown.length === 0 ? new Map() : await markerSizes(git, shown, signal);
  const detailed = await Promise.all(
    shown.map((file) => withHunks(top, file, sizes.get(file.path))),
  );
  const named = unmerged.slice(maxFilesWithHunks);
  return [...detailed, ...named.map(({ path, kind }) => ({ path, kind, hunks: [] }))];
}

async function withHunks(
  top: string,
  file: Unmerged,
  markerSize: number | undefined,
): Promise<ConflictFile> {
  const special = specialModes[file.mode];
  if (special !== undefined) {
    return { path: file.path, kind: `${file.kind} (${special})`, hunks: [] };
  }
  const content = await readWorkFile(join(top, file.path));
  if (content === undefined) return { path: file.path, kind: file.kind, hunks: [] };
  if (content === "binary") return { path: file.path, kind: `${file.kind} (binary)`, hunks: [] };
  const hunks: readonly Hunk[] = parseHunks(content.text, maxHunkBytesPerFile, markerSize);
  return { path: file.path, kind: file.kind, hunks };
}

const specialModes: Readonly<Record<string, string>> = {
  "120000": "symbolic link",
  "160000": "submodule",
};

/** A file's text; never through a symbolic link, and nothing that is not a regular file. */
async function readWorkFile(path: string): Promise<{ text: string } | "binary" | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const stat = await file.stat();
    if (!stat.isFile()) return undefined;
    const bytes = Buffer.alloc(Math.min(stat.size, maxFileBytes));
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    const content = bytes.subarray(0, bytesRead);
    return content.subarray(0, 8000).includes(0) ? "binary" : { text: content.toString("utf8") };
  } finally {
    await file.close();
  }
}

/** The marker length that attributes set for a file, where they do. */
async function markerSizes(
  git: Git,
  files: readonly Unmerged[],
  signal: AbortSignal | undefined,
): Promise<Map<string, number>> {
  const input = files.map((file) => `${file.path}\0`).join("");
  const args = ["check-attr", "-z", "--stdin", "conflict-marker-size"];
  const { stdout } = await git.run({ args, input }, signal);
  const sizes = new Map<string, number>();
  const fields = stdout.split("\0");
  for (let at = 0; at + 2 < fields.length; at += 3) {
    const size = Number(fields[at + 2]);
    if (Number.isInteger(size) && size > 0 && size < 1000) sizes.set(fields[at] ?? "", size);
  }
  return sizes;
}
