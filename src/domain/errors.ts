/** The codes an agent or program may decide on. The words beside them are for reading. */
export const errorCodes = [
  "bad_argument",
  "not_a_repository",
  "no_forge",
  "forge_unreachable",
  "forge_error",
  "unauthorized",
  "forbidden",
  "not_found",
  "detached_head",
  "uncommitted_changes",
  "operation_in_progress",
  "on_target",
  "unsupported_repository",
  "unrelated_histories",
  "branch_not_open",
  "branch_gone",
  "head_moved",
  "head_required",
  "target_moved",
  "target_moved_outside",
  "mirror_diverged",
  "ci_not_green",
  "ci_changed",
  "merge_conflict",
  "wrong_target",
  "force_refused",
  "push_rejected",
  "remote_moved",
  "git_failed",
  "storage_failed",
  "timed_out",
  "cancelled",
  "unsupported",
  "internal",
] as const;
export type ErrorCode = (typeof errorCodes)[number];

/**
 * An error that is told to an agent or a person: what happened (`message`), what state things are
 * in (`state`) and what to do next (`next`). Never holds a secret.
 */
export class LandError extends Error {
  readonly code: ErrorCode;
  readonly state: string | undefined;
  readonly next: string | undefined;
  /** Further facts for programs, such as the files of a conflict. */
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    more: {
      state?: string | undefined;
      next?: string | undefined;
      facts?: Record<string, unknown>;
      cause?: unknown;
    } = {},
  ) {
    super(message, { cause: more.cause });
    this.name = "LandError";
    this.code = code;
    this.state = more.state;
    this.next = more.next;
    this.facts = more.facts ?? {};
  }
}

/** Whether a value is a LandError, optionally of one code. */
export function isLandError(value: unknown, code?: ErrorCode): value is LandError {
  return value instanceof LandError && (code === undefined || value.code === code);
}

const landingRefusals: readonly ErrorCode[] = [
  "branch_not_open",
  "branch_gone",
  "head_moved",
  "head_required",
  "target_moved",
  "target_moved_outside",
  "mirror_diverged",
  "ci_not_green",
  "ci_changed",
  "merge_conflict",
  "force_refused",
  "unrelated_histories",
  "forbidden",
];

/** Whether a forge's answer to a landing request is a decision, and not a failure to ask. */
export function isLandingRefusal(value: unknown): value is LandError {
  return value instanceof LandError && landingRefusals.includes(value.code);
}
