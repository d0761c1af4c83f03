import type { ErrorCode } from "../domain/errors.ts";

/** How a command can end, each with its exit code. The one table; docs/cli.md is made of it. */
export const exitCodes = {
  ok: { code: 0, meaning: "Done: landed, merged, green, or whatever the command was asked for." },
  error: { code: 1, meaning: "Something failed; the message says what, and what to do next." },
  usage: { code: 2, meaning: "The command line is wrong." },
  waiting: {
    code: 3,
    meaning: "Time is up and nothing is decided yet; run the same command again.",
  },
  conflict: { code: 4, meaning: "Conflict: solve the named files, then continue or abort." },
  ci_failed: { code: 5, meaning: "CI failed for exactly this head." },
  refused: {
    code: 6,
    meaning: "Refused by a guard or by the forge; the answer says what would help.",
  },
  over: { code: 7, meaning: "The branch was closed, or its head was superseded by a newer one." },
  no_forge: { code: 8, meaning: "No repository here, or no forge for it." },
  unreachable: { code: 9, meaning: "The forge could not be reached." },
  interrupted: { code: 130, meaning: "Interrupted (Ctrl-C); what was done stays done." },
  terminated: { code: 143, meaning: "Ended by SIGTERM; what was done stays done." },
} as const;
export type Ending = keyof typeof exitCodes;

const endingsOfErrors: Partial<Record<ErrorCode, Ending>> = {
  bad_argument: "usage",
  not_a_repository: "no_forge",
  no_forge: "no_forge",
  forge_unreachable: "unreachable",
  cancelled: "interrupted",
  merge_conflict: "conflict",
  ci_not_green: "refused",
  ci_changed: "refused",
  forbidden: "refused",
  force_refused: "refused",
  detached_head: "refused",
  uncommitted_changes: "refused",
  operation_in_progress: "refused",
  on_target: "refused",
  wrong_target: "refused",
  unsupported_repository: "refused",
  unrelated_histories: "refused",
  target_moved: "refused",
  target_moved_outside: "refused",
  mirror_diverged: "refused",
  head_moved: "refused",
  head_required: "refused",
  remote_moved: "refused",
  push_rejected: "refused",
  branch_not_open: "over",
  branch_gone: "over",
};

/** The ending that an error means. */
export function endingOfError(code: ErrorCode): Ending {
  return endingsOfErrors[code] ?? "error";
}

/** States of an answer that are not success, for the commands whose answers have them. */
const endingsOfStates: Readonly<Record<string, Readonly<Record<string, Ending>>>> = {
  land: {
    waiting: "waiting",
    conflict: "conflict",
    ci_failed: "ci_failed",
    refused: "refused",
    closed: "over",
  },
  wait: { failed: "ci_failed", waiting: "waiting", none: "waiting", superseded: "over" },
  rebase: { conflict: "conflict" },
  merge: { refused: "refused" },
  target: { moved_outside: "refused" },
};

/** The ending that a command's answer means. */
export function endingOfAnswer(command: string, answer: unknown): Ending {
  const state =
    typeof answer === "object" && answer !== null
      ? (answer as { state?: unknown }).state
      : undefined;
  return (typeof state === "string" ? endingsOfStates[command]?.[state] : undefined) ?? "ok";
}
