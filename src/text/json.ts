import { byteLength, capText, headBytes } from "./bytes.ts";

/** As `capText`, where the cap counts the text as it stands in JSON, escapes and quotes included. */
export function capForJson(
  text: string,
  max: number,
  options: { keep?: "head" | "tail"; rest?: string } = {},
): string {
  const fits = (candidate: string) => byteLength(JSON.stringify(candidate)) <= max;
  if (fits(text)) return text;
  let best = "";
  for (let low = 0, high = max; low <= high; ) {
    const room = Math.floor((low + high) / 2);
    const candidate = capText(text, room, options);
    if (fits(candidate)) {
      best = candidate;
      low = room + 1;
    } else high = room - 1;
  }
  return best;
}

/** The first items whose JSON takes at most `max` bytes together. */
export function itemsWithin<Item>(items: readonly Item[], max: number): Item[] {
  let used = 0;
  const cut = items.findIndex((item) => {
    used += byteLength(JSON.stringify(item)) + 1;
    return used > max;
  });
  return cut === -1 ? [...items] : items.slice(0, cut);
}

/** Steps of a cut: how many bytes a string keeps, and how many items a list. */
const steps = [
  { bytes: 4000, items: 100 },
  { bytes: 2000, items: 50 },
  { bytes: 1000, items: 25 },
  { bytes: 500, items: 12 },
  { bytes: 250, items: 6 },
  { bytes: 100, items: 3 },
  { bytes: 60, items: 1 },
] as const;

/**
 * A JSON value that takes at most `max` bytes. What fits is returned as it is; else long strings
 * and lists are cut, and say so where they end. A last net below what each answer caps by itself.
 */
export function shrinkJson(value: unknown, max: number): unknown {
  const fits = (candidate: unknown) => byteLength(JSON.stringify(candidate) ?? "null") <= max;
  if (fits(value)) return value;
  for (const step of steps) {
    const cut = cutValue(value, step);
    if (fits(cut)) return cut;
  }
  // Escapes can make JSON in a string up to six times as long.
  return { cut: headBytes(JSON.stringify(value), Math.floor(max / 7)).text };
}

function cutValue(value: unknown, step: (typeof steps)[number]): unknown {
  if (typeof value === "string") return capText(value, step.bytes);
  if (Array.isArray(value)) {
    const kept = value.slice(0, step.items).map((item) => cutValue(item, step));
    const leftOut = value.length - kept.length;
    return leftOut === 0 ? kept : [...kept, `[${leftOut} more left out]`];
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, held]) => [key, cutValue(held, step)]),
    );
  }
  return value;
}

/** Why `JSON.parse` failed, without the piece of the text that its own words repeat. */
export function whyNoJson(error: unknown): string {
  const words = error instanceof Error ? error.message : "";
  const position = /\bat position (\d+)/.exec(words)?.[1];
  if (position !== undefined) return `not valid JSON at position ${position}`;
  return /end of JSON input/.test(words) ? "it ends too early" : "not valid JSON";
}
