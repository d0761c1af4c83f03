import type { Obstacle } from "../git/obstacles.ts";
import type { ConflictFile } from "../git/working-copy.ts";

/** What a landing waits for. */
export type Awaited = "forge_head" | "ci" | "queue";

/** How a landing ends, before what was reached is added to it. */
export type Ending =
  | {
      readonly state: "landed";
      readonly mergeCommit: string;
      readonly already: boolean;
      readonly unpinned?: string;
    }
  | { readonly state: "waiting"; readonly on: string; readonly next: string }
  | { readonly state: "green"; readonly next: string }
  | { readonly state: "conflict"; readonly files: readonly ConflictFile[]; readonly next: string }
  | { readonly state: "ci_failed"; readonly note: string | undefined; readonly next: string }
  | {
      readonly state: "refused";
      readonly code: string;
      readonly why: string;
      readonly next: string;
    }
  | { readonly state: "closed"; readonly why: string; readonly next: string };

/** The next thing to do. */
export type Step =
  | { readonly do: "fetch" }
  | { readonly do: "rebase"; readonly onto: string }
  | { readonly do: "push"; readonly head: string; readonly lease: string | undefined }
  | { readonly do: "wait"; readonly on: Awaited; readonly head: string }
  | { readonly do: "request_landing"; readonly id: string; readonly head: string }
  | { readonly do: "verify"; readonly commit: string }
  | { readonly do: "end"; readonly ending: Ending };

export function end(ending: Ending): Step {
  return { do: "end", ending };
}

export function refuse(code: string, why: string, next: string): Step {
  return end({ state: "refused", code, why, next });
}

export function refusal({ code, why, next }: Obstacle): Step {
  return refuse(code, why, next);
}

export const conflictNext =
  "Resolve the conflicts (us = the target, them = your commits), `git add` the files, then `rebase_branch` with `continue`; `rebase_branch` with `abort` goes back. Then land again.";

/** What to do about an own rebase in progress, by how many files are in conflict still. */
export function rebaseNext(files: readonly unknown[]): string {
  return files.length > 0 ? conflictNext : allResolved;
}

const allResolved =
  "No file is in conflict any more: `rebase_branch` with `continue` goes on with the rebase, `rebase_branch` with `abort` goes back. Then land again.";

/** A commit as people read it. */
export function short(commit: string): string {
  return commit.slice(0, 12);
}

/** A step in one line, for a plan. */
export function describeStep(step: Step, branch: string, target: string): string {
  switch (step.do) {
    case "fetch":
      return `fetch ${target}`;
    case "rebase":
      return `rebase ${branch} onto ${target} (${short(step.onto)})`;
    case "push":
      return step.lease === undefined
        ? `push ${branch} as a new branch`
        : `push ${branch} over ${short(step.lease)}, if it is still that`;
    case "wait":
      return waitLines[step.on];
    case "request_landing":
      return "ask the forge to land exactly that head";
    case "verify":
      return `verify that the merge is in ${target} on the remote`;
    case "end":
      return step.ending.state;
  }
}

const waitLines: Readonly<Record<Awaited, string>> = {
  forge_head: "wait until the forge knows the pushed head",
  ci: "wait for CI on exactly that head",
  queue: "wait for the forge's queue",
};
