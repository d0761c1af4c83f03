import { plainWords } from "../forges/plain-words.ts";
import { type Check, missing, note, ok, wordsOf } from "./check.ts";

/** A work tree's CI manifest as a forge would read it, were it committed. */
export interface ManifestSight {
  /** Its path in the repository. */
  readonly file: string;
  readonly state: "none" | "broken" | "read";
  /** Why it cannot be read, with its line. */
  readonly problem: string | null;
  readonly branchLanes: number;
  readonly nightlyLanes: number;
  /** The first few keys that nothing reads. */
  readonly unread: readonly {
    readonly key: string;
    readonly place: string | null;
    readonly line: number | null;
    readonly nearest: string | null;
  }[];
  readonly unreadCount: number;
}

const name = "ci manifest";
const mostWords = 500;

/** Looks at the manifest before it is pushed: a broken one, and keys that change nothing. */
export async function checkManifest(
  worktree: string,
  look: (worktree: string) => Promise<ManifestSight>,
): Promise<Check[]> {
  let sight: ManifestSight;
  try {
    sight = await look(worktree);
  } catch (error) {
    return [note(name, `not looked at: ${plainWords(wordsOf(error), mostWords)}`)];
  }
  return [...judge(sight), ...unreadNotes(sight)];
}

function judge({ state, file, problem, branchLanes, nightlyLanes }: ManifestSight): Check[] {
  if (state === "none") return [];
  if (state === "read") {
    return [ok(name, `${file}: ${lanes(branchLanes)} for branches, ${nightlyLanes} nightly`)];
  }
  const next = `Correct ${file}; no head that has it so is ever green.`;
  return [missing(name, plainWords(problem ?? `${file} cannot be read`, mostWords), next)];
}

function lanes(count: number): string {
  return count === 1 ? "1 lane" : `${count} lanes`;
}

/** Keys that are not known are allowed, so these are no fault. */
function unreadNotes({ file, unread, unreadCount }: ManifestSight): Check[] {
  const notes = unread.map(({ key, place, line, nearest }) => {
    const where = line === null ? file : `${file}:${line}`;
    const of = place === null ? "" : ` of ${place}`;
    return note(
      name,
      plainWords(`${where}: nothing reads the key \`${key}\`${of}`, mostWords),
      nearest === null ? undefined : `If \`${nearest}\` was meant, correct it.`,
    );
  });
  const more = unreadCount - unread.length;
  return more > 0 ? [...notes, note(name, `${more} more keys that nothing reads`)] : notes;
}
