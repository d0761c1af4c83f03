/** Words as a sentence: they end with a stop, and with one alone. */
export function sentence(words: string): string {
  return /[.!?…]$/.test(words) ? words : `${words}.`;
}
