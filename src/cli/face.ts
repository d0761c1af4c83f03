import type { NamedForge } from "../operations/open-worktree.ts";
import type { Ending } from "./exit-codes.ts";
import type { Progress } from "./progress.ts";
import type { Terminal } from "./terminal.ts";

/** What a command answers: facts for programs, the same facts as text, and how it ended. */
export interface Answer {
  readonly facts: unknown;
  readonly text: string;
  readonly ending: Ending;
  /** True where the text holds others' words, such as a log, that are not to be changed. */
  readonly verbatim?: boolean;
}

/** The options every command takes. */
export interface CommonOptions {
  readonly json: boolean;
  /** A path in the work tree to speak of; undefined: the current folder. */
  readonly worktree: string | undefined;
  /** A hosted forge that is named, and where the reference client keeps its session. */
  readonly named: NamedForge;
  /** How often a wait looks at least, in seconds; default: its own. */
  readonly pollSeconds: number | undefined;
}

/** What a command lends to its action. */
export interface Call {
  readonly options: CommonOptions;
  readonly terminal: Terminal;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Runs a command's action: shows progress, prints its answer or error, keeps its ending. */
export type Face = (action: (call: Call) => Promise<Answer>) => Promise<void>;

/** An answer that went well. */
export function done(facts: unknown, text: string): Answer {
  return { facts, text, ending: "ok" };
}
