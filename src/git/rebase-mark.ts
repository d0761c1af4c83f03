import { randomUUID } from "node:crypto";
import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { z } from "zod";
import { identityOf } from "../process/identity.ts";
import { isRunning, processNamespace } from "../process/living.ts";
import { findTagged } from "../process/tagged.ts";

/** What this kit writes into a worktree's git dir before it begins a rebase. */
const markShape = z.object({
  /** Full ref of the branch. */
  branch: z.string(),
  onto: z.string(),
  /** The branch's tip before the rebase. */
  head: z.string(),
  /** In the environment of the git that carries it out, which may outlive who started it. */
  id: z.string().default(""),
  /** Who carries it out right now; null where it waits for its conflicts to be resolved. */
  by: z
    .object({
      pid: z.int().positive(),
      startTime: z.string().nullable(),
      bootId: z.string().nullable(),
      /** The process namespace that `pid` is a number of. */
      namespace: z.string().nullable(),
    })
    .nullable()
    .default(null),
});
export type RebaseMark = z.infer<typeof markShape>;

/** The variable that git carries during a rebase of this kit. */
export const rebaseTag = "LAND_REBASE";

/** No rebase takes longer: git is ended then. */
export const rebaseTimeoutMs = 10 * 60_000;
/** A mark that cannot be read is being written, if it is as young as this. */
const writingMs = 2000;

/** A mark for a rebase that this process is about to carry out. */
export function newMark(of: Pick<RebaseMark, "branch" | "onto" | "head">): RebaseMark {
  const by = { ...identityOf(process.pid), namespace: processNamespace() };
  return { ...of, id: randomUUID(), by };
}

/** Takes the worktree for a rebase; false while another process has it. */
export async function holdMark(file: string, mark: RebaseMark): Promise<boolean> {
  for (let tries = 0; tries < 3; tries += 1) {
    try {
      await writeFile(file, textOf(mark), { flag: "wx" });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const there = await readMark(file);
    if (there === undefined ? await isYoung(file, writingMs) : await isHeld(file, there)) {
      return false;
    }
    await dropMark(file, there);
  }
  return false;
}

/** Changes a mark that this process has. Atomic, so that it is whole or not there. */
export async function writeMark(file: string, mark: RebaseMark): Promise<void> {
  const half = `${file}.${randomUUID()}`;
  await writeFile(half, textOf(mark));
  await rename(half, file);
}

export async function removeMark(file: string): Promise<void> {
  await rm(file, { force: true });
}

/** Lets a mark that is still there stand for a rebase that nobody carries out any more. */
export async function letGo(file: string, mark: RebaseMark): Promise<void> {
  if ((await readMark(file))?.id === mark.id) await writeMark(file, { ...mark, by: null });
}

export async function readMark(file: string): Promise<RebaseMark | undefined> {
  try {
    return markShape.safeParse(JSON.parse(await readFile(file, "utf8"))).data;
  } catch {
    return undefined;
  }
}

/** Whether somebody carries the rebase out right now: who began it, or the git that was begun. */
export async function isHeld(file: string, { id, by }: RebaseMark): Promise<boolean> {
  if (by === null) return false;
  if (isRunning(by)) return true;
  if ((await findTagged({ name: rebaseTag, value: id, match: "exact" })).length > 0) return true;
  // Processes of another namespace cannot be seen from here.
  const unseen = by.namespace !== null && by.namespace !== processNamespace();
  return unseen && (await isYoung(file, rebaseTimeoutMs));
}

/** Removes the mark of a rebase that is over, unless another took its place meanwhile. */
async function dropMark(file: string, stale: RebaseMark | undefined): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
  } catch {
    return;
  }
  if ((await readMark(aside))?.id === stale?.id) await rm(aside, { force: true });
  else await rename(aside, file);
}

async function isYoung(file: string, ms: number): Promise<boolean> {
  const found = await stat(file).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs < ms;
}

function textOf(mark: RebaseMark): string {
  return `${JSON.stringify(mark)}\n`;
}
