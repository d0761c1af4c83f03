import { LandError } from "../domain/errors.ts";
import type { Git } from "../git/git.ts";
import { branchRef, isBranchName, shortBranch } from "../git/refs.ts";

/** The branch that is to be landed on, and where it begins. */
export interface ChosenTarget {
  readonly target: string;
  readonly sha: string;
  readonly from: "origin" | "local";
  /** How the local branch of that name stands to origin's; undefined unless both are there. */
  readonly aheadBehind: { readonly ahead: number; readonly behind: number } | undefined;
}

const usualNames = ["main", "master"] as const;
const originRefs = "refs/remotes/origin/";

/**
 * Decides the target: the wanted one; else origin's default branch, its main or master; else the
 * repository's own main, master, or the branch that is checked out. It begins at origin's tip
 * where there is one.
 */
export async function chooseTarget(
  git: Git,
  wanted: string | undefined,
  signal?: AbortSignal,
): Promise<ChosenTarget> {
  const target = wanted ?? (await defaultTarget(git, signal));
  if (!isBranchName(target)) {
    throw new LandError("bad_argument", `${JSON.stringify(target)} cannot name a branch.`, {
      state: "Nothing was changed.",
      next: "Name the branch to land on, such as `main`.",
    });
  }
  const [atOrigin, here] = await Promise.all([
    commitOf(git, originRefs + target, signal),
    commitOf(git, branchRef(target), signal),
  ]);
  const sha = atOrigin ?? here;
  if (sha === undefined) {
    throw new LandError("bad_argument", `There is no branch ${target}, here or at origin.`, {
      state: "Nothing was changed.",
      next: "Name a branch that exists, or fetch it first.",
    });
  }
  const both = atOrigin !== undefined && here !== undefined;
  return {
    target,
    sha,
    from: atOrigin === undefined ? "local" : "origin",
    aheadBehind: both ? await compare(git, here, atOrigin, signal) : undefined,
  };
}

/** A ref's tip and how many commits it has that `base` has not; undefined where there is no ref. */
export async function commitsWithout(
  git: Git,
  ref: string,
  base: string,
  signal?: AbortSignal,
): Promise<{ readonly tip: string; readonly count: number } | undefined> {
  const tip = await commitOf(git, ref, signal);
  if (tip === undefined) return undefined;
  const count = await git.text(["rev-list", "--count", tip, `^${base}`], signal);
  return { tip, count: Number(count) };
}

async function defaultTarget(git: Git, signal: AbortSignal | undefined): Promise<string> {
  const originHead = await symbolic(git, `${originRefs}HEAD`, signal);
  if (originHead?.startsWith(originRefs)) return originHead.slice(originRefs.length);
  for (const folder of [originRefs, "refs/heads/"]) {
    for (const name of usualNames) {
      if ((await commitOf(git, folder + name, signal)) !== undefined) return name;
    }
  }
  const head = await symbolic(git, "HEAD", signal);
  const checkedOut = head === undefined ? undefined : shortBranch(head);
  if (checkedOut !== undefined) return checkedOut;
  throw new LandError("bad_argument", "Which branch is to be landed on is not clear here.", {
    state: "There is no main or master, and no branch is checked out. Nothing was changed.",
    next: "Name it: `land init --target BRANCH`.",
  });
}

async function symbolic(
  git: Git,
  ref: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const args = ["symbolic-ref", "--quiet", ref];
  const { exitCode, stdout } = await git.run({ args, answers: [0, 1] }, signal);
  return exitCode === 0 ? stdout.replace(/\n$/, "") : undefined;
}

async function commitOf(
  git: Git,
  ref: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const args = ["rev-parse", "--verify", "--quiet", `${ref}^{commit}`];
  const { exitCode, stdout } = await git.run({ args, answers: [0, 1] }, signal);
  return exitCode === 0 ? stdout.trim() : undefined;
}

async function compare(git: Git, here: string, atOrigin: string, signal: AbortSignal | undefined) {
  const counted = await git.text(
    ["rev-list", "--left-right", "--count", `${here}...${atOrigin}`],
    signal,
  );
  const [ahead, behind] = counted.split(/\s+/).map(Number);
  return { ahead: ahead ?? 0, behind: behind ?? 0 };
}
