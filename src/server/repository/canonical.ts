import { Git } from "../../git/git.ts";
import type { Ci } from "../ci/ci.ts";
import type { ServerConfig } from "../config.ts";
import type { Clock, Store } from "../store/store.ts";

/** Where what nobody waits for is told, such as a branch that could not be taken in. */
export interface RepositoryLog {
  warn(facts: object, words: string): void;
}

export interface RepositoryParts {
  readonly config: ServerConfig;
  readonly store: Store;
  readonly ci: Pick<Ci, "plan" | "lanesChangedBy" | "wake">;
  readonly clock: Clock;
  readonly log?: RepositoryLog | undefined;
}

/** What each part of the repository works with. */
export interface Canonical extends RepositoryParts {
  readonly git: Git;
  readonly log: RepositoryLog;
  /** Full name of the target's ref. */
  readonly targetRef: string;
}

const identity = { name: "Forge Landing Kit", email: "forge@localhost" };

export function canonicalOf(parts: RepositoryParts): Canonical {
  const env = {
    ...parts.config.env,
    GIT_AUTHOR_NAME: identity.name,
    GIT_AUTHOR_EMAIL: identity.email,
    GIT_COMMITTER_NAME: identity.name,
    GIT_COMMITTER_EMAIL: identity.email,
  };
  return {
    ...parts,
    git: new Git({ dir: parts.config.repositoryDir, bare: true, env }),
    log: parts.log ?? { warn: () => {} },
    targetRef: branchRef(parts.config.target),
  };
}

/** The full ref of a branch. Short names are ambiguous as soon as a tag has the same one. */
export function branchRef(name: string): string {
  return `refs/heads/${name}`;
}

/** Keeps a branch's head alive after its ref is gone. */
export function pinRef(branchId: number, head: string): string {
  return `refs/land/heads/${branchId}/${head}`;
}

export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A sha as people read it. */
export function short(sha: string | null | undefined): string {
  return sha === null || sha === undefined ? "nothing" : sha.slice(0, 12);
}
