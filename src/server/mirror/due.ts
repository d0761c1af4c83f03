export interface DueFacts {
  /** 0: by hand alone. */
  readonly intervalSeconds: number;
  /** When the last attempt of any kind ended, in milliseconds since 1970; null: none yet. */
  readonly lastFinishedAt: number | null;
  /** Failures in a row, up to now. */
  readonly failures: number;
  /** A merge or close asked for it. */
  readonly requested: boolean;
}

const firstBackoffMs = 10_000;
const longestBackoffMs = 30 * 60_000;

/** How long to leave a mirror alone after so many failures in a row. */
export function backoffMs(failures: number): number {
  if (failures === 0) return 0;
  return Math.min(firstBackoffMs * 2 ** Math.min(failures - 1, 20), longestBackoffMs);
}

/** When the next attempt is due, in milliseconds since 1970; null: never by itself. Pure. */
export function nextDue(facts: DueFacts, now: number): number | null {
  const { intervalSeconds, lastFinishedAt, failures, requested } = facts;
  if (intervalSeconds === 0) return null;
  if (lastFinishedAt === null) return now;
  // A clock that was set back must not put an attempt off for ever.
  const last = Math.min(lastFinishedAt, now);
  const wait = backoffMs(failures);
  return last + (requested ? wait : Math.max(wait, intervalSeconds * 1000));
}
