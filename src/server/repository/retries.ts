interface Attempt {
  readonly head: string;
  readonly target: string | undefined;
  readonly attempts: number;
  /** Milliseconds, when it was made. */
  readonly at: number;
  /** Milliseconds; Infinity where only another target can help. */
  readonly notBefore: number;
}

const firstDelayMs = 1000;
const longestDelayMs = 60_000;

/** When a branch that could not be taken in is worth another look. Forgotten at a restart. */
export class Retries {
  readonly #byBranch = new Map<number, Attempt>();

  isDue(branchId: number, head: string, target: string | undefined, now: Date): boolean {
    const last = this.#byBranch.get(branchId);
    if (last === undefined || last.head !== head || last.target !== target) return true;
    // A clock that was set back must not keep the branch waiting until it has caught up.
    return now.getTime() >= last.notBefore || now.getTime() < last.at;
  }

  /** `lasting`: the same look gives the same answer until the target changes. */
  failed(
    branchId: number,
    look: { head: string; target: string | undefined; lasting: boolean; now: Date },
  ): void {
    const last = this.#byBranch.get(branchId);
    const attempts = last?.head === look.head ? last.attempts + 1 : 1;
    const delay = Math.min(firstDelayMs * 2 ** (attempts - 1), longestDelayMs);
    this.#byBranch.set(branchId, {
      head: look.head,
      target: look.target,
      attempts,
      at: look.now.getTime(),
      notBefore: look.lasting ? Number.POSITIVE_INFINITY : look.now.getTime() + delay,
    });
  }

  forget(branchId: number): void {
    this.#byBranch.delete(branchId);
  }
}
