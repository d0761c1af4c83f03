import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { chmod, link, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { LandError } from "../domain/errors.ts";

/** Never follows a link, never reuses a file, and is nobody else's from its first byte. */
const createPrivate =
  constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;

/**
 * Makes a folder that only its owner may enter; also takes rights away from an existing one. Throws
 * `unsupported` where this shell may not make it.
 */
export async function ensurePrivateFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LandError("unsupported", `The folder ${path} cannot be made: ${why}.`, {
      state: "Nothing was changed.",
      next: "Let this shell write there, or set XDG_STATE_HOME to a folder that it may write; `land doctor` tells what is blocked.",
      cause,
    });
  }
  const { mode } = await stat(path);
  if ((mode & 0o077) !== 0) await chmod(path, 0o700);
}

/** Writes a file with mode 0600 as a whole or not at all, over an existing one. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  await throughTemporary(path, text, (temporary) => rename(temporary, path));
}

/**
 * Writes a file with mode 0600 unless there is one of that name. Of many that try at once exactly
 * one gets true, and nobody ever sees half a file.
 */
export async function createPrivateFile(path: string, text: string): Promise<boolean> {
  let created = true;
  await throughTemporary(path, text, async (temporary) => {
    try {
      await link(temporary, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      created = false;
    }
    await rm(temporary, { force: true });
  });
  return created;
}

async function throughTemporary(
  path: string,
  text: string,
  place: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(8).toString("hex")}`);
  try {
    const file = await open(temporary, createPrivate, 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await place(temporary);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
