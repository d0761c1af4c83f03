import { lstat, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseManifest, tooLong } from "./manifest.ts";
import { brokenNote } from "./plan.ts";
import { manifestPath } from "./select.ts";
import { type UnreadKey, unreadKeys } from "./unread-keys.ts";

/** A work tree's manifest as CI would read it, were it committed. */
export interface ManifestLook {
  /** Its path in the repository. */
  readonly file: string;
  readonly state: "none" | "broken" | "read";
  /** Why it cannot be read, with its line where that is known; null where it can. */
  readonly problem: string | null;
  readonly branchLanes: number;
  readonly nightlyLanes: number;
  /** The first few keys that nothing reads. */
  readonly unread: readonly UnreadKey[];
  readonly unreadCount: number;
}

const nothing = { branchLanes: 0, nightlyLanes: 0, unread: [], unreadCount: 0 } as const;

/** For `land doctor`: looks at the manifest in a work tree. Changes nothing and never throws. */
export async function lookAtManifest(worktree: string): Promise<ManifestLook> {
  const file = manifestPath;
  const text = await textOf(join(worktree, file));
  if (text === undefined) return { file, state: "none", problem: null, ...nothing };
  if (typeof text !== "string") {
    return { file, state: "broken", problem: brokenNote({ line: null, ...text }), ...nothing };
  }
  const answer = parseManifest(text);
  const { named, count } = unreadKeys(text);
  return {
    file,
    state: answer.ok ? "read" : "broken",
    problem: answer.ok ? null : brokenNote(answer),
    branchLanes: answer.ok ? answer.manifest.branchLanes.length : 0,
    nightlyLanes: answer.ok ? answer.manifest.nightlyLanes.length : 0,
    unread: named,
    unreadCount: count,
  };
}

/** Undefined: there is none. */
async function textOf(path: string): Promise<string | { readonly message: string } | undefined> {
  try {
    const found = await lstat(path);
    // Git keeps where a link leads to, and that is what CI would read.
    if (found.isSymbolicLink()) return { message: "it is a link; CI reads a file alone" };
    if (!found.isFile()) return { message: "it is no file" };
    const message = tooLong(found.size);
    return message === undefined ? await readFile(path, "utf8") : { message };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    return { message: `it cannot be opened (${code ?? "unknown"})` };
  }
}
