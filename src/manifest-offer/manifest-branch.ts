import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LandError } from "../domain/errors.ts";
import type { Git } from "../git/git.ts";
import { manifestPath } from "./manifest-text.ts";

/** The branch an offered manifest is written on. */
export const manifestBranch = "land/ci-manifest";

export interface WrittenManifest {
  readonly branch: string;
  readonly commit: string;
  /** `kept`: the branch was there already and is left as it is. */
  readonly state: "written" | "kept";
}

/**
 * Commits a manifest on a branch of its own on top of `base`, without touching work tree, index or
 * hooks. A branch of that name that exists already is kept.
 */
export async function writeManifestBranch(
  git: Git,
  base: string,
  text: string,
  signal?: AbortSignal,
): Promise<WrittenManifest> {
  const there = await branchTip(git, signal);
  if (there !== undefined) return { branch: manifestBranch, commit: there, state: "kept" };
  const tree = await treeWith(git, base, text, signal);
  const message = "Add the lanes that CI runs for each branch\n";
  const commit = (
    await git.run(
      {
        args: ["commit-tree", tree, "-p", base, "-F", "-"],
        input: message,
        env: await identity(git, signal),
      },
      signal,
    )
  ).stdout.trim();
  try {
    await git.run(
      {
        args: ["update-ref", "-m", "land init", `refs/heads/${manifestBranch}`, commit, ""],
      },
      signal,
    );
  } catch (error) {
    throw new LandError(
      "git_failed",
      `The branch ${manifestBranch} could not be made: ${error instanceof Error ? error.message : String(error)}`,
      {
        state: "The forge is ready; nothing of the repository was changed.",
        next: `Put the printed manifest into ${manifestPath} on a branch yourself and land it.`,
        cause: error,
      },
    );
  }
  return { branch: manifestBranch, commit, state: "written" };
}

async function branchTip(git: Git, signal?: AbortSignal): Promise<string | undefined> {
  const answer = await git.run(
    {
      args: ["rev-parse", "--verify", "--quiet", `refs/heads/${manifestBranch}^{commit}`],
      answers: [0, 1],
    },
    signal,
  );
  return answer.exitCode === 0 ? answer.stdout.trim() : undefined;
}

/** The tree of `base` with the manifest in it, built in an index file of its own. */
async function treeWith(
  git: Git,
  base: string,
  text: string,
  signal?: AbortSignal,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "land-manifest-"));
  const env = { GIT_INDEX_FILE: join(folder, "index") };
  try {
    const blob = (
      await git.run({ args: ["hash-object", "-w", "--stdin"], input: text }, signal)
    ).stdout.trim();
    await git.run({ args: ["read-tree", `${base}^{tree}`], env }, signal);
    const entry = `100644 ${blob}\t${manifestPath}\n`;
    await git.run({ args: ["update-index", "--index-info"], input: entry, env }, signal);
    return (await git.run({ args: ["write-tree"], env }, signal)).stdout.trim();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The user's own identity where git has one; else the kit's, so that init works without one. */
async function identity(git: Git, signal?: AbortSignal): Promise<Record<string, string>> {
  const known = await git.run({ args: ["var", "GIT_COMMITTER_IDENT"], answers: [0, 128] }, signal);
  if (known.exitCode === 0) return {};
  const name = "forge-landing-kit";
  const email = "land@localhost";
  return {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
  };
}
