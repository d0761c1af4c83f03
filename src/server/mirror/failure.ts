/**
 * Why an attempt failed: the settings or the address are wrong, the login was not taken, it took
 * too long, another one runs, the mirror would not take a ref, the forge stopped in order or was
 * killed meanwhile, or something that may pass by itself.
 */
export type MirrorFailureKind =
  | "config"
  | "auth"
  | "timeout"
  | "busy"
  | "rejected"
  | "cancelled"
  | "lost"
  | "diverged"
  | "transient";

/** A failure that this forge found, rather than git. */
export class MirrorFailure extends Error {
  readonly kind: MirrorFailureKind;

  constructor(kind: MirrorFailureKind, words: string) {
    super(words);
    this.kind = kind;
  }
}

/** What is known of a failure: our own code, and git's own words. */
export interface MirrorFailureFacts {
  readonly code: string;
  readonly said: string;
}

const auth =
  /Authentication failed|could not read (Username|Password)|terminal prompts disabled|Permission denied|Host key verification failed|not authorized|Access denied|returned error: 40[137]/i;
const config =
  /does not appear to be a git repository|repository .*not found|Repository not found|No such remote|transport '[^']*' not allowed|not a valid (URL|remote)|returned error: (404|410|30\d)|SSL certificate problem|dubious ownership|unable to find remote helper|no DAV locking support|URL using bad\/illegal format|Could not resolve host/i;
const rejected =
  /\[(remote )?rejected\]|non-fast-forward|stale info|pre-receive hook declined|protected branch/i;

/** The one place that tells kinds of failure apart. Git has no codes for them, only words. Pure. */
export function failureKindOf({ code, said }: MirrorFailureFacts): MirrorFailureKind {
  if (code === "timed_out") return "timeout";
  if (code === "cancelled") return "cancelled";
  if (auth.test(said)) return "auth";
  if (config.test(said)) return "config";
  if (rejected.test(said)) return "rejected";
  return "transient";
}

const passing: ReadonlySet<string> = new Set(["transient", "busy", "cancelled", "lost"]);

/** Those that stay until somebody acts. */
export function needsSomebody(kind: string | null): boolean {
  return kind !== null && !passing.has(kind);
}
