/** The tracked files of a repository at one commit, as far as detection reads them. */
export interface Listing {
  /** Every tracked path, with `/` between folders. */
  readonly paths: readonly string[];
  /** Text of a file; undefined where it is missing, too big or not text. */
  read(path: string): string | undefined;
}

/** A lane that could be offered: something the repository already runs. */
export interface Candidate {
  /** What it is for, such as `test`. */
  readonly task: string;
  /** Who runs it: `npm`, `make`, `cargo`… */
  readonly tool: string;
  /** Folder it belongs to; empty for the repository's own. */
  readonly folder: string;
  readonly title: string;
  readonly entrypoint: string;
  readonly command: readonly string[];
  /** Globs of paths it is chosen for; empty = always. */
  readonly paths: readonly string[];
  /** What it runs in turn, to tell when it already covers another candidate. */
  readonly body: string;
  /** How other candidates' bodies would call it. */
  readonly calledAs: RegExp;
}

/** A lane as it stands in the offered manifest. */
export interface OfferedLane {
  readonly id: string;
  readonly title: string;
  readonly entrypoint: string;
  readonly command: readonly string[];
  readonly paths: readonly string[];
}

/** The tasks whose scripts and targets become lanes, in the order they are offered. */
export const tasks = ["lint", "typecheck", "types", "check", "build", "test"] as const;

/** Names a path as one word of a POSIX shell. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A glob for everything below a folder; the folder's own name is taken literally. */
export function below(folder: string): string {
  return `${literalGlob(folder)}/**`;
}

/** A path as a glob that matches it alone. */
export function literalGlob(path: string): string {
  return path.replaceAll(/[\\*?[\]{}()!]/g, "\\$&");
}

/** A name as literal text of a regular expression. */
export function literalPattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\-]/g, "\\$&");
}

/** The folder a path is in; empty at the top. */
export function folderOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash === -1 ? "" : path.slice(0, slash);
}

/** A path inside a folder. */
export function inside(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}
