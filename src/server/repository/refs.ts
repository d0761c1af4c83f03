import type { Git } from "../../git/git.ts";

const headsPrefix = "refs/heads/";

/** The branches of a repository, as one look saw them. */
export interface BranchListing {
  /** Tip by short name. A tip may name an object that is missing or no commit. */
  readonly tips: ReadonlyMap<string, string>;
  /** Short names whose ref file holds no object name. */
  readonly damaged: ReadonlySet<string>;
  /** Names that are not UTF-8, as far as they can be shown. */
  readonly unreadable: readonly string[];
}

/** Lists all branches in one git process, which reads no object, so that no bad one can stop it. */
export async function listBranches(git: Git): Promise<BranchListing> {
  const answer = await git.run({
    args: ["for-each-ref", "--format=%(objectname)%00%(refname)%00%(symref)", headsPrefix],
    timeoutMs: 30_000,
  });
  return parseListing(answer.bytes, answer.stderr);
}

function parseListing(output: Uint8Array, warnings: string): BranchListing {
  const tips = new Map<string, string>();
  const unreadable: string[] = [];
  for (const line of lines(output)) {
    const [sha, ref, symref] = line.text.split("\0");
    // A symbolic ref is another name for something that is listed itself.
    if (sha === undefined || !ref?.startsWith(headsPrefix) || symref !== "") continue;
    const name = ref.slice(headsPrefix.length);
    if (line.exact) tips.set(name, sha);
    else unreadable.push(name);
  }
  return { tips, damaged: damagedNames(warnings), unreadable };
}

function* lines(output: Uint8Array): Generator<{ text: string; exact: boolean }> {
  const newline = 10;
  for (let start = 0; start < output.length; ) {
    const found = output.indexOf(newline, start);
    const end = found === -1 ? output.length : found;
    const bytes = output.subarray(start, end);
    const text = new TextDecoder().decode(bytes);
    yield { text, exact: Buffer.from(text).equals(bytes) };
    start = end + 1;
  }
}

function damagedNames(warnings: string): Set<string> {
  const names = new Set<string>();
  for (const [, name] of warnings.matchAll(/^warning: ignoring broken ref refs\/heads\/(.+)$/gm)) {
    if (name !== undefined) names.add(name);
  }
  return names;
}

/** The tips of some refs, by full name; those that do not exist are missing. */
export async function readRefs(
  git: Git,
  refs: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const answer = await git.run({
    args: ["for-each-ref", "--format=%(objectname)%00%(refname)", ...refs],
    timeoutMs: 30_000,
  });
  const tips = new Map<string, string>();
  for (const line of answer.stdout.split("\n")) {
    const [sha, ref] = line.split("\0");
    // A pattern also matches what lies below it, as a folder.
    if (sha !== undefined && ref !== undefined && refs.includes(ref)) tips.set(ref, sha);
  }
  return tips;
}

/** One change of a ref. Old values are compared; without one, any is fine. */
export type RefChange =
  | { readonly kind: "create"; readonly ref: string; readonly to: string }
  | { readonly kind: "set"; readonly ref: string; readonly to: string }
  | { readonly kind: "move"; readonly ref: string; readonly from: string; readonly to: string }
  | { readonly kind: "verify"; readonly ref: string; readonly at: string }
  | { readonly kind: "delete"; readonly ref: string; readonly from: string }
  | { readonly kind: "drop"; readonly ref: string };

/** Makes all changes in one ref transaction or, by throwing, none. */
export async function changeRefs(git: Git, changes: readonly RefChange[]): Promise<void> {
  const lines = changes.flatMap((change) => ["option no-deref", ...commandOf(change)]);
  await git.run({
    args: ["update-ref", "--stdin", "-z"],
    input: ["start", ...lines, "prepare", "commit", ""].join("\0"),
    timeoutMs: 30_000,
  });
}

/** The NUL-separated parts of one `update-ref --stdin -z` command. */
function commandOf(change: RefChange): readonly string[] {
  switch (change.kind) {
    case "create":
      return [`create ${change.ref}`, change.to];
    case "set":
      return [`update ${change.ref}`, change.to, ""];
    case "move":
      return [`update ${change.ref}`, change.to, change.from];
    case "verify":
      return [`verify ${change.ref}`, change.at];
    case "delete":
      return [`delete ${change.ref}`, change.from];
    case "drop":
      return [`delete ${change.ref}`, ""];
  }
}
