import type { Git } from "../../git/git.ts";
import type { MirrorRunRecord } from "../store/records.ts";

/** Whether the mirror's target, as last looked at, holds a commit. */
export interface Sighting {
  /** `unknown`: the mirror was never looked at, or is at a commit that is not here. */
  readonly state: "seen" | "not_seen" | "unknown";
  /** When that look ended; null: there was none. */
  readonly checkedAt: string | null;
}

const remembered = 1000;

/**
 * Tells whether the mirror has a commit, from what the last look at it found: nobody waits for the
 * mirror itself. Whether one commit holds another never changes, so each pair is asked of git once.
 */
export function sightingsOf(git: Git) {
  const known = new Map<string, Sighting["state"]>();
  return async (commit: string, runs: readonly MirrorRunRecord[]): Promise<Sighting> => {
    const look = runs.find(({ remoteTarget }) => remoteTarget !== null);
    if (look?.remoteTarget == null) return { state: "unknown", checkedAt: null };
    const checkedAt = look.finishedAt;
    const pair = `${commit} ${look.remoteTarget}`;
    const before = known.get(pair);
    if (before !== undefined) return { state: before, checkedAt };
    const state = await holds(git, look.remoteTarget, commit);
    if (known.size >= remembered) known.clear();
    if (state !== "unknown") known.set(pair, state);
    return { state, checkedAt };
  };
}

async function holds(git: Git, whole: string, part: string): Promise<Sighting["state"]> {
  const args = ["merge-base", "--is-ancestor", part, whole];
  try {
    const { exitCode } = await git.run({ args, answers: [0, 1], timeoutMs: 10_000 });
    return exitCode === 0 ? "seen" : "not_seen";
  } catch {
    // Such as a commit that is not here: others put it there.
    return "unknown";
  }
}
