import { LandError } from "../domain/errors.ts";
import type { GitCall } from "./git.ts";
import { branchRef, commitName, remoteName } from "./refs.ts";
import { stderrOf } from "./remote.ts";

export interface PushRequest {
  readonly remote: string;
  readonly branch: string;
  readonly head: string;
  /** What the remote had when last seen; undefined: it must not have the branch. */
  readonly lease: string | undefined;
}

/** One ref of `git push --porcelain`. */
export interface PushedRef {
  /** ` ` fast-forward, `+` forced, `*` new, `=` already there, `!` refused. */
  readonly flag: string;
  readonly to: string;
  readonly summary: string;
}

/** A push by full names, under a lease on one value, of one commit to one branch. */
export function pushCall(request: PushRequest): GitCall {
  const ref = branchRef(request.branch);
  const lease = request.lease === undefined ? "" : commitName(request.lease);
  return {
    args: [
      "push",
      "--porcelain",
      "--no-follow-tags",
      `--force-with-lease=${ref}:${lease}`,
      remoteName(request.remote),
      `${commitName(request.head)}:${ref}`,
    ],
    timeoutMs: 10 * 60_000,
  };
}

/** Reads `git push --porcelain`: a line each, `flag TAB from:to TAB summary`. */
export function parsePush(output: string): readonly PushedRef[] {
  return output.split("\n").flatMap((line) => {
    const [flag, refs, summary] = line.split("\t");
    if (flag?.length !== 1 || refs === undefined) return [];
    return [{ flag, to: refs.slice(refs.indexOf(":") + 1), summary: summary ?? "" }];
  });
}

/** Names a failed push: moved under us, refused there, or stopped by a hook here. */
export function pushFailure(error: unknown, request: PushRequest): unknown {
  if (!(error instanceof LandError) || error.code !== "git_failed") return error;
  const ref = branchRef(request.branch);
  const said = typeof error.facts.stdout === "string" ? error.facts.stdout : "";
  const refused = parsePush(said).find((pushed) => pushed.to === ref && pushed.flag === "!");
  if (refused === undefined) return error.facts.exitCode === 1 ? stoppedHere(error) : error;
  const taken = nameTakenBy(refused.summary, error);
  if (taken !== undefined) return nameTaken(error, request, taken);
  if (isMoved(refused.summary) || lostTheRace(refused.summary, error)) {
    return movedError(error, request);
  }
  return new LandError(
    "push_rejected",
    `${request.remote} refused the push of ${request.branch}: ${refused.summary}`,
    {
      state: remoteWords(stderrOf(error)) ?? "The branch there is unchanged.",
      next: "Do what it says, then push again.",
      cause: error,
    },
  );
}

const movedThere =
  /stale info|fetch first|non-fast-forward|cannot lock ref|incorrect old value|already exists|remote ref updated since checkout/i;

/** A remote that itself says non-fast-forward takes no rewritten branches at all. */
function isMoved(summary: string): boolean {
  return movedThere.test(summary) && !/^\[remote rejected\].*non-fast-forward/i.test(summary);
}

/** The branch there whose name is a folder of this one's or the other way round, if that is why. */
function nameTakenBy(summary: string, error: LandError): string | undefined {
  const said = `${summary}\n${stderrOf(error)}`;
  return /'refs\/heads\/([^']+)' exists; cannot create/.exec(said)?.[1];
}

function nameTaken(error: LandError, request: PushRequest, taken: string): LandError {
  return new LandError(
    "push_rejected",
    `${request.remote} has a branch ${taken}, so it can have none named ${request.branch}: git keeps the one as a file where the other needs a folder.`,
    {
      state: "Nothing was pushed.",
      next: "Rename yours (`git branch -m NEW-NAME`) and ask again, or wait until the other one landed or was closed.",
      cause: error,
    },
  );
}

/** Two pushes at once: the ref changed between the remote's look at it and its write. */
function lostTheRace(summary: string, error: LandError): boolean {
  return summary.includes("failed to update ref") && /cannot lock ref/.test(stderrOf(error));
}

function movedError(error: LandError, request: PushRequest): LandError {
  return new LandError(
    "remote_moved",
    `${request.branch} on ${request.remote} is not where it was last seen; somebody else moved it.`,
    {
      state: "Nothing was pushed; the branch there is untouched.",
      next: `Look at it (\`git fetch ${request.remote}\`), take its commits into your branch, and ask again.`,
      cause: error,
    },
  );
}

/** git push exits with 1 and tells of no ref when a pre-push hook said no. */
function stoppedHere(error: LandError): LandError {
  return new LandError(
    "push_rejected",
    `The push was stopped on this side, most likely by your pre-push hook: ${tail(stderrOf(error))}`,
    {
      state: "Nothing was pushed.",
      next: "Put right what the hook complains about and ask again; hooks are never bypassed.",
      cause: error,
    },
  );
}

/** What the remote itself said, without git's prefix. */
export function remoteWords(stderr: string): string | undefined {
  const lines = stderr
    .split("\n")
    .filter((line) => line.startsWith("remote:"))
    .map((line) => line.slice("remote:".length).trim())
    .filter((line) => line !== "");
  return lines.length === 0 ? undefined : tail(lines.join("\n"));
}

function tail(text: string): string {
  return text.trim().slice(-1500) || "it said nothing";
}
