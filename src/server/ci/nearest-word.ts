/** Longer words are not compared. */
const longest = 64;
/** A part that is shorter says nothing. */
const shortestPart = 4;

/** The known word that a misspelt or shortened one is most like; null where none is alike. Pure. */
export function nearestWord(word: string, known: readonly string[]): string | null {
  const plain = word.trim().toLowerCase().replaceAll("-", "_");
  if (plain.length > longest) return null;
  const ranked = known
    .map((one) => ({ one, steps: stepsBetween(plain, one) }))
    .filter(({ one, steps }) => steps <= one.length / 3 || isPartOf(plain, one))
    .sort((a, b) => a.steps - b.steps);
  return ranked[0]?.one ?? null;
}

function isPartOf(a: string, b: string): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return short.length >= shortestPart && long.includes(short);
}

/** Letters to add, drop, exchange, or swap with their neighbour. */
function stepsBetween(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = Math.min(
        (last[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (last[j - 1] ?? 0) + same,
        swapped ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
