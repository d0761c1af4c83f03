import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { readSession, type Session } from "../identity/sessions.ts";
import { forgesRoot } from "../local/layout.ts";

/** Logins at hosted forges: ours, one file each, and the reference client's one. */

/** A session and the file it is in. */
export interface StoredSession {
  readonly file: string;
  readonly session: Session;
}

/** Where our own session for a forge's address is kept. The address is in its one spelling. */
export function hostedSessionFile(stateHome: string, baseUrl: string): string {
  const host = new URL(baseUrl).host.replace(/[^a-z0-9.-]+/gi, "-");
  const hash = createHash("sha256").update(baseUrl).digest("hex").slice(0, 8);
  return join(sessionsFolder(stateHome), `${host}-${hash}.json`);
}

/** The reference client's session file. */
export function referenceSessionFile(stateHome: string): string {
  return join(stateHome, "ph", "session.json");
}

/** Every stored session that can be read, ours first. */
export async function hostedSessions(stateHome: string): Promise<readonly StoredSession[]> {
  const folder = sessionsFolder(stateHome);
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".json"));
  const files = [
    ...names.sort().map((name) => join(folder, name)),
    referenceSessionFile(stateHome),
  ];
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

function sessionsFolder(stateHome: string): string {
  return join(forgesRoot(stateHome), "sessions");
}
