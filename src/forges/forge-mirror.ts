/** A repository elsewhere that a forge pushes to, as the forge's owner sees it. */
export interface MirrorState {
  /** Undefined: the forge has none. */
  readonly remote: string | undefined;
  /** `disabled` (only by hand), `idle`, `active` or `error`. */
  readonly state: string;
  /** Refs that it lacks or has elsewhere; undefined where that is not known. */
  readonly lagging: number | undefined;
  /** The first few of them. */
  readonly laggingRefs: readonly string[];
  readonly lastSuccessAt: string | undefined;
  readonly failures: number;
  /** Why the last attempt failed; undefined where it did not. */
  readonly problem: { readonly kind: string; readonly words: string } | undefined;
  /** The last few attempts, newest first. */
  readonly history: readonly MirrorAttempt[];
}

/** One push. */
export interface MirrorAttempt {
  readonly startedAt: string;
  readonly finishedAt: string;
  /** `background`, `post-mutation` or `manual`. */
  readonly trigger: string;
  /** `success`, or the kind of its failure. */
  readonly end: string;
  readonly lagging: number | undefined;
}

/** The owner's. A part of the port. */
export interface ForgeMirror {
  status(signal?: AbortSignal): Promise<MirrorState>;
  /** Pushes now and waits for the end, which is an answer also where it failed. */
  sync(signal?: AbortSignal): Promise<"success" | "failed">;
}
