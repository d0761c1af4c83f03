import { readFileSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { LandError } from "../domain/errors.ts";
import { ensurePrivateFolder, writePrivateFile } from "./private-file.ts";

/** A login on disk, in the form and key order of the reference client. */
const sessionShape = z.object({
  base_url: z.string().min(1),
  token: z.string().min(1),
  npub: z.string(),
  is_admin: z.boolean(),
  can_forge_write: z.boolean(),
});
export type Session = z.infer<typeof sessionShape>;

/**
 * One spelling for a forge's address: no user, query or fragment, no slash at the end; a path is
 * kept. Throws `bad_argument` for what is no http(s) URL.
 */
export function normalBaseUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch {
    throw notAnAddress();
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") throw notAnAddress();
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
}

/** The session in a file, or undefined where there is none. Throws where it is malformed. */
export async function readSession(file: string): Promise<Session | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw unreadable(file, "cannot be read", error);
  }
  try {
    return sessionShape.parse(JSON.parse(text));
  } catch (error) {
    // The cause is left out of the words: it may quote the token.
    throw unreadable(file, "is malformed", error instanceof z.ZodError ? error : undefined);
  }
}

/** The token in a file as it is right now, for whoever must keep it from being shown. */
export function tokenNow(file: string): string | undefined {
  try {
    return sessionShape.safeParse(JSON.parse(readFileSync(file, "utf8"))).data?.token;
  } catch {
    return undefined;
  }
}

/** The session in a file if it is good for exactly this forge; never another forge's. */
export async function readSessionFor(file: string, baseUrl: string): Promise<Session | undefined> {
  const session = await readSession(file);
  if (session === undefined) return undefined;
  return belongsTo(session, baseUrl) ? session : undefined;
}

/** Whether a session was issued by the forge at this address. */
export function belongsTo(session: Session, baseUrl: string): boolean {
  try {
    return normalBaseUrl(session.base_url) === normalBaseUrl(baseUrl);
  } catch {
    return false;
  }
}

/** Refuses a session of another forge with the reference client's words. */
export function refuseOtherForge(session: Session, baseUrl: string): void {
  if (belongsTo(session, baseUrl)) return;
  throw new LandError(
    "unauthorized",
    `saved session belongs to ${session.base_url}; refusing to reuse its token for ${baseUrl}`,
    { state: "No request was sent.", next: "Run `land login` for that forge." },
  );
}

/** A session as its file holds it: the reference client's keys, in its order. */
export function sessionText(session: Session): string {
  const { base_url, token, npub, is_admin, can_forge_write } = session;
  return `${JSON.stringify({ base_url, token, npub, is_admin, can_forge_write }, null, 2)}\n`;
}

/** Stores a session with mode 0600 from its first byte, whole or not at all. */
export async function writeSession(file: string, session: Session): Promise<void> {
  await ensurePrivateFolder(dirname(file));
  await writePrivateFile(file, sessionText(session));
}

/** Forgets a session. Answers whether there was one. */
export async function removeSession(file: string): Promise<boolean> {
  try {
    await rm(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

function notAnAddress(): LandError {
  return new LandError("bad_argument", "That is not the address of a forge.", {
    next: "Give a URL such as https://git.example.org.",
  });
}

function unreadable(file: string, how: string, cause: unknown): LandError {
  return new LandError("unauthorized", `The session file ${file} ${how}.`, {
    state: "No request was sent.",
    next: "Run `land login` again; it replaces the file.",
    cause,
  });
}
