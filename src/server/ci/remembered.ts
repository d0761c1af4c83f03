/** More pairs than any forge has open branches. */
const usualMost = 500;

/**
 * Remembers what was found out about two commits, which never change. The oldest is forgotten
 * first, and a failure at once.
 */
export function rememberedOfCommits<T>(
  ask: (one: string, other: string) => Promise<T>,
  most = usualMost,
): (one: string, other: string) => Promise<T> {
  const known = new Map<string, Promise<T>>();
  return (one, other) => {
    const key = `${one} ${other}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const found = ask(one, other);
    known.set(key, found);
    found.catch(() => known.delete(key));
    const oldest = known.keys().next().value;
    if (known.size > most && oldest !== undefined) known.delete(oldest);
    return found;
  };
}
