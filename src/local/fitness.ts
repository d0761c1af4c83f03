import { LandError } from "../domain/errors.ts";
import type { Git } from "../git/git.ts";

/** What is asked of a repository before it gets a forge. */
interface Facts {
  readonly gitVersion: string;
  readonly hasCommits: boolean;
  readonly objectFormat: string;
  readonly shallow: boolean;
  readonly partial: boolean;
  readonly lfs: boolean;
  readonly submodules: boolean;
}

/**
 * Refuses repositories that a local forge cannot hold, each with its remedy. Answers notes on
 * what works with a condition.
 */
export async function refuseUnfit(git: Git, signal?: AbortSignal): Promise<readonly string[]> {
  const facts = await look(git, signal);
  const refusal = refusalFor(facts);
  if (refusal !== undefined) throw refusal;
  return facts.submodules
    ? [
        "Lanes do not check out submodules; one that needs them runs `git submodule update --init` itself.",
      ]
    : [];
}

async function look(git: Git, signal: AbortSignal | undefined): Promise<Facts> {
  const [gitVersion, hasCommits, objectFormat, shallow, partial, lfs, submodules] =
    await Promise.all([
      git.text(["--version"], signal),
      hasAnyCommit(git, signal),
      git.text(["rev-parse", "--show-object-format"], signal),
      git.text(["rev-parse", "--is-shallow-repository"], signal),
      isPartialClone(git, signal),
      usesLfs(git, signal),
      hasSubmodules(git, signal),
    ]);
  return {
    gitVersion,
    hasCommits,
    objectFormat,
    shallow: shallow === "true",
    partial,
    lfs,
    submodules,
  };
}

function refusalFor(facts: Facts): LandError | undefined {
  if (isTooOld(facts.gitVersion)) {
    return new LandError("unsupported", `git ${oldestGit.join(".")} or later is needed.`, {
      state: `This is ${facts.gitVersion.slice(0, 60)}. Nothing was changed.`,
      next: "Update git, then try again.",
    });
  }
  if (!facts.hasCommits) {
    return unfit("This repository has no commits yet.", "Commit something, then try again.");
  }
  if (facts.objectFormat !== "sha1") {
    return unfit(
      "This repository names its objects by SHA-256, which the forge's contract has no room for.",
      "Make a repository with `git init --object-format=sha1` and import the history into it.",
    );
  }
  if (facts.shallow) {
    return unfit(
      "This is a shallow clone: its history is cut off.",
      "Run `git fetch --unshallow`, then try again.",
    );
  }
  if (facts.partial) {
    return unfit(
      "This is a partial clone: some of its objects are only on its remote.",
      "Clone the repository again without `--filter` and work there.",
    );
  }
  if (!facts.lfs) return undefined;
  return unfit(
    "This repository keeps files in Git LFS, which a local forge does not store.",
    "Bring the files back into git (`git lfs migrate export --include='*' --everything`), or land on a hosted forge.",
  );
}

const oldestGit = [2, 38] as const;

function isTooOld(gitVersion: string): boolean {
  const version = /(\d+)\.(\d+)/.exec(gitVersion);
  const [major, minor] = [Number(version?.[1] ?? 0), Number(version?.[2] ?? 0)];
  return major < oldestGit[0] || (major === oldestGit[0] && minor < oldestGit[1]);
}

/** A branch without commits may be checked out in a repository that has some. */
async function hasAnyCommit(git: Git, signal: AbortSignal | undefined): Promise<boolean> {
  const head = ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"];
  if ((await git.run({ args: head, answers: [0, 1] }, signal)).exitCode === 0) return true;
  const any = ["for-each-ref", "--count=1", "refs/heads", "refs/remotes"];
  return (await git.text(any, signal)) !== "";
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
