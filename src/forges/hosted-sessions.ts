import { createHash } from "node:crypto";
import { mkdir, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isLandError } from "../domain/errors.ts";
import { writePrivateFile } from "../identity/private-file.ts";
import { belongsTo, readSession, type Session, sessionText } from "../identity/sessions.ts";
import { forgesRoot } from "../local/layout.ts";

/** Logins at hosted forges: ours, one file each, and the reference client's one. */

/** A session and the file it is in. */
export interface StoredSession {
  readonly file: string;
  readonly session: Session;
}

/** Where our own session for a forge's address is kept. The address is in its one spelling. */
export function hostedSessionFile(stateHome: string, baseUrl: string): string {
  return join(sessionsFolder(stateHome), fileNameOf(baseUrl));
}

/** Where the connection with the remote signer for a forge is kept. */
export function signerConnectionFile(stateHome: string, baseUrl: string): string {
  return join(forgesRoot(stateHome), "signers", fileNameOf(baseUrl));
}

/** The reference client's session file. */
export function referenceSessionFile(stateHome: string): string {
  return sessionFileIn(join(stateHome, "ph"));
}

/** The reference client's session file in a state folder of its own (`--state-dir`). */
export function sessionFileIn(referenceStateDir: string): string {
  return join(referenceStateDir, "session.json");
}

/** Every stored session that can be read, ours first. */
export async function hostedSessions(
  stateHome: string,
  referenceFile: string = referenceSessionFile(stateHome),
): Promise<readonly StoredSession[]> {
  const folder = sessionsFolder(stateHome);
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".json"));
  const files = [...names.sort().map((name) => join(folder, name)), referenceFile];
  const found = await Promise.all(
    files.map(async (file) => {
      const session = await readSession(file).catch(() => undefined);
      return session !== undefined && URL.canParse(session.base_url)
        ? { file, session }
        : undefined;
    }),
  );
  return found.filter((stored) => stored !== undefined);
}

/**
 * Lets the reference client go on with a login. Another forge's session there is somebody's work:
 * it stays unless `replace`. Answers what a person should know of it.
 */
export async function shareWithReference(
  file: string,
  session: Session,
  replace: boolean,
): Promise<string | undefined> {
  const there = await sessionThere(file);
  const other =
    there === "unusable" || (there !== undefined && !belongsTo(there, session.base_url));
  if (other && !replace) {
    const what = there === "unusable" ? "cannot be used" : `is a login at ${there?.base_url}`;
    return `The reference client's session ${file} ${what} and was left alone; \`land login --ph\` replaces it.`;
  }
  // That folder is not ours: it is made where it is missing, and its rights stay as they are.
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writePrivateFile(file, sessionText(session));
  return other ? `The reference client's session ${file} was replaced.` : undefined;
}

async function sessionThere(file: string): Promise<Session | "unusable" | undefined> {
  try {
    return await readSession(file);
  } catch (error) {
    if (isLandError(error)) return "unusable";
    throw error;
  }
}

function fileNameOf(baseUrl: string): string {
  const host = new URL(baseUrl).host.replace(/[^a-z0-9.-]+/gi, "-");
  const hash = createHash("sha256").update(baseUrl).digest("hex").slice(0, 8);
  return `${host}-${hash}.json`;
}

function sessionsFolder(stateHome: string): string {
  return join(forgesRoot(stateHome), "sessions");
}
