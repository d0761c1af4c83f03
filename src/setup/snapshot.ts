import { constants } from "node:fs";
import { access, lstat, readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import type { LandError } from "../domain/errors.ts";
import { problemWith } from "./problem.ts";

/** A file as it was when the plan was made. */
export interface Snapshot {
  /** The path as it is known to people and clients. */
  readonly path: string;
  /** The file that is written: behind a link, the one it leads to. */
  readonly real: string;
  /** Its bytes; undefined where there is no file. */
  readonly bytes: Buffer | undefined;
  /** Its text, without a byte order mark; empty where there is no file. */
  readonly text: string;
  readonly bom: boolean;
  readonly mode: number | undefined;
  /** Folders above it that are not there, outermost first. */
  readonly missing: readonly string[];
  /** Why it could not be written; only told where it has to be. */
  readonly obstacle: LandError | undefined;
}

/** No client's configuration is near this; one that is was not made by hand. */
const mostBytes = 32 * 1024 * 1024;

/**
 * Looks at a file that may have to be written. A link is followed to a regular file of the user's
 * own. `within`: a folder, links resolved, that the file must not lead out of. Throws LandError.
 */
export async function snapshotOf(path: string, within?: string): Promise<Snapshot> {
  const link = await lstat(path).catch((error) => missingOr(path, error));
  const snapshot =
    link === undefined ? await newFile(path) : await presentFile(path, link.isSymbolicLink());
  if (within !== undefined && !snapshot.real.startsWith(within + sep)) {
    throw problemWith(
      path,
      `it leads out of the work tree, to ${snapshot.real}.`,
      "Put a file of its own there, or set the client up for yourself, without `--project`.",
    );
  }
  return snapshot;
}

async function newFile(path: string): Promise<Snapshot> {
  const missing: string[] = [];
  let folder = dirname(path);
  for (;;) {
    const found = await stat(folder).catch((error) => missingOr(path, error));
    if (found?.isDirectory() === true) break;
    if (found !== undefined) {
      throw problemWith(path, `${folder} is not a folder.`, "Move it away, then try again.");
    }
    await refuseDanglingFolder(path, folder);
    missing.unshift(folder);
    folder = dirname(folder);
  }
  const above = await realpath(folder);
  const moved = (one: string) => join(above, one.slice(folder.length));
  return {
    path,
    real: moved(path),
    bytes: undefined,
    text: "",
    bom: false,
    mode: undefined,
    missing: missing.map(moved),
    obstacle: await folderObstacle(path, above),
  };
}

async function refuseDanglingFolder(path: string, folder: string): Promise<void> {
  const link = await lstat(folder).catch(() => undefined);
  if (link === undefined) return;
  throw problemWith(
    path,
    `the folder ${folder} is a link that leads nowhere.`,
    "Make what it leads to, or remove the link.",
  );
}

async function presentFile(path: string, isLink: boolean): Promise<Snapshot> {
  const real = await realpath(path).catch((error: NodeJS.ErrnoException) => {
    const what =
      error.code === "ELOOP" ? "it is a link in a circle." : "it is a link that leads nowhere.";
    throw problemWith(path, what, "Make what it leads to, or remove the link.", error);
  });
  const found = await stat(real);
  const where = isLink ? `it leads to ${real}, which` : "it";
  if (!found.isFile()) {
    const what = found.isDirectory() ? "is a folder" : "is not a regular file";
    throw problemWith(path, `${where} ${what}.`, "Move it away, then try again.");
  }
  if (found.size > mostBytes) {
    const what = `it has ${Math.round(found.size / 1024 / 1024)} MiB, too much for a configuration.`;
    throw problemWith(path, what, "Look at what fills it, then try again.");
  }
  const bytes = await readFile(real).catch((error: NodeJS.ErrnoException) => {
    throw problemWith(
      path,
      `it cannot be read (${error.code}).`,
      "Give yourself the right to.",
      error,
    );
  });
  const bom = bytes.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf]));
  return {
    path,
    real,
    bytes,
    text: textOf(path, bytes),
    bom,
    mode: found.mode & 0o7777,
    missing: [],
    obstacle: fileObstacle(path, where, found) ?? (await folderObstacle(path, dirname(real))),
  };
}

function textOf(path: string, bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw problemWith(path, "it is not UTF-8 text.", "Save it as UTF-8, then try again.", cause);
  }
}

function fileObstacle(
  path: string,
  where: string,
  found: { readonly uid: number; readonly mode: number },
): LandError | undefined {
  if (found.uid !== ownUid()) {
    return problemWith(path, `${where} belongs to another user.`, "Let that user set it up.");
  }
  if ((found.mode & 0o200) === 0) {
    const next = `Make it writable (\`chmod u+w\`), or add it by hand: \`--print\` shows what.`;
    return problemWith(path, `${where} is read-only.`, next);
  }
  return undefined;
}

async function folderObstacle(path: string, folder: string): Promise<LandError | undefined> {
  const { uid, mode } = await stat(folder);
  const denied = await access(folder, constants.W_OK | constants.X_OK).then(
    () => uid === ownUid() && (mode & 0o200) === 0,
    () => true,
  );
  return denied
    ? problemWith(
        path,
        `the folder ${folder} is read-only.`,
        "Make it writable, or add it by hand: `--print` shows what.",
      )
    : undefined;
}

function ownUid(): number | undefined {
  return process.getuid?.();
}

/** Nothing there is an answer; anything else is told. */
function missingOr(path: string, error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT") return undefined;
  const what =
    error.code === "ENOTDIR"
      ? "something above it is a file and not a folder."
      : error.code === "ELOOP"
        ? "it is a link in a circle."
        : `it cannot be looked at (${error.code}).`;
  throw problemWith(path, what, `Put ${basename(path)} in order, then try again.`, error);
}
