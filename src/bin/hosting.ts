import { constants } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Hosting } from "../cli/services.ts";
import type { Environment } from "../config/environment.ts";
import { LandError } from "../domain/errors.ts";
import { readActiveKeys } from "../local/active-keys.ts";
import {
  authorizedLines,
  isPlainPath,
  type MemberFile,
  type ServedForge,
  type SkippedLine,
} from "../local/authorized-keys.ts";
import { serveGitSession } from "../local/git-shell.ts";
import { layoutOf } from "../local/layout.ts";

const ending = ".keys";
/** A member has a few keys of a few hundred bytes; what is longer is something else. */
const longestFile = 256 * 1024;

/** What sshd asks of this kit on a server. */
export function hostingOf(environment: Environment, signal: AbortSignal): Hosting {
  const at = (folder: string) => resolve(environment.cwd, folder);
  return {
    async authorizedKeys({ states, members }) {
      const stateDirs = [...new Set(states.map(at))];
      if (!stateDirs.every(isPlainPath)) throw unfitPath();
      const { files, unread } = await readMembers(at(members));
      const { forges, unknown } = await activeAt(stateDirs);
      const { lines, skipped } = authorizedLines(files, forges);
      return { lines, skipped: [...unknown, ...unread, ...skipped] };
    },
    gitShell: ({ states, npub }) =>
      serveGitSession({
        layouts: [...new Set(states.map(at))].map(layoutOf),
        npub,
        command: environment.env.SSH_ORIGINAL_COMMAND,
        env: environment.env,
        signal,
      }),
  };
}

/** Who is active at each forge. One that never said so lets nobody in, and keeps nobody out. */
async function activeAt(stateDirs: readonly string[]) {
  const unknown: SkippedLine[] = [];
  const forges = await Promise.all(
    stateDirs.map(async (stateDir): Promise<ServedForge> => {
      const active = await readActiveKeys(layoutOf(stateDir));
      if (active === undefined) {
        const why = "the forge wrote no list of active keys that can be read; start it";
        unknown.push({ file: stateDir, line: 0, why });
      }
      return { stateDir, active: active ?? new Set() };
    }),
  );
  return { forges, unknown };
}

/** The members' files by name. One that cannot be read keeps nobody else out. */
async function readMembers(folder: string) {
  const names = await readdir(folder).catch((cause: unknown) => {
    const { code } = cause as NodeJS.ErrnoException;
    throw new LandError("not_found", `The members' folder cannot be read (${code ?? "unknown"}).`, {
      state: "Nobody is let in over SSH.",
      next: "Make it, readable for the git user: a file NAME.keys per member (docs/hosting.md).",
      cause,
    });
  });
  const files: MemberFile[] = [];
  const unread: SkippedLine[] = [];
  for (const file of names.filter((name) => name.endsWith(ending)).sort()) {
    try {
      const read = await readMemberFile(join(folder, file));
      if ("why" in read) unread.push({ file, line: 0, why: read.why });
      else files.push({ name: file.slice(0, -ending.length), text: read.text });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      unread.push({ file, line: 0, why: `it cannot be read (${code ?? "unknown"})` });
    }
  }
  return { files, unread };
}

/**
 * A file's text, or why it does not count. A pipe without a writer would hold up every login, and
 * whoever may write a file may push under any npub.
 */
async function readMemberFile(path: string): Promise<{ text: string } | { why: string }> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const seen = await file.stat();
    if (!seen.isFile() || seen.size > longestFile) return { why: "it is no file, or far too long" };
    const isTrusted = seen.uid === 0 || seen.uid === process.getuid?.();
    if (!isTrusted || (seen.mode & 0o022) !== 0) {
      return { why: "others than root may change it (chown root, chmod 644)" };
    }
    return { text: await file.readFile("utf8") };
  } finally {
    await file.close();
  }
}

function unfitPath(): LandError {
  return new LandError("bad_argument", "That state folder's path cannot be written for sshd.", {
    state: "Nobody is let in over SSH.",
    next: "Move it to a path of letters, digits and . _ - / alone.",
  });
}
