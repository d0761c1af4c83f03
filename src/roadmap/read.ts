import { existsSync } from "node:fs";
import { constants, type FileHandle, open, realpath } from "node:fs/promises";
import { isAbsolute, join, relative, sep } from "node:path";
import { isLandError, LandError } from "../domain/errors.ts";
import { Git } from "../git/git.ts";
import { readOwnConfig } from "../local/repository-settings.ts";
import { headBytes } from "../text/bytes.ts";
import { oneLine } from "../text/control.ts";

/** Where a roadmap is unless git config `land.roadmap` names another file of the work tree. */
export const usualRoadmap = "todos/pika-git.md";
const roadmapKey = "land.roadmap";

const mostBytes = 256 * 1024;
const gitTimeoutMs = 15_000;

/** A folder somewhere in a work tree, and the environment git is asked in. */
export interface RoadmapPlace {
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A roadmap as it stands in the work tree. Untrusted text. */
export interface RoadmapFile {
  /** From the work tree's top, with `/`. */
  readonly path: string;
  readonly text: string;
}

interface Location {
  readonly top: string;
  readonly path: string;
  readonly file: string;
}

/**
 * Reads the roadmap of the work tree that a folder lies in. Throws `not_a_repository`, `not_found`
 * where there is none, and `unsupported` for what is no text file of the work tree, or too large.
 */
export async function readRoadmap(place: RoadmapPlace, signal?: AbortSignal): Promise<RoadmapFile> {
  const location = await locate(place, signal);
  const { path } = location;
  const handle = await openInside(location);
  try {
    const bytes = await readAtMost(handle, mostBytes + 1);
    if (bytes.length > mostBytes) {
      throw unusable(path, `is larger than ${mostBytes / 1024} KiB`, "Shorten it");
    }
    if (bytes.includes(0)) throw unusable(path, "is no text", "Write it as UTF-8 text");
    return { path, text: bytes.toString("utf8") };
  } finally {
    await handle.close();
  }
}

/** The roadmap of one place, looked for again and again. */
export interface RoadmapSource {
  /** Whether there is one now. Never fails; where it is looked for is found out once. */
  offered(): Promise<boolean>;
  read(signal?: AbortSignal): Promise<RoadmapFile>;
}

export function roadmapSource(place: RoadmapPlace): RoadmapSource {
  let found: Promise<Location | undefined> | undefined;
  return {
    async offered() {
      found ??= locate(place).catch(() => undefined);
      const location = await found;
      return location !== undefined && existsSync(location.file);
    },
    read: (signal) => readRoadmap(place, signal),
  };
}

async function locate({ folder, env }: RoadmapPlace, signal?: AbortSignal): Promise<Location> {
  const git = new Git({ dir: folder, env });
  const top = await topOf(git, folder, signal);
  const configured = await readOwnConfig(git, roadmapKey, signal);
  const path = configured === undefined ? usualRoadmap : insidePath(configured);
  return { top, path, file: join(top, path) };
}

async function topOf(git: Git, folder: string, signal?: AbortSignal): Promise<string> {
  const args = ["rev-parse", "--path-format=absolute", "--show-toplevel"];
  try {
    const { stdout } = await git.run({ args, timeoutMs: gitTimeoutMs }, signal);
    return stdout.replace(/\n$/, "");
  } catch (error) {
    if (!isLandError(error, "git_failed")) throw error;
    throw new LandError("not_a_repository", `${folder} is in no git work tree.`, {
      state: error.message,
      next: "Go to a git work tree, or name one as the worktree.",
      cause: error,
    });
  }
}

/** A configured path in plain form. It may neither leave the work tree nor lead into git's own. */
function insidePath(configured: string): string {
  const path = join(configured).split(sep).join("/");
  const parts = path.split("/");
  const isPlain = configured !== "" && !/\p{Cc}/u.test(configured);
  const leaves = !isPlain || isAbsolute(configured) || parts.includes("..");
  if (!leaves && path !== "." && !parts.some((part) => part.toLowerCase() === ".git")) return path;
  const named = headBytes(oneLine(configured), 200).text;
  throw new LandError("unsupported", `${roadmapKey} names "${named}", no file of the work tree.`, {
    state: "Nothing was read.",
    next: `Name a path from the work tree's top: \`git config ${roadmapKey} docs/roadmap.md\`.`,
  });
}

/** Opens the file, which links may lead to only from inside the work tree to inside it. */
async function openInside({ top, path, file }: Location): Promise<FileHandle> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  let handle: FileHandle;
  try {
    const [realTop, realFile] = await Promise.all([realpath(top), realpath(file)]);
    const way = relative(realTop, realFile).split(sep);
    if (way[0] === ".." || way[0] === ".git" || isAbsolute(way.join(sep))) {
      throw unusable(
        path,
        "is a link that leads out of the work tree",
        "Put the file itself there",
      );
    }
    handle = await open(realFile, flags);
  } catch (error) {
    throw isLandError(error) ? error : notReadable(path, top, error);
  }
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw unusable(path, "is no ordinary file", "Put a text file there");
}

function notReadable(path: string, top: string, error: unknown): LandError {
  const code = (error as NodeJS.ErrnoException).code ?? "unknown";
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new LandError("not_found", `There is no roadmap: ${path} is not there.`, {
      state: `Looked for below ${top}; nothing was changed.`,
      next: `Write one, or name the file that is one: \`git config ${roadmapKey} PATH\`.`,
      cause: error,
    });
  }
  return unusable(path, `could not be read (${code})`, "Let this user read it");
}

function unusable(path: string, what: string, remedy: string): LandError {
  return new LandError("unsupported", `The roadmap ${path} ${what}.`, {
    state: "Nothing was changed.",
    next: `${remedy}, or name another file: \`git config ${roadmapKey} PATH\`.`,
  });
}

async function readAtMost(handle: FileHandle, most: number): Promise<Buffer> {
  const buffer = Buffer.alloc(most);
  let length = 0;
  while (length < most) {
    const { bytesRead } = await handle.read(buffer, length, most - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}
