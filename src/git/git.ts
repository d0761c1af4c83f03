import { LandError } from "../domain/errors.ts";
import { type Finished, run } from "../process/run.ts";

/** A git call as data: its arguments, what it reads, and which exit codes are answers. */
export interface GitCall {
  readonly args: readonly string[];
  readonly input?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Exit codes that are an answer rather than a failure. Default: 0 alone. */
  readonly answers?: readonly number[];
  readonly timeoutMs?: number;
}

export interface GitAnswer {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** For output that need not be UTF-8. */
  readonly bytes: Uint8Array;
}

/** Where and as whom git runs. */
export interface GitPlace {
  /** A work tree or a bare repository. */
  readonly dir: string;
  /** Set for a bare repository, so that git never looks for one around it. */
  readonly bare?: boolean;
  /** The environment to start from; git's own variables in it are dropped. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

const defaultTimeoutMs = 120_000;

/** Variables that would point git at another repository; hooks export them. */
const localVariables = new Set([
  "GIT_ALTERNATE_OBJECT_DIRECTORIES",
  "GIT_CONFIG",
  "GIT_CONFIG_PARAMETERS",
  "GIT_CONFIG_COUNT",
  "GIT_OBJECT_DIRECTORY",
  "GIT_DIR",
  "GIT_WORK_TREE",
  "GIT_IMPLICIT_WORK_TREE",
  "GIT_GRAFT_FILE",
  "GIT_INDEX_FILE",
  "GIT_NO_REPLACE_OBJECTS",
  "GIT_REPLACE_REF_BASE",
  "GIT_PREFIX",
  "GIT_SHALLOW_FILE",
  "GIT_COMMON_DIR",
  "GIT_INTERNAL_SUPER_PREFIX",
  "GIT_NAMESPACE",
  "GIT_QUARANTINE_PATH",
]);

/** Dropped besides: what would let gpg ask on the terminal that somebody else is using. */
const dropped = new Set([...localVariables, "GPG_TTY"]);

/** The environment every git call gets: no prompt, no editor, no pager, plain English. */
export function gitEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const clean: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !dropped.has(name)) clean[name] = value;
  }
  // GIT_SSH_COMMAND would win over a person's own GIT_SSH; without a terminal that cannot ask either.
  const ssh = env.GIT_SSH === undefined ? { GIT_SSH_COMMAND: "ssh -o BatchMode=yes" } : {};
  return {
    ...ssh,
    ...clean,
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "",
    SSH_ASKPASS: "",
    SSH_ASKPASS_REQUIRE: "never",
    GCM_INTERACTIVE: "never",
    GIT_EDITOR: ":",
    GIT_SEQUENCE_EDITOR: ":",
    GIT_PAGER: "cat",
    GIT_OPTIONAL_LOCKS: "0",
    LC_ALL: "C.UTF-8",
  };
}

/** The one runner of git. */
export class Git {
  readonly place: GitPlace;

  constructor(place: GitPlace) {
    this.place = place;
  }

  /**
   * Runs one call. Throws `git_failed` (or `timed_out`, `cancelled`) with git's own words where
   * the exit code is not among the call's answers.
   */
  async run(call: GitCall, signal?: AbortSignal): Promise<GitAnswer> {
    const where = this.place.bare === true ? [`--git-dir=${this.place.dir}`] : [];
    const finished = await run("git", [...where, ...call.args], {
      cwd: this.place.dir,
      env: { ...gitEnvironment(this.place.env), ...call.env },
      timeoutMs: call.timeoutMs ?? defaultTimeoutMs,
      signal,
      input: call.input,
    });
    if (finished.exitCode === undefined || !(call.answers ?? [0]).includes(finished.exitCode)) {
      throw gitFailure(call, finished);
    }
    return {
      exitCode: finished.exitCode,
      stdout: new TextDecoder().decode(finished.stdout),
      stderr: finished.stderr,
      bytes: finished.stdout,
    };
  }

  /** The trimmed standard output of a call. */
  async text(args: readonly string[], signal?: AbortSignal): Promise<string> {
    return (await this.run({ args }, signal)).stdout.trim();
  }
}

function gitFailure(call: GitCall, finished: Finished): LandError {
  const verb = verbOf(call.args);
  if (finished.cancelled) return new LandError("cancelled", `git ${verb} was cancelled.`);
  if (finished.timedOut) {
    return new LandError("timed_out", `git ${verb} did not end in time and was stopped.`, {
      next: "Try again; if it hangs again, run the same git command by hand to see why.",
    });
  }
  if (finished.notStarted !== undefined) {
    return new LandError("git_failed", `git ${verb} could not be started: ${finished.notStarted}`, {
      next: "See that git is in PATH, and that the folder it is to work in is there.",
    });
  }
  const said = finished.stderr.trim() || new TextDecoder().decode(finished.stdout).trim();
  const words = withoutLogins(said).slice(0, 2000);
  return new LandError(
    "git_failed",
    `git ${verb} failed${finished.exitCode === undefined ? "" : ` with exit code ${finished.exitCode}`}: ${words || "it said nothing"}`,
    {
      facts: {
        exitCode: finished.exitCode,
        stderr: withoutLogins(finished.stderr).slice(0, 8000),
        ...(finished.stdout.length === 0
          ? {}
          : { stdout: withoutLogins(new TextDecoder().decode(finished.stdout)).slice(0, 8000) }),
      },
    },
  );
}

/** The git command among its arguments: what follows `-c` is a setting. */
function verbOf(args: readonly string[]): string {
  return args.find((arg, at) => !arg.startsWith("-") && args[at - 1] !== "-c") ?? "git";
}

/** Git names remotes by their URL, which may hold a login. */
function withoutLogins(text: string): string {
  return text.replace(/(:\/\/)[^/@\s]+@/g, "$1***@");
}
