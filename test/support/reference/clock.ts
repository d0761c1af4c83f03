/** Time of the double: it stands still unless moved by hand. */
export interface HandClock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Goes on by so many milliseconds; polls and keep-alives that fall due happen, then it resolves. */
  advance(ms: number): Promise<void>;
  /** Calls back each time so much time has gone by; answers how to stop. */
  every(ms: number, call: () => Promise<void> | void): () => void;
}

interface Due {
  readonly every: number;
  next: number;
  readonly call: () => Promise<void> | void;
}

export function handClock(start = Math.floor(Date.now() / 1000) * 1000): HandClock {
  let now = start;
  const dues = new Set<Due>();
  return {
    now: () => now,
    async advance(ms) {
      const end = now + ms;
      for (;;) {
        const [first] = [...dues].filter((due) => due.next <= end).sort((a, b) => a.next - b.next);
        if (first === undefined) break;
        now = Math.max(now, first.next);
        first.next += first.every;
        await first.call();
      }
      now = end;
    },
    every(ms, call) {
      const due = { every: ms, next: now + ms, call };
      dues.add(due);
      return () => dues.delete(due);
    },
  };
}

/** `YYYY-MM-DD HH:MM:SS`, UTC. */
export const sqlTime = (ms: number) => new Date(ms).toISOString().slice(0, 19).replace("T", " ");
export const sqlTimeOrNull = (ms: number | null) => (ms === null ? null : sqlTime(ms));
/** `YYYY-MM-DDTHH:MM:SS.mmmZ`. */
export const msTime = (ms: number) => new Date(ms).toISOString();
/** `YYYY-MM-DDTHH:MM:SS+00:00`. */
export const offsetTime = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}+00:00`;
