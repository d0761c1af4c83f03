import { isLandError, LandError } from "../domain/errors.ts";
import { readConflicts } from "./conflicts.ts";
import type { GitCall } from "./git.ts";
import { obstacleError, obstacleIn } from "./obstacles.ts";
import { exists, markFile, operationIn } from "./operation-in-progress.ts";
import { pause } from "./pause.ts";
import {
  holdMark,
  letGo,
  newMark,
  type RebaseMark,
  rebaseTag,
  rebaseTimeoutMs,
  removeMark,
  writeMark,
} from "./rebase-mark.ts";
import { branchRef, commitName } from "./refs.ts";
import type { Repository, Seen } from "./repository.ts";
import type { RebaseAnswer } from "./working-copy.ts";

/**
 * Settings of the person's that would stash, move other branches, or hide a conflict. Hooks,
 * merge drivers, conflict style and signing stay as they are set.
 */
const ownSettings = [
  "rerere.autoUpdate=false",
  "rebase.rebaseMerges=false",
  "gc.auto=0",
  "maintenance.auto=false",
].flatMap((setting) => ["-c", setting]);
const lockPatienceMs = 1000;
/** Before it is looked again whether another process is done with its rebase. */
const lookAgainMs = 100;
/** What the reflog says of moves that are this kit's. */
const reflogAction = "land rebase";

function rebaseCall(onto: string): readonly string[] {
  return [
    "--quiet",
    "--merge",
    "--no-autostash",
    "--no-autosquash",
    "--no-fork-point",
    "--no-update-refs",
    "--no-stat",
    "--empty=drop",
    onto,
  ];
}

/** A step of a rebase; the git that takes it can be found also after who started it has died. */
function step(args: readonly string[], mark: RebaseMark): GitCall {
  return {
    args: [...ownSettings, "rebase", ...args],
    env: { [rebaseTag]: mark.id, GIT_REFLOG_ACTION: reflogAction },
    timeoutMs: rebaseTimeoutMs,
  };
}

/**
 * Rebases the checked-out branch. Anything but a conflict that keeps it from ending leaves the
 * branch and the files as they were and throws. One process at a time: another one waits.
 */
export async function rebase(
  repository: Repository,
  ontoName: string,
  signal: AbortSignal | undefined,
): Promise<RebaseAnswer> {
  for (;;) {
    const seen = await seeStill(repository, signal);
    const obstacle = obstacleIn(seen);
    if (obstacle !== undefined) throw obstacleError(obstacle);
    const mark = await planRebase(repository, seen, ontoName, signal);
    if (await repository.isAncestor(mark.onto, mark.head, signal)) {
      return { state: "up_to_date", from: mark.head, head: mark.head };
    }
    await refuseUnrelated(repository, mark, signal);
    await waitForIndexLock(repository, signal);
    if (await holdMark(repository.gitPath(markFile), mark)) {
      const answer = await whileHeld(repository, mark, signal);
      if (answer !== undefined) return answer;
    }
    await pause(lookAgainMs, signal);
  }
}

/** Undefined where another process was done with the branch just before. */
async function whileHeld(
  repository: Repository,
  mark: RebaseMark,
  signal: AbortSignal | undefined,
): Promise<RebaseAnswer | undefined> {
  const file = repository.gitPath(markFile);
  try {
    if ((await tipOf(repository, mark)) !== mark.head) {
      await removeMark(file);
      return undefined;
    }
    await repository.gitWhereOpened.run(step(rebaseCall(mark.onto), mark), signal);
    await removeMark(file);
    return { state: "rebased", from: mark.head, head: await tipOf(repository, mark) };
  } catch (error) {
    return await stopped(repository, mark, error);
  } finally {
    await letGo(file, mark);
  }
}

/** Goes on with a rebase that this kit began, once its conflicts are resolved and staged. */
export async function continueRebase(
  repository: Repository,
  signal: AbortSignal | undefined,
): Promise<RebaseAnswer> {
  const seen = await seeStill(repository, signal);
  const begun = ownRebase(seen);
  if (seen.conflicts.length > 0) return { state: "conflict", files: seen.conflicts };
  refuseUnstaged(seen);
  await waitForIndexLock(repository, signal);
  const file = repository.gitPath(markFile);
  const mark = newMark(begun);
  await writeMark(file, mark);
  try {
    await repository.gitWhereOpened.run(step(["--continue"], mark), signal);
    await removeMark(file);
    return { state: "rebased", from: mark.head, head: await tipOf(repository, mark) };
  } catch (error) {
    if (!isLandError(error, "git_failed")) throw stillInProgress(error);
    const files = await conflictsNow(repository);
    if (files.length > 0) return { state: "conflict", files };
    throw stillInProgress(await explained(repository, error));
  } finally {
    await letGo(file, mark);
  }
}

/** Takes the branch and the files back to before a rebase that this kit began. */
export async function abortRebase(
  repository: Repository,
  signal: AbortSignal | undefined,
): Promise<RebaseAnswer> {
  const mark = ownRebase(await seeStill(repository, signal));
  await waitForIndexLock(repository, signal);
  await repository.gitWhereOpened.run({ args: ["rebase", "--abort"] }, signal);
  await removeMark(repository.gitPath(markFile));
  return { state: "aborted", head: await tipOf(repository, mark) };
}

/** Whether the branch got from one tip to the other by rebases of this kit alone. */
export async function rebasedHere(
  repository: Repository,
  branch: string,
  from: string,
  to: string,
): Promise<boolean> {
  const moves = await repository.reads.moves(branchRef(branch)).catch(() => []);
  const since = moves.findIndex(({ commit }) => commit === from);
  if (since < 1 || moves[0]?.commit !== to) return false;
  return moves.slice(0, since).every(({ by }) => by.startsWith(reflogAction));
}

/** Looks at the work tree once no process carries out a rebase of this kit in it. */
async function seeStill(repository: Repository, signal: AbortSignal | undefined): Promise<Seen> {
  for (;;) {
    const seen = await repository.see(signal);
    if (seen.operation?.phase !== "under_way") return seen;
    await pause(lookAgainMs, signal);
  }
}

async function planRebase(
  repository: Repository,
  seen: Seen,
  ontoName: string,
  signal: AbortSignal | undefined,
): Promise<RebaseMark> {
  const onto = await repository.reads.commit(commitName(ontoName), signal);
  if (onto === undefined) {
    throw new LandError("not_found", `${ontoName} is not a commit in this repository.`, {
      state: "Nothing was changed.",
      next: "Fetch the target first.",
    });
  }
  if (seen.head === undefined || seen.branch === undefined) {
    throw new LandError("unsupported_repository", "This branch has no commits yet.", {
      next: "Commit something first.",
    });
  }
  return newMark({ branch: branchRef(seen.branch), onto, head: seen.head });
}

async function refuseUnrelated(
  repository: Repository,
  mark: RebaseMark,
  signal: AbortSignal | undefined,
): Promise<void> {
  if ((await repository.reads.mergeBase(mark.onto, mark.head, signal)) !== undefined) return;
  const shallow = await exists(`${repository.where.commonDir}/shallow`);
  throw new LandError("unrelated_histories", "The branch and the target have no common commit.", {
    state: "Nothing was changed.",
    next: shallow
      ? "This clone is shallow; `git fetch --unshallow` may bring the common commit."
      : "Make the branch anew from the target and take your commits over (`git cherry-pick`).",
  });
}

/** After a rebase ended badly: a conflict is an answer; anything else is taken back and told. */
async function stopped(
  repository: Repository,
  mark: RebaseMark,
  error: unknown,
): Promise<RebaseAnswer> {
  const ours = (await operationIn(repository.where.gitDir))?.exact === true;
  if (ours && isLandError(error, "git_failed")) {
    const files = await conflictsNow(repository);
    if (files.length > 0) return { state: "conflict", files };
  }
  if (ours) {
    try {
      await repository.gitWhereOpened.run({ args: ["rebase", "--abort"] });
    } catch (abortError) {
      throw stillInProgress(abortError);
    }
  }
  await removeMark(repository.gitPath(markFile));
  const told = await explained(repository, error);
  const head = (await repository.reads.commit(mark.branch)) ?? mark.head;
  throw new LandError(told.code, told.message, {
    state:
      head === mark.head
        ? `The rebase was taken back: the branch is at ${head.slice(0, 12)} as before.`
        : `The branch is at ${head.slice(0, 12)}.`,
    next: told.next ?? "Put right what git or the hook complains about, then ask again.",
    facts: told.facts,
    cause: error,
  });
}

/** Of gpg, of ssh-keygen, and of git where the program said nothing. */
const signingWords = /\bsign|gpg|passphrase|private key|failed to write commit object/i;

/** Adds the remedy where the reason can be known. */
async function explained(repository: Repository, error: unknown): Promise<LandError> {
  if (!(error instanceof LandError)) return new LandError("internal", String(error));
  if (error.code !== "git_failed") return error;
  const signs = await repository.git
    .run({ args: ["config", "--type=bool", "--get", "commit.gpgSign"], answers: [0, 1] })
    .then((answer) => answer.stdout.trim() === "true")
    .catch(() => false);
  if (!signs || !signingWords.test(error.message)) return error;
  return new LandError("git_failed", `Signing a commit failed. ${error.message}`, {
    next: "Commits are signed here (commit.gpgSign) and nothing may ask for a passphrase now. Unlock the key first, so that its agent remembers it, then ask again.",
    facts: error.facts,
    cause: error,
  });
}

function stillInProgress(error: unknown): LandError {
  const told = error instanceof LandError ? error : new LandError("internal", String(error));
  return new LandError(told.code, told.message, {
    state: "The rebase is still in progress; what you resolved is kept.",
    next: told.next ?? "Put right what git or the hook complains about, then continue or abort it.",
    facts: told.facts,
    cause: error,
  });
}

function ownRebase(seen: Seen): RebaseMark {
  const mark = seen.inProgress?.mark;
  if (mark !== undefined) return mark;
  const obstacle = obstacleIn(seen);
  if (obstacle?.code === "operation_in_progress") throw obstacleError(obstacle);
  throw new LandError("bad_argument", "There is no rebase of this kit in progress here.", {
    state: "Nothing was changed.",
    next: "Ask for a rebase without continue or abort.",
  });
}

function refuseUnstaged(seen: Seen): void {
  if (seen.status.unstaged.length === 0) return;
  throw new LandError(
    "uncommitted_changes",
    `Some files have changes that are not staged: ${seen.status.unstaged.slice(0, 5).join(", ")}.`,
    {
      state: "The rebase is still in progress; what you resolved is kept.",
      next: "Stage what belongs to this commit with `git add`, then continue.",
    },
  );
}

async function conflictsNow(repository: Repository) {
  const { unmerged } = await repository.status();
  return readConflicts(repository.git, repository.where.top, unmerged);
}

async function tipOf(repository: Repository, mark: RebaseMark): Promise<string> {
  return (await repository.reads.commit(mark.branch)) ?? mark.head;
}

/** Another git may hold the lock for a moment; one that was killed leaves it for ever. */
async function waitForIndexLock(
  repository: Repository,
  signal: AbortSignal | undefined,
): Promise<void> {
  const lock = repository.gitPath("index.lock");
  for (let waited = 0; await exists(lock); waited += 100) {
    if (waited >= lockPatienceMs) {
      throw new LandError("git_failed", `The index is locked: ${lock} exists.`, {
        state: "Nothing was changed.",
        next: "If no other git command runs in this worktree, remove that file and ask again.",
      });
    }
    await pause(100, signal);
  }
}
