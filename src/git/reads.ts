import { simpleGit } from "simple-git";
import { LandError } from "../domain/errors.ts";
import { type GitPlace, gitEnvironment } from "./git.ts";

const deadlineMs = 60_000;

/**
 * The client's everyday reads of one repository, through simple-git.
 *
 * simple-git starts git itself and cannot be given a runner; it ends the child alone, not its
 * process group, and knows no total deadline. So it only does what starts nothing further and asks
 * nobody: reads of refs and history, in the runner's environment, with deadline and cancel as one
 * signal. Whatever may start hooks, helpers, filters or transports goes through `Git`.
 */
export class Reads {
  readonly #place: GitPlace;

  constructor(place: GitPlace) {
    this.#place = place;
  }

  /** The commit a full ref or hash stands for; undefined where there is none. */
  async commit(name: string, signal?: AbortSignal): Promise<string | undefined> {
    return (
      (await this.#read(["rev-parse", "--verify", "--quiet", `${name}^{commit}`], signal)) ||
      undefined
    );
  }

  /** The best common ancestor; undefined where the histories share nothing. */
  async mergeBase(a: string, b: string, signal?: AbortSignal): Promise<string | undefined> {
    return (await this.#read(["merge-base", a, b], signal)) || undefined;
  }

  /** The tree of a commit; undefined where there is no such commit. */
  async tree(commit: string): Promise<string | undefined> {
    const args = ["rev-parse", "--verify", "--quiet", `${commit}^{tree}`];
    return (await this.#read(args, undefined)) || undefined;
  }

  /** The latest merge on the first-parent line of `of` whose second parent is `head`. */
  async mergeOf(head: string, of: string): Promise<string | undefined> {
    const said = await this.#read(
      ["rev-list", "--first-parent", "--min-parents=2", "--parents", of, `^${head}`],
      undefined,
    );
    const lines = said.split("\n").map((line) => line.split(" "));
    return lines.find(([, , merged]) => merged === head)?.[0];
  }

  /** How many commits `to` has that `from` has not. */
  async count(from: string, to: string, signal?: AbortSignal): Promise<number> {
    return Number(await this.#read(["rev-list", "--count", `${from}..${to}`], signal));
  }

  /** Every commit a ref has stood on as far as its reflog reaches, newest first. */
  async formerTips(ref: string, signal?: AbortSignal): Promise<readonly string[]> {
    const said = await this.#read(
      ["log", "--walk-reflogs", "--max-count=1000", "--format=%H", ref, "--"],
      signal,
    );
    return [...new Set(said.split("\n").filter((line) => line !== ""))];
  }

  /** A ref's latest moves, newest first: where it got to, and what was said of it. */
  async moves(ref: string): Promise<readonly { readonly commit: string; readonly by: string }[]> {
    const args = ["log", "--walk-reflogs", "--max-count=100", "--format=%H %gs", ref, "--"];
    const said = await this.#read(args, undefined);
    return said
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => {
        const [commit = "", ...by] = line.split(" ");
        return { commit, by: by.join(" ") };
      });
  }

  async #read(args: string[], signal: AbortSignal | undefined): Promise<string> {
    const env = gitEnvironment(this.#place.env);
    const deadline = AbortSignal.timeout(deadlineMs);
    const client = simpleGit({
      baseDir: this.#place.dir,
      trimmed: true,
      abort: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
      allowEnvironment: Object.keys(env),
      unsafe: allowed,
    });
    try {
      return await client.env(env).raw(args);
    } catch (error) {
      throw readFailure(args[0] ?? "", error, { signal, deadline });
    }
  }
}

function readFailure(
  verb: string,
  error: unknown,
  ended: { readonly signal: AbortSignal | undefined; readonly deadline: AbortSignal },
): LandError {
  const cause = { cause: error };
  if (ended.signal?.aborted) return new LandError("cancelled", `git ${verb} was cancelled.`, cause);
  if (ended.deadline.aborted) {
    return new LandError("timed_out", `git ${verb} did not end in time and was stopped.`, cause);
  }
  const said = error instanceof Error ? error.message.trim() : String(error);
  return new LandError("git_failed", `git ${verb} failed: ${said.slice(0, 2000)}`, cause);
}

/**
 * simple-git refuses variables and settings that name programs. The environment here is the
 * runner's own, made in one place, and the arguments are fixed above.
 */
const allowed = {
  allowUnsafeAskPass: true,
  allowUnsafeConfigPaths: true,
  allowUnsafeEditor: true,
  allowUnsafeExec: true,
  allowUnsafeDiffExternal: true,
  allowUnsafePager: true,
  allowUnsafeGitProxy: true,
  allowUnsafeTemplateDir: true,
  allowUnsafeSshCommand: true,
};
