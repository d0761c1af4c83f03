import type { Git } from "../../git/git.ts";

/**
 * The paths that differ between two commits, renames with both names. `base` null (no shared
 * history) means every path of `head`. Throws what git throws.
 */
export async function changedPaths(
  git: Git,
  base: string | null,
  head: string,
): Promise<readonly string[]> {
  if (base === null) {
    const tree = await git.run({ args: ["ls-tree", "-r", "-z", "--name-only", head] });
    return tree.stdout.split("\0").filter((path) => path !== "");
  }
  // Plumbing, which nobody's settings change; and a `.gitmodules` may ask to pass over submodules.
  const diff = ["diff-tree", "-r", "-z", "--name-status", "-M", "--ignore-submodules=none"];
  return parseNameStatus((await git.run({ args: [...diff, base, head, "--"] })).stdout);
}

/** Reads `--name-status -z`: a status, then one path, or two for a rename or a copy. */
export function parseNameStatus(output: string): readonly string[] {
  const fields = output.split("\0");
  const paths: string[] = [];
  for (let at = 0; at < fields.length; ) {
    const status = fields[at++];
    if (status === undefined || status === "") break;
    const names = /^[RC]/.test(status) ? 2 : 1;
    paths.push(...fields.slice(at, at + names));
    at += names;
  }
  return paths;
}
