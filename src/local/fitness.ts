import { LandError } from "../domain/errors.ts";
import type { Git } from "../git/git.ts";

/**
 * Refuses repositories that a local forge cannot hold, each with its remedy. Answers notes on
 * what works with a condition.
 */
export async function refuseUnfit(git: Git, signal?: AbortSignal): Promise<readonly string[]> {
  await refuseOldGit(git, signal);
  if ((await git.run({ args: headArgs, answers: [0, 1] }, signal)).exitCode !== 0) {
    if (!(await hasAnyCommit(git, signal))) {
      throw unfit("This repository has no commits yet.", "Commit something, then try again.");
    }
  }
  if ((await git.text(["rev-parse", "--show-object-format"], signal)) !== "sha1") {
    throw unfit(
      "This repository names its objects by SHA-256, which the forge's contract has no room for.",
      "Make a repository with `git init --object-format=sha1` and import the history into it.",
    );
  }
  if ((await git.text(["rev-parse", "--is-shallow-repository"], signal)) === "true") {
    throw unfit(
      "This is a shallow clone: its history is cut off.",
      "Run `git fetch --unshallow`, then try again.",
    );
  }
  if (await isPartialClone(git, signal)) {
    throw unfit(
      "This is a partial clone: some of its objects are only on its remote.",
      "Clone the repository again without `--filter` and work there.",
    );
  }
  if (await usesLfs(git, signal)) {
    throw unfit(
      "This repository keeps files in Git LFS, which a local forge does not store.",
      "Bring the files back into git (`git lfs migrate export --include='*' --everything`), or land on a hosted forge.",
    );
  }
  return (await hasSubmodules(git, signal))
    ? [
        "Lanes do not check out submodules; one that needs them runs `git submodule update --init` itself.",
      ]
    : [];
}

const headArgs = ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"];
const oldestGit = [2, 38] as const;

async function refuseOldGit(git: Git, signal: AbortSignal | undefined): Promise<void> {
  const text = await git.text(["--version"], signal);
  const version = /(\d+)\.(\d+)/.exec(text);
  const [major, minor] = [Number(version?.[1] ?? 0), Number(version?.[2] ?? 0)];
  if (major > oldestGit[0] || (major === oldestGit[0] && minor >= oldestGit[1])) return;
  throw new LandError("unsupported", `git ${oldestGit.join(".")} or later is needed.`, {
    state: `This is ${text.slice(0, 60)}. Nothing was changed.`,
    next: "Update git, then try again.",
  });
}

/** A branch without commits may be checked out in a repository that has some. */
async function hasAnyCommit(git: Git, signal: AbortSignal | undefined): Promise<boolean> {
  const args = ["for-each-ref", "--count=1", "refs/heads", "refs/remotes"];
  return (await git.text(args, signal)) !== "";
}

async function isPartialClone(git: Git, signal: AbortSignal | undefined): Promise<boolean> {
  const pattern = "^(extensions\\.partialclone|remote\\..*\\.(promisor|partialclonefilter))$";
  const args = ["config", "--local", "--get-regexp", pattern];
  return (await git.run({ args, answers: [0, 1] }, signal)).exitCode === 0;
}

async function usesLfs(git: Git, signal: AbortSignal | undefined): Promise<boolean> {
  const args = ["ls-files", "-z", "--", ":(top,attr:filter=lfs)"];
  return (await git.run({ args }, signal)).stdout !== "";
}

async function hasSubmodules(git: Git, signal: AbortSignal | undefined): Promise<boolean> {
  const args = ["cat-file", "-e", "HEAD:.gitmodules"];
  return (await git.run({ args, answers: [0, 1, 128] }, signal)).exitCode === 0;
}

function unfit(what: string, next: string): LandError {
  return new LandError("unsupported_repository", what, { state: "Nothing was changed.", next });
}
