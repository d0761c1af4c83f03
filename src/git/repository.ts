import { stat } from "node:fs/promises";
import { join } from "node:path";
import { readConflicts } from "./conflicts.ts";
import { Git, type GitPlace } from "./git.ts";
import { type OperationInProgress, operationIn } from "./operation-in-progress.ts";
import { Reads } from "./reads.ts";
import { shortBranch } from "./refs.ts";
import { parseStatus, type Status, statusArgs } from "./status.ts";
import type { WorkingState } from "./working-copy.ts";

const maxNamed = 50;

/** A work tree's place in its repository. All paths are absolute. */
export interface Whereabouts {
  readonly top: string;
  /** The folder in it that was opened, in which whoever asks may be. */
  readonly opened: string;
  /** The worktree's own git dir; differs from the common one in a linked worktree. */
  readonly gitDir: string;
  readonly commonDir: string;
}

/** What is seen of a work tree, with what only the parts of the working copy need. */
export interface Seen extends WorkingState {
  readonly status: Status;
  readonly inProgress: OperationInProgress | undefined;
}

/** One work tree and the two ways git is asked about it. */
export class Repository {
  readonly where: Whereabouts;
  readonly git: Git;
  /** For what may remove folders: git leaves the one that it was started in. */
  readonly gitWhereOpened: Git;
  readonly reads: Reads;

  constructor(where: Whereabouts, env: GitPlace["env"]) {
    const place: GitPlace = { dir: where.top, env };
    this.where = where;
    this.git = new Git(place);
    this.gitWhereOpened = new Git({ dir: where.opened, env });
    this.reads = new Reads(place);
  }

  async see(signal?: AbortSignal): Promise<Seen> {
    const [status, inProgress] = await this.#atOneTime(signal);
    const mark = inProgress?.mark;
    const head = mark === undefined ? status.head : await this.reads.commit(mark.branch, signal);
    return {
      branch:
        mark === undefined ? await this.#checkedOut(status, signal) : shortBranch(mark.branch),
      head: head ?? mark?.head,
      tracked: status.tracked.slice(0, maxNamed),
      trackedCount: status.tracked.length,
      untracked: status.untracked.slice(0, maxNamed),
      untrackedCount: status.untracked.length,
      operation: inProgress === undefined ? undefined : operationOf(inProgress, status),
      conflicts: await readConflicts(this.git, this.where.top, status.unmerged, signal),
      status,
      inProgress,
    };
  }

  /** The branch that is checked out, or that this kit rebases here. Looks at no file of the tree. */
  async branch(signal?: AbortSignal): Promise<string | undefined> {
    for (let tries = 1; ; tries += 1) {
      const name = await this.#headBranch(signal);
      if (name !== undefined) return name;
      const mark = (await operationIn(this.where.gitDir))?.mark;
      if (mark !== undefined) return shortBranch(mark.branch);
      // A rebase that ended between the two looks has the branch checked out again.
      if (tries === 2) return undefined;
    }
  }

  /** Status and operation of one and the same moment, also while another process rebases here. */
  async #atOneTime(
    signal: AbortSignal | undefined,
  ): Promise<readonly [Status, OperationInProgress | undefined]> {
    const { gitDir } = this.where;
    for (let tries = 1; ; tries += 1) {
      const [before, headBefore] = [await operationIn(gitDir), await this.#headWritten()];
      const status = await this.status(signal);
      const [after, headAfter] = [await operationIn(gitDir), await this.#headWritten()];
      const same = before?.mark?.id === after?.mark?.id && headBefore === headAfter;
      if (same || tries >= 5) return [status, after];
    }
  }

  /** Changes whenever something else is checked out, for which git writes HEAD anew. */
  async #headWritten(): Promise<bigint | undefined> {
    const found = await stat(this.gitPath("HEAD"), { bigint: true }).catch(() => undefined);
    return found === undefined ? undefined : found.mtimeNs ^ found.ino;
  }

  async status(signal?: AbortSignal): Promise<Status> {
    return parseStatus((await this.git.run({ args: statusArgs }, signal)).stdout);
  }

  /** Whether `ancestor` is in the history of `of`; no for commits that are not here. */
  async isAncestor(ancestor: string, of: string, signal?: AbortSignal): Promise<boolean> {
    const args = ["merge-base", "--is-ancestor", ancestor, of];
    const { exitCode } = await this.git
      .run({ args, answers: [0, 1] }, signal)
      .catch(async (error: unknown) => {
        const here = await Promise.all([ancestor, of].map((name) => this.reads.commit(name)));
        if (here.includes(undefined)) return { exitCode: 1 };
        throw error;
      });
    return exitCode === 0;
  }

  gitPath(name: string): string {
    return join(this.where.gitDir, name);
  }

  async #checkedOut(status: Status, signal: AbortSignal | undefined): Promise<string | undefined> {
    return status.branch === "(detached)" ? this.#headBranch(signal) : status.branch;
  }

  async #headBranch(signal: AbortSignal | undefined): Promise<string | undefined> {
    const args = ["symbolic-ref", "--quiet", "HEAD"];
    const { stdout } = await this.git.run({ args, answers: [0, 1] }, signal);
    return shortBranch(stdout.replace(/\n$/, ""));
  }
}

function operationOf(
  { kind, mark, held, stopped }: OperationInProgress,
  { unmerged }: Status,
): NonNullable<WorkingState["operation"]> {
  if (mark === undefined) return { kind, ours: false };
  if (held === true) return { kind, ours: true, phase: "under_way" };
  const waits = stopped === true || unmerged.length > 0;
  return { kind, ours: true, phase: waits ? "stopped" : "cut_off" };
}
