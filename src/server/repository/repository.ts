/** The canonical repository, as the rest of the server sees it. */
export interface CanonicalRepository {
  /** Makes or mends repository, settings and hooks; finishes or drops journalled moves. */
  open(): Promise<void>;
  /**
   * Brings the store in line with the refs: new, moved, deleted, re-pushed branches; a target that
   * moved outside. One bad branch never stops the others. Runs one at a time; calls that arrive
   * meanwhile share one further pass.
   */
  ingest(): Promise<void>;
  /** Throws RefusedError. Idempotent for a merge that was cut off. */
  merge(request: MergeRequest): Promise<{ mergeCommit: string }>;
  close(request: CloseRequest): Promise<void>;
  /** The owner's way out of a target moved by hand. Returns the target's sha. */
  settleTarget(action: "accept" | "restore", by: string): Promise<string>;
  /**
   * Takes over what people merged at the mirror: moves the target from one commit to a descendant
   * of it whose objects are here, untested. False where the target is elsewhere by now.
   */
  importTarget(move: { from: string; to: string }): Promise<boolean>;
  /** Why landing stands still for everybody, or null. */
  frozen(): string | null;
}

export interface MergeRequest {
  readonly branchId: number;
  /** Undefined: the stored head, which must then equal the ref. */
  readonly head: string | undefined;
  /** Granted by the caller's rights before this is called. */
  readonly force: { readonly reason: string } | undefined;
  readonly by: string;
}

export interface CloseRequest {
  readonly branchId: number;
  readonly head: string | undefined;
  readonly reason: string | undefined;
  readonly by: string;
}
