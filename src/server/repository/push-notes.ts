import { readdir, readFile, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ServerConfig } from "../config.ts";
import type { Writes } from "../store/store.ts";
import type { Canonical } from "./canonical.ts";

/*
 * A push over SSH has an author: the connection's key belongs to an npub, which git's hooks leave
 * in a file per ref that was pushed or refused. They are read with the refs and become lines of the
 * audit trail.
 */

/** Why the hook did not take a push, in the trail's words. */
const refusals = {
  target: "the target is never pushed to",
  reserved: "the ref belongs to the forge",
  inactive: "the key is not active",
  read_only: "the key may only read",
} as const;

/** One pushed ref and whose key pushed it. */
export interface PushNote {
  readonly npub: string;
  /** The ref's full name. */
  readonly ref: string;
  /** What it was set to; null where it was deleted. */
  readonly head: string | null;
  /** Why it was not taken; undefined where it was. */
  readonly refused: keyof typeof refusals | undefined;
}

/** Where the hook leaves its notes. */
export function pushNotesDir(config: Pick<ServerConfig, "wakeFile">): string {
  return join(dirname(config.wakeFile), "pushes");
}

/** Reads a note; undefined where it is none, or not written to its end yet. Pure. */
function parsePushNote(text: string): PushNote | undefined {
  // git keeps blanks and control characters out of names, and no other white space.
  const [, npub, sha, ref, why] =
    /^(npub1[a-z0-9]{58}) ([0-9a-f]{40,64}) (refs\/[^ \n]+)(?: (\w+))?\n$/.exec(text) ?? [];
  if (npub === undefined || sha === undefined || ref === undefined) return undefined;
  if (why !== undefined && !isRefusal(why)) return undefined;
  return { npub, ref, head: /^0+$/.test(sha) ? null : sha, refused: why };
}

function isRefusal(word: string): word is keyof typeof refusals {
  return Object.hasOwn(refusals, word);
}

/** A pass records so many pushes at most; the next one goes on. */
const notesAtOnce = 1000;
/** What is no note after this long never becomes one. */
const unreadableMs = 60_000;
const longestNote = 8192;

/**
 * Runs a pass over the refs, then records who pushed. The notes are listed first, so that the refs
 * they speak of are seen by the pass. What cannot be recorded stays for the next one.
 */
export async function ingestWithAuthors(
  canonical: Canonical,
  pass: () => Promise<void>,
): Promise<void> {
  const dir = pushNotesDir(canonical.config);
  const names = (await readdir(dir).catch(() => [])).slice(0, notesAtOnce);
  await pass();
  for (const name of names) {
    await recordNote(canonical, join(dir, name)).catch((error: unknown) =>
      canonical.log.warn({ err: error }, "who pushed could not be recorded"),
    );
  }
}

async function recordNote(canonical: Canonical, file: string): Promise<void> {
  const { size, mtimeMs } = await stat(file);
  const note = size > longestNote ? undefined : parsePushNote(await readFile(file, "utf8"));
  if (note !== undefined) canonical.store.write((tx) => record(tx, note));
  else if (canonical.clock.now().getTime() - mtimeMs < unreadableMs) return;
  else canonical.log.warn({ file }, "that is no note of a push; it was removed");
  await rm(file, { force: true });
}

function detailOf({ head, refused }: Pick<PushNote, "head" | "refused">): string | null {
  if (refused !== undefined) return refusals[refused];
  return head === null ? "deleted" : null;
}

function record(tx: Writes, { npub, ref, head, refused }: PushNote): void {
  const name = ref.startsWith("refs/heads/") ? ref.slice("refs/heads/".length) : undefined;
  const branch =
    name === undefined ? undefined : tx.openBranches().find((one) => one.name === name);
  tx.addAudit({
    npub,
    action: "push",
    branchId: branch?.id ?? null,
    head,
    subject: ref,
    result: refused === undefined ? "ok" : "refused",
    detail: detailOf({ head, refused }),
  });
}
