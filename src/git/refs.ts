import { LandError } from "../domain/errors.ts";

/** What git-check-ref-format refuses anywhere in a name. */
const forbidden = /[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|\.$|^\/|\/$/;

/**
 * Whether git takes this as a branch's short name. Hostile but legal names pass: leading dashes,
 * quotes, `;`, non-ASCII. Anything that could end or extend a refspec does not.
 */
export function isBranchName(name: string): boolean {
  if (name === "" || name === "@" || forbidden.test(name)) return false;
  return name.split("/").every((part) => !part.startsWith(".") && !part.endsWith(".lock"));
}

/** The full ref of a branch. Throws `bad_argument` for what git would not take as a name. */
export function branchRef(name: string): string {
  if (!isBranchName(name)) {
    throw new LandError(
      "bad_argument",
      `${JSON.stringify(name)} is not a branch name git accepts.`,
      { state: "Nothing was changed.", next: "Name a branch as `git branch` lists it." },
    );
  }
  return `refs/heads/${name}`;
}

/** The short name of a full branch ref; undefined for any other ref. */
export function shortBranch(ref: string): string | undefined {
  return ref.startsWith("refs/heads/") ? ref.slice("refs/heads/".length) : undefined;
}

/** The remote's name, if it can be passed to git as one. */
export function remoteName(name: string): string {
  if (name.startsWith("-") || !isBranchName(name)) {
    throw new LandError("bad_argument", `${JSON.stringify(name)} is not the name of a git remote.`);
  }
  return name;
}

/** Where a remote's branch is kept here once it has been fetched. */
export function trackingRef(remote: string, branch: string): string {
  return branchRef(branch).replace("refs/heads/", `refs/remotes/${remoteName(remote)}/`);
}

/** A commit named by its full hash or full ref, so that no option or expression gets through. */
export function commitName(name: string): string {
  const isRef = name.startsWith("refs/") && isBranchName(name);
  if (!isRef && !/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(name)) {
    throw new LandError("bad_argument", `${JSON.stringify(name)} does not name a commit in full.`);
  }
  return name;
}
