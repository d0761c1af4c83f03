import { createContext, runInContext } from "node:vm";

/** The longest pattern that is looked at, in UTF-16 units. */
export const longestPattern = 200;

/** How much of each line is searched, in UTF-16 units. */
const lineReach = 4000;

const defaultDeadlineMs = 500;

export type GrepAnswer =
  | { readonly state: "done"; readonly lines: readonly number[] }
  | { readonly state: "pattern_too_long" }
  /** The pattern needed more time than it gets: it backtracks too much. */
  | { readonly state: "too_slow" };

/**
 * The indexes of the lines that a pattern finds, ignoring case. A line is found when it contains the
 * pattern as it stands, or matches it as a regular expression; a pattern that is none is only
 * taken as it stands.
 *
 * The pattern is untrusted: it is at most 200 characters, sees the first 4,000 of each line, and
 * runs under a deadline that really ends a regular expression which backtracks without end (the
 * engine stops at `vm`'s time-out; the pattern is passed as data, never as code).
 */
export function grepLines(
  lines: readonly string[],
  pattern: string,
  deadlineMs: number = defaultDeadlineMs,
): GrepAnswer {
  if (pattern.length > longestPattern) return { state: "pattern_too_long" };
  const short = lines.map((line) => line.slice(0, lineReach));
  const literal = pattern.toLowerCase();
  const found = new Set<number>();
  for (const [index, line] of short.entries()) {
    if (line.toLowerCase().includes(literal)) found.add(index);
  }
  if (/[\\^$.*+?()[\]{}|]/.test(pattern)) {
    const matched = matchWithin(short, pattern, deadlineMs);
    if (matched === undefined) return { state: "too_slow" };
    for (const index of matched) found.add(index);
  }
  return { state: "done", lines: [...found].sort((a, b) => a - b) };
}

const program = `
  let expression;
  try { expression = new RegExp(pattern, "i"); } catch { expression = undefined; }
  if (expression !== undefined) {
    for (let at = 0; at < lines.length; at += 1) if (expression.test(lines[at])) found.push(at);
  }
`;

function matchWithin(
  lines: readonly string[],
  pattern: string,
  deadlineMs: number,
): readonly number[] | undefined {
  const found: number[] = [];
  const context = createContext({ pattern, lines, found });
  try {
    runInContext(program, context, { timeout: deadlineMs });
  } catch {
    return undefined;
  }
  return found;
}
