import { LandError } from "../domain/errors.ts";
import type { GitCall } from "./git.ts";
import { branchRef, remoteName, trackingRef } from "./refs.ts";

const networkTimeoutMs = 10 * 60_000;

/** Fetches one branch into its remote-tracking ref and touches nothing else. */
export function fetchCall(remote: string, branch: string): GitCall {
  return {
    args: [
      "fetch",
      "--quiet",
      "--no-tags",
      "--no-recurse-submodules",
      "--no-auto-maintenance",
      "--no-write-fetch-head",
      "--refmap=",
      remoteName(remote),
      `+${branchRef(branch)}:${trackingRef(remote, branch)}`,
    ],
    timeoutMs: networkTimeoutMs,
  };
}

export function remoteTipCall(remote: string, branch: string): GitCall {
  return {
    args: ["ls-remote", "--refs", remoteName(remote), branchRef(branch)],
    timeoutMs: networkTimeoutMs,
  };
}

/** The tip of exactly this branch. ls-remote also lists refs that merely end in its name. */
export function parseRemoteTip(output: string, branch: string): string | undefined {
  const ref = branchRef(branch);
  for (const line of output.split("\n")) {
    const [tip, name] = line.split("\t");
    if (name === ref) return tip;
  }
  return undefined;
}

/** Whether a fetch failed only because the remote has no such branch. */
export function isMissingRemoteBranch(error: unknown): boolean {
  return /couldn't find remote ref/i.test(stderrOf(error));
}

/** Whether a fetch failed because another git was moving the same tracking ref. */
export function isLockedRef(error: unknown): boolean {
  return /cannot lock ref|unable to update local ref|Unable to create '.*\.lock'/i.test(
    stderrOf(error),
  );
}

/** Names a failed talk with a remote: unreachable, not allowed, or git's own failure. */
export function remoteFailure(error: unknown, remote: string): unknown {
  if (!(error instanceof LandError) || error.code !== "git_failed") return error;
  const said = stderrOf(error);
  const setting = settingInTheWay(said);
  if (setting !== undefined) {
    return new LandError(
      "push_rejected",
      `A git setting keeps git from ${remote}: ${setting.what}.`,
      {
        state: `${error.message} Nothing was changed there.`,
        next: setting.next,
        cause: error,
      },
    );
  }
  if (noRemote.test(said)) {
    return new LandError("no_forge", `There is no usable git remote ${JSON.stringify(remote)}.`, {
      state: error.message,
      next: "See `git remote -v`; `land init` adds the local forge's remote.",
      cause: error,
    });
  }
  if (denied.test(said)) {
    return new LandError("unauthorized", `The remote ${remote} did not accept our login.`, {
      state: error.message,
      next: "Log in for git as this user (key or credential helper), then ask again.",
      cause: error,
    });
  }
  if (!unreachable.test(said)) return error;
  return new LandError("forge_unreachable", `The remote ${remote} cannot be reached.`, {
    state: error.message,
    next: "Nothing was changed there. Ask again once it answers.",
    cause: error,
  });
}

/** A setting of the person's own that the remote, or git itself, cannot go on with. */
function settingInTheWay(said: string): { what: string; next: string } | undefined {
  if (/receiving end does not support --signed push/i.test(said)) {
    return {
      what: "push.gpgSign asks for signed pushes, which it does not take",
      next: "Set it to sign only where that is possible (`git config push.gpgSign if-asked`), then ask again.",
    };
  }
  const transport = /transport '([^']+)' not allowed/i.exec(said)?.[1];
  if (transport === undefined) return undefined;
  return {
    what: `protocol.${transport}.allow or GIT_ALLOW_PROTOCOL forbids the transport \`${transport}\``,
    next: `Allow it in this repository (\`git config protocol.${transport}.allow always\`), or put \`${transport}\` into GIT_ALLOW_PROTOCOL, then ask again.`,
  };
}

export function stderrOf(error: unknown): string {
  const said = error instanceof LandError ? error.facts.stderr : undefined;
  return typeof said === "string" ? said : "";
}

const noRemote = /does not appear to be a git repository|No such remote|No configured push/i;
const denied =
  /Authentication failed|could not read (Username|Password)|Permission denied|terminal prompts disabled|returned error: 40[13]/i;
const unreachable =
  /Could not read from remote repository|unable to access|Could not resolve|Connection (refused|timed out|reset)|early EOF|hung up unexpectedly|returned error: 5\d\d/i;
