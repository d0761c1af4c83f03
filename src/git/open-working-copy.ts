import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { isLandError, LandError } from "../domain/errors.ts";
import { Git, type GitPlace } from "./git.ts";
import { pause } from "./pause.ts";
import { pushCall, pushFailure } from "./push.ts";
import { abortRebase, continueRebase, rebase, rebasedHere } from "./rebase.ts";
import { branchRef, commitName, trackingRef } from "./refs.ts";
import {
  fetchCall,
  isLockedRef,
  isMissingRemoteBranch,
  parseRemoteTip,
  remoteFailure,
  remoteTipCall,
} from "./remote.ts";
import { Repository, type Whereabouts } from "./repository.ts";
import type { WorkingCopy } from "./working-copy.ts";

/**
 * Opens the work tree that a path lies in: its top, a subfolder, a linked worktree, a submodule.
 * Throws `not_a_repository` for anything else, a bare repository included.
 */
export async function openWorkingCopy(
  path: string,
  env: Readonly<Record<string, string | undefined>>,
  signal?: AbortSignal,
): Promise<WorkingCopy> {
  const dir = resolve(path);
  if (!(await stat(dir).catch(() => undefined))?.isDirectory()) {
    throw new LandError("not_a_repository", `${dir} is not a folder.`, {
      next: "Name the folder of a git work tree.",
    });
  }
  const where = await findWorkTree(new Git({ dir, env }), dir, signal);
  return workingCopy(new Repository(where, await withOwnSsh(where, env, signal)));
}

async function findWorkTree(
  git: Git,
  dir: string,
  signal: AbortSignal | undefined,
): Promise<Whereabouts> {
  try {
    const [top, gitDir, commonDir] = await Promise.all([
      pathOf(git, "--show-toplevel", signal),
      pathOf(git, "--absolute-git-dir", signal),
      pathOf(git, "--git-common-dir", signal),
    ]);
    return { top, opened: dir, gitDir, commonDir };
  } catch (error) {
    if (!isLandError(error, "git_failed") || error.facts.exitCode === undefined) throw error;
    const bare = await git.run({ args: ["rev-parse", "--is-bare-repository"] }, signal).then(
      (answer) => answer.stdout.trim() === "true",
      () => false,
    );
    throw new LandError(
      "not_a_repository",
      bare ? `${dir} is a bare repository, without a work tree.` : `${dir} is in no git work tree.`,
      {
        state: error.message,
        next: /dubious ownership/.test(error.message)
          ? "It belongs to another user. If you trust it, tell git so as shown above, then ask again."
          : "Go to a git work tree, or name one as the worktree.",
        cause: error,
      },
    );
  }
}

async function pathOf(git: Git, what: string, signal: AbortSignal | undefined): Promise<string> {
  const args = ["rev-parse", "--path-format=absolute", what];
  const { stdout } = await git.run({ args }, signal);
  return stdout.replace(/\n$/, "");
}

/** A person's own `core.sshCommand` would lose against the runner's batch-mode ssh. */
async function withOwnSsh(
  where: Whereabouts,
  env: GitPlace["env"],
  signal: AbortSignal | undefined,
): Promise<GitPlace["env"]> {
  if (env.GIT_SSH_COMMAND !== undefined) return env;
  const args = ["config", "--get", "core.sshCommand"];
  const own = await new Git({ dir: where.top, env }).run({ args, answers: [0, 1] }, signal);
  const command = own.stdout.trim();
  return command === "" ? env : { ...env, GIT_SSH_COMMAND: command };
}

function workingCopy(repository: Repository): WorkingCopy {
  const { git, reads } = repository;
  return {
    path: repository.where.top,
    gitDir: repository.where.gitDir,
    commonDir: repository.where.commonDir,

    async state(signal) {
      const { status: _status, inProgress: _inProgress, ...state } = await repository.see(signal);
      return state;
    },
    branch: (signal) => repository.branch(signal),
    trackedTip: async (remote, branch) => reads.commit(trackingRef(remote, branch)),
    localTip: async (branch) => reads.commit(branchRef(branch)),
    isAncestor: async (ancestor, of) => repository.isAncestor(commitName(ancestor), commitName(of)),
    mergeBase: async (a, b) => reads.mergeBase(commitName(a), commitName(b)),
    async sameTree(a, b) {
      const [one, other] = await Promise.all([a, b].map((at) => reads.tree(commitName(at))));
      return one !== undefined && one === other;
    },
    mergeOf: async (head, target) => reads.mergeOf(commitName(head), commitName(target)),
    countCommits: async (from, to) => reads.count(commitName(from), commitName(to)),

    async fetch(remote, branch, signal) {
      const before = await reads.commit(trackingRef(remote, branch), signal);
      try {
        await whileLocked(() => git.run(fetchCall(remote, branch), signal), signal);
      } catch (error) {
        if (isMissingRemoteBranch(error)) return { before, after: undefined };
        throw remoteFailure(error, remote);
      }
      return { before, after: await reads.commit(trackingRef(remote, branch), signal) };
    },

    async remoteTip(remote, branch, signal) {
      try {
        const { stdout } = await git.run(remoteTipCall(remote, branch), signal);
        return parseRemoteTip(stdout, branch);
      } catch (error) {
        throw remoteFailure(error, remote);
      }
    },

    rebase: (onto, signal) => rebase(repository, onto, signal),
    rebasedHere: (branch, from, to) => rebasedHere(repository, branch, from, to),
    continueRebase: (signal) => continueRebase(repository, signal),
    abortRebase: (signal) => abortRebase(repository, signal),

    async push(request, signal) {
      try {
        await git.run(pushCall(request), signal);
      } catch (error) {
        throw remoteFailure(pushFailure(error, request), request.remote);
      }
    },

    knows: async (commit) => (await reads.commit(commitName(commit))) !== undefined,
    wasOurs: (branch, commit, besides) => wasOurs(repository, branch, commit, besides),
  };
}

const lockedTries = 10;

/** All worktrees share the tracking refs, and git gives a ref's lock up soon. */
async function whileLocked<T>(attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (tries >= lockedTries || !isLockedRef(error)) throw error;
      await pause(Math.random() * 50 * tries, signal);
    }
  }
}

/**
 * Whether each commit that `commit` brings was once on the local branch, by its reflog, or is in
 * one of `besides`: what a push that replaces `commit` would drop is then nobody else's.
 */
async function wasOurs(
  repository: Repository,
  branch: string,
  commit: string,
  besides: readonly string[],
): Promise<boolean> {
  const ref = branchRef(branch);
  const former = await repository.reads.formerTips(ref).catch(() => []);
  const known = [...former, ...besides.map(commitName)];
  const input = [commitName(commit), ...known.map((tip) => `^${tip}`)].join("\n");
  const args = ["rev-list", "--max-count=1", "--ignore-missing", "--stdin"];
  const { stdout } = await repository.git.run({ args, input: `${input}\n` });
  return stdout.trim() === "" && (await repository.reads.commit(commit)) !== undefined;
}
