import { readdir, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Hosting } from "../cli/services.ts";
import type { Environment } from "../config/environment.ts";
import { LandError } from "../domain/errors.ts";
import {
  authorizedLine,
  isPlainPath,
  type MemberFile,
  memberKeys,
  type SkippedLine,
} from "../local/authorized-keys.ts";
import { serveGitSession } from "../local/git-shell.ts";
import { layoutOf } from "../local/layout.ts";

const ending = ".keys";

/** What sshd asks of this kit on a server. */
export function hostingOf(environment: Environment, signal: AbortSignal): Hosting {
  const at = (folder: string) => resolve(environment.cwd, folder);
  return {
    async authorizedKeys({ state, members }) {
      const stateDir = at(state);
      if (!isPlainPath(stateDir)) throw unfitPath();
      const { files, unread } = await readMembers(at(members));
      const { keys, skipped } = memberKeys(files);
      const lines = keys.map((key) => authorizedLine(key, stateDir));
      return { lines, skipped: [...unread, ...skipped] };
    },
    gitShell: ({ state, npub }) =>
      serveGitSession({
        layout: layoutOf(at(state)),
        npub,
        command: environment.env.SSH_ORIGINAL_COMMAND,
        env: environment.env,
        signal,
      }),
  };
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
      const text = await readFile(join(folder, file), "utf8");
      files.push({ name: file.slice(0, -ending.length), text });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      unread.push({ file, line: 0, why: `it cannot be read (${code ?? "unknown"})` });
    }
  }
  return { files, unread };
}

function unfitPath(): LandError {
  return new LandError("bad_argument", "That state folder's path cannot be written for sshd.", {
    state: "Nobody is let in over SSH.",
    next: "Move it to a path of letters, digits and . _ - / alone.",
  });
}
