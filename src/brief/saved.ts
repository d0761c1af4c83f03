import { randomBytes } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { forgesRoot } from "../local/layout.ts";

/** How files that nobody else may read are written; given by a composition root. */
export interface PrivateFiles {
  ensureFolder(path: string): Promise<void>;
  write(path: string, text: string): Promise<void>;
}

/** How many whole briefs are kept. */
const mostKept = 20;
const ourNames = /^\d{8}T\d{9}Z-[0-9a-f]{8}\.md$/;

/** The file for the whole text of a brief that was made then. Names sort by time. */
export function fileForBrief(stateHome: string, at: number): string {
  const stamp = new Date(at).toISOString().replaceAll(/[-:.]/g, "");
  return join(folderOfBriefs(stateHome), `${stamp}-${randomBytes(4).toString("hex")}.md`);
}

/** Writes the whole text and drops old ones. False where it could not be written. */
export async function saveBrief(
  stateHome: string,
  file: string,
  text: string,
  files: PrivateFiles,
): Promise<boolean> {
  try {
    await files.ensureFolder(folderOfBriefs(stateHome));
    await files.write(file, text);
  } catch {
    return false;
  }
  await prune(folderOfBriefs(stateHome));
  return true;
}

async function prune(folder: string): Promise<void> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => ourNames.test(name));
  const old = names.sort().slice(0, -mostKept);
  await Promise.allSettled(old.map((name) => rm(join(folder, name), { force: true })));
}

function folderOfBriefs(stateHome: string): string {
  return join(forgesRoot(stateHome), "briefs");
}
