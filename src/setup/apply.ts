import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { link, mkdir, open, readFile, rename, rm, rmdir, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isLandError, LandError } from "../domain/errors.ts";
import type { Snapshot } from "./snapshot.ts";

/** A file to write or remove. */
export interface Write {
  readonly snapshot: Snapshot;
  /** Undefined: the file goes. */
  readonly after: string | undefined;
  /** For a file that is not there yet. */
  readonly mode: number;
  /** Folders to remove with it where they are empty, outermost first. */
  readonly folders: readonly string[];
}

/**
 * Carries writes out in their order, each one whole or not at all. Where one fails, or somebody
 * else wrote meanwhile, those before it are taken back. Throws LandError.
 */
export async function applyWrites(writes: readonly Write[], signal?: AbortSignal): Promise<void> {
  const done: Write[] = [];
  for (const write of writes) {
    try {
      signal?.throwIfAborted();
      await carryOut(write);
      done.unshift(write);
    } catch (error) {
      throw failure(write.snapshot.path, error, await takeBack(done));
    }
  }
  const folders = new Set(writes.flatMap((write) => write.folders));
  await removeEmpty([...folders]);
}

async function carryOut({ snapshot, after, mode }: Write): Promise<void> {
  await requireUnchanged(snapshot);
  if (after === undefined) {
    await unlink(snapshot.real);
    return;
  }
  for (const folder of snapshot.missing) {
    await mkdir(folder, { mode: mode === 0o600 ? 0o700 : 0o755 }).catch((error) => {
      if (error.code !== "EEXIST") throw error;
    });
  }
  await writeWhole(snapshot.real, bytesOf(snapshot, after), snapshot.mode ?? mode, (temporary) =>
    place(temporary, snapshot),
  );
}

/** A file that was not there must not be written over when it came meanwhile. */
async function place(temporary: string, snapshot: Snapshot): Promise<void> {
  if (snapshot.bytes !== undefined) {
    await requireUnchanged(snapshot);
    await rename(temporary, snapshot.real);
    return;
  }
  await link(temporary, snapshot.real);
  await unlink(temporary);
}

function bytesOf({ bom }: Snapshot, text: string): Buffer {
  return Buffer.from(bom ? `\uFEFF${text}` : text);
}

async function writeWhole(
  path: string,
  bytes: Buffer,
  mode: number,
  put: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(8).toString("hex")}`);
  const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;
  try {
    const file = await open(temporary, flags, 0o600);
    try {
      await file.writeFile(bytes);
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await put(temporary);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function requireUnchanged({ path, real, bytes }: Snapshot): Promise<void> {
  const now = await present(real);
  if (now === undefined ? bytes === undefined : bytes?.equals(now) === true) return;
  throw new LandError("unsupported", `${path}: somebody else wrote it meanwhile.`, {
    next: "Run the same command again; it looks anew.",
    facts: { file: path },
  });
}

async function present(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Restores what was written, last first, but never over what somebody else wrote since. */
async function takeBack(done: readonly Write[]): Promise<readonly string[]> {
  const stuck: string[] = [];
  for (const { snapshot, after } of done) {
    const { real, bytes, mode } = snapshot;
    try {
      const now = await present(real);
      const wrote = after === undefined ? undefined : bytesOf(snapshot, after);
      if (now === undefined ? wrote !== undefined : wrote?.equals(now) !== true) {
        throw new Error("changed meanwhile");
      }
      if (bytes === undefined) await unlink(real);
      else await writeWhole(real, bytes, mode ?? 0o600, (temporary) => rename(temporary, real));
      await removeEmpty(snapshot.missing);
    } catch {
      stuck.push(snapshot.path);
    }
  }
  return stuck;
}

/** Innermost first; a folder that holds something else by now stays. */
async function removeEmpty(folders: readonly string[]): Promise<void> {
  for (const folder of [...folders].sort((a, b) => b.length - a.length)) {
    await rmdir(folder).catch(() => {});
  }
}

function failure(path: string, error: unknown, stuck: readonly string[]): LandError {
  const state =
    stuck.length === 0
      ? "Nothing was changed: what had been written was taken back."
      : `Could not be taken back: ${stuck.join(", ")}.`;
  if (isLandError(error)) {
    return new LandError(error.code, error.message, {
      state,
      next: error.next,
      facts: error.facts,
    });
  }
  const cause = error as NodeJS.ErrnoException;
  if (cause.name === "AbortError") {
    return new LandError("cancelled", "The set-up was cancelled.", { state, cause });
  }
  const code = cause.code ?? cause.message;
  const exists =
    code === "EEXIST" ? "somebody else made it meanwhile." : `it cannot be written (${code}).`;
  return new LandError("unsupported", `${path}: ${exists}`, {
    state,
    next: "Put that in order, then run the same command again.",
    facts: { file: path },
    cause,
  });
}
