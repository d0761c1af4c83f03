/** How long it is at most from one look at the clock to the next. */
const sliceMs = 5000;
/** A look that comes later than this did not happen because nobody could look. */
const lateMs = 5000;

/**
 * Calls back after `ms` in which this process ran. Time in which it was stopped, or the machine
 * slept, counts for nothing: what went on or ended meanwhile is looked at first, and what slept
 * along is not out of time. Answers how to call it off.
 */
export function awakeTimer(ms: number, act: () => void): () => void {
  let left = ms;
  let timer: NodeJS.Timeout | undefined;
  const wait = () => {
    const slice = Math.min(left, sliceMs);
    const begun = performance.now();
    timer = setTimeout(() => {
      const passed = performance.now() - begun;
      if (passed <= slice + lateMs) left -= passed;
      if (left <= 0) act();
      else wait();
    }, slice);
  };
  wait();
  return () => clearTimeout(timer);
}
