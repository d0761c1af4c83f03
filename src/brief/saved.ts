import { randomBytes } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { forgesRoot } from "../local/layout.ts";

/** How files that nobody else may read are written; given by a composition root. */
export interface PrivateFiles {
  ensureFolder(path: string): Promise<void>;
  write(path: string, text: string): Promise<void>;
}

/** How many whole briefs are kept, whatever their age. */
const mostKept = 20;
/** How many of the last day are: a machine may have many sessions, which still name theirs. */
const mostOfToday = 200;
const dayMs = 24 * 60 * 60 * 1000;
/** Most characters of a saved brief. */
export const mostSaved = 1_000_000;
const ourNames = /^\d{8}T\d{9}Z-[0-9a-f]{8}\.md$/;

/** The file for the whole text of a brief that was made then. Names sort by time. */
export function fileForBrief(stateHome: string, at: number): string {
  return join(folderOfBriefs(stateHome), `${stampOf(at)}-${randomBytes(4).toString("hex")}.md`);
}

function stampOf(at: number): string {
  return new Date(at).toISOString().replaceAll(/[-:.]/g, "");
}

/** Writes the whole text and drops old ones. Throws where it cannot be written. */
export async function saveBrief(
  { stateHome, at, file }: { stateHome: string; at: number; file: string },
  text: string,
  files: PrivateFiles,
): Promise<void> {
  await files.ensureFolder(folderOfBriefs(stateHome));
  await files.write(file, text);
  await prune(folderOfBriefs(stateHome), at);
}

async function prune(folder: string, now: number): Promise<void> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => ourNames.test(name));
  const yesterday = stampOf(now - dayMs);
  const old = names
    .sort()
    .reverse()
    .filter((name, at) => at >= mostOfToday || (at >= mostKept && name < yesterday));
  await Promise.allSettled(old.map((name) => rm(join(folder, name), { force: true })));
}

function folderOfBriefs(stateHome: string): string {
  return join(forgesRoot(stateHome), "briefs");
}
