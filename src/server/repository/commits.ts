import type { Git } from "../../git/git.ts";

/** Columns of a subject line that are kept as a branch's title. */
const titleColumns = 300;

/** Subjects of commits, by sha, in one process; what is missing or no commit is left out. */
export async function subjectsOf(
  git: Git,
  shas: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const answer = await git.run({
    args: [
      "rev-list",
      "--no-walk=unsorted",
      "--ignore-missing",
      "--no-commit-header",
      `--format=%H%x00%<(${titleColumns},trunc)%s`,
      "--stdin",
    ],
    input: shas.map((sha) => `${sha}\n`).join(""),
    timeoutMs: 30_000,
  });
  const subjects = new Map<string, string>();
  for (const line of answer.stdout.split("\n")) {
    const [sha, subject] = line.split("\0");
    if (sha !== undefined && subject !== undefined) subjects.set(sha, subject.trim());
  }
  return subjects;
}

/** The best common ancestor, or null where the two share no history. */
export async function mergeBaseOf(git: Git, one: string, other: string): Promise<string | null> {
  const answer = await git.run({
    args: ["merge-base", one, other],
    answers: [0, 1],
    timeoutMs: 60_000,
  });
  return answer.exitCode === 0 ? answer.stdout.trim() : null;
}

/** False also where one of the two is not in the repository at all. */
export async function isAncestor(git: Git, ancestor: string, of: string): Promise<boolean> {
  const answer = await git.run({
    args: ["merge-base", "--is-ancestor", ancestor, of],
    answers: [0, 1, 128],
    timeoutMs: 60_000,
  });
  return answer.exitCode === 0;
}

export type MergedTree =
  | { readonly clean: true; readonly tree: string }
  | { readonly clean: false; readonly files: readonly string[] };

/** Merges two commits without a work tree. */
export async function mergeTrees(git: Git, ours: string, theirs: string): Promise<MergedTree> {
  const answer = await git.run({
    args: ["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", ours, theirs],
    answers: [0, 1],
    timeoutMs: 60_000,
  });
  const [tree = "", ...files] = answer.stdout.split("\0").filter((part) => part !== "");
  return answer.exitCode === 0 ? { clean: true, tree } : { clean: false, files };
}

/** Writes a commit, unsigned whatever the user's settings say, and answers its sha. */
export async function writeCommit(
  git: Git,
  commit: {
    readonly tree: string;
    readonly parents: readonly string[];
    readonly message: string;
    readonly at: Date;
  },
): Promise<string> {
  const date = `@${Math.floor(commit.at.getTime() / 1000)} +0000`;
  const answer = await git.run({
    args: [
      ...["-c", "commit.gpgsign=false", "-c", "i18n.commitEncoding=UTF-8"],
      ...["commit-tree", commit.tree],
      ...commit.parents.flatMap((parent) => ["-p", parent]),
    ],
    input: commit.message,
    env: { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date },
    timeoutMs: 30_000,
  });
  return answer.stdout.trim();
}
