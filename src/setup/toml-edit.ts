import { isDeepStrictEqual } from "node:util";
import { parse, stringify, TomlError, type TomlTable } from "smol-toml";
import type { Path } from "./json-edit.ts";
import { applyEdits, lineEndingOf, type TextEdit } from "./text-edit.ts";
import { Unfit } from "./unfit.ts";

/** Reads a TOML document. Throws Unfit. */
export function parseToml(text: string): TomlTable {
  try {
    return parse(text, { integersAsBigInt: "asNeeded" });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [why = ""] = error.message.replace(/^Invalid TOML document: /, "").split("\n");
    throw new Unfit(`it is not valid TOML (${why})`, error.line);
  }
}

/**
 * The table at a path, without the tables in it that have headers of their own; undefined where
 * there is none. Throws Unfit.
 */
export function tableAt(text: string, path: Path): Record<string, unknown> | undefined {
  const table = valueIn(parseToml(text), path);
  if (table === undefined) return undefined;
  if (!isTable(table)) throw new Unfit(`\`${path.join(".")}\` is not a table`);
  return parted(table, headedIn(text, path)).own;
}

/**
 * Writes a table under a header of its own: in the place of the one that is there, whose tables in
 * it stay, else at the end. All else stays as it is. Throws Unfit where the document has it, or the
 * table above it, in a form without headers.
 */
export function putTable(text: string, path: Path, value: Record<string, unknown>): TextEdit[] {
  const before = parseToml(text);
  const eol = lineEndingOf(text);
  const content = written(path, value).replaceAll("\n", eol);
  const own = sectionsOf(text).find((section) => isDeepStrictEqual(section.path, path));
  const edits: TextEdit[] = [];
  if (own !== undefined) {
    edits.push({ offset: own.from, length: own.to - own.from, content });
  } else if (valueIn(before, path) !== undefined) {
    throw new Unfit(`\`${path.join(".")}\` is not written as a table with a header of its own`);
  } else {
    const gap = text === "" ? "" : text.endsWith("\n") ? eol : eol + eol;
    edits.push({ offset: text.length, length: 0, content: `${gap}${content}${eol}` });
  }
  const problem = problemWith(text, edits, path, value);
  if (problem !== undefined) throw problem;
  return edits;
}

/** Removes a table, the tables in it, and the empty line before it. Throws Unfit. */
export function takeTable(text: string, path: Path): TextEdit[] {
  const edits = sectionsOf(text)
    .filter((section) => isDeepStrictEqual(section.path.slice(0, path.length), path))
    .map((section): TextEdit => {
      const [gap] = /(?<=\n|^)\r?\n$/.exec(text.slice(0, section.from)) ?? [""];
      const [rest] = /^\r?\n/.exec(text.slice(section.to)) ?? [""];
      const offset = section.from - gap.length;
      return { offset, length: section.to + rest.length - offset, content: "" };
    })
    .reverse();
  const problem = problemWith(text, edits, path, undefined);
  if (problem !== undefined) throw problem;
  return edits;
}

/** Reads the result again: exactly the one table may differ. */
function problemWith(
  text: string,
  edits: readonly TextEdit[],
  path: Path,
  value: Record<string, unknown> | undefined,
): Unfit | undefined {
  const parent = path.slice(0, -1).join(".");
  const harm = new Unfit(
    `\`${path.join(".")}\` cannot be written there without harm; where \`${parent}\` is written inline, write it as \`[${parent}.…]\` tables first`,
  );
  const before = parseToml(text);
  const headed = headedIn(text, path);
  try {
    const after = parseToml(applyEdits(text, edits));
    const table = valueIn(after, path);
    const { own, others } = parted(table, headed);
    const same =
      value === undefined
        ? table === undefined
        : isDeepStrictEqual(plain(own), plain(value)) &&
          isDeepStrictEqual(others, parted(valueIn(before, path), headed).others);
    if (same && isDeepStrictEqual(without(after, path), without(before, path))) return undefined;
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
  }
  return harm;
}

/** The names of the tables in a table that have headers of their own. */
function headedIn(text: string, path: Path): ReadonlySet<string> {
  const names = sectionsOf(text).flatMap((section) =>
    isDeepStrictEqual(section.path.slice(0, path.length), path)
      ? section.path.slice(path.length, path.length + 1)
      : [],
  );
  return new Set(names);
}

function parted(
  table: unknown,
  headed: ReadonlySet<string>,
): { own: Record<string, unknown>; others: Record<string, unknown> } {
  const entries = isTable(table) ? Object.entries(table) : [];
  return {
    own: Object.fromEntries(entries.filter(([name]) => !headed.has(name))),
    others: Object.fromEntries(entries.filter(([name]) => headed.has(name))),
  };
}

/** A copy without the value at a path, and without the tables above it that this leaves empty. */
function without(table: unknown, path: Path): unknown {
  const [name, ...rest] = path;
  if (!isTable(table) || name === undefined) return table;
  const entries = Object.entries(table).flatMap(([key, value]): [string, unknown][] => {
    if (key !== name) return [[key, value]];
    const left = rest.length === 0 ? {} : without(value, rest);
    return isTable(left) && Object.keys(left).length === 0 ? [] : [[key, left]];
  });
  return Object.fromEntries(entries);
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

function written(path: Path, value: Record<string, unknown>): string {
  const nested = path.reduceRight<Record<string, unknown>>(
    (inner, name) => ({ [name]: inner }),
    value,
  );
  return stringify(nested).trimEnd();
}

function valueIn(table: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, name) => (isTable(at) && Object.hasOwn(at, name) ? at[name] : undefined),
    table,
  );
}

function isTable(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date)
  );
}

interface Section {
  /** Empty for a list of tables, which nothing here looks for. */
  readonly path: Path;
  readonly from: number;
  /** Behind the header or its last value, before the line's end. */
  readonly to: number;
}

/** The parts that begin with a header. The text is known to be valid. */
function sectionsOf(text: string): readonly Section[] {
  const sections: { path: Path; from: number; to: number }[] = [];
  let at = 0;
  while (at < text.length) {
    const start = pastSpace(text, at);
    const character = text[start];
    if (character === undefined) break;
    const to = endOfStatement(text, start);
    if (character === "[") {
      const lineStart = text.lastIndexOf("\n", start) + 1;
      sections.push({ path: headerPath(text.slice(start, to)), from: lineStart, to });
    } else if (character !== "#") {
      const last = sections.at(-1);
      if (last !== undefined) last.to = to;
    }
    at = Math.max(to, start + 1);
  }
  return sections;
}

function pastSpace(text: string, at: number): number {
  let next = at;
  while (" \t\r\n".includes(text[next] ?? "x")) next += 1;
  return next;
}

function headerPath(header: string): Path {
  if (header.startsWith("[[")) return [];
  const path: string[] = [];
  for (let at: unknown = parse(`${header.slice(1, headerEnd(header))} = 0`); isTable(at); ) {
    const [entry] = Object.entries(at);
    if (entry === undefined) break;
    path.push(entry[0]);
    at = entry[1];
  }
  return path;
}

/** Where the bracket is that closes a header. */
function headerEnd(header: string): number {
  let at = 1;
  while (at < header.length && header[at] !== "]") at = pastString(header, at);
  return at;
}

/** Behind a statement: its line's end, or that of the last line of a value that has several. */
function endOfStatement(text: string, start: number): number {
  let depth = 0;
  let at = start;
  let to = start;
  while (at < text.length) {
    const character = text[at];
    if (character === "\n" && depth === 0) break;
    if (character === "#") {
      const end = text.indexOf("\n", at);
      at = end === -1 ? text.length : end;
      if (depth === 0) to = at - (text[at - 1] === "\r" ? 1 : 0);
      continue;
    }
    if (character === "[" || character === "{") depth += 1;
    if (character === "]" || character === "}") depth -= 1;
    const next = pastString(text, at);
    if (next > at + 1 || !/\s/.test(character ?? "")) to = next;
    at = next;
  }
  return to;
}

/** Behind the string that begins here; else behind one character. */
function pastString(text: string, at: number): number {
  const quote = text[at];
  if (quote !== '"' && quote !== "'") return at + 1;
  const long = text.startsWith(quote.repeat(3), at) ? quote.repeat(3) : quote;
  let next = at + long.length;
  while (next < text.length && !text.startsWith(long, next)) {
    next += quote === '"' && text[next] === "\\" ? 2 : 1;
  }
  next += long.length;
  // Up to two more quotes may belong to the end of a long string.
  while (long.length === 3 && text[next] === quote) next += 1;
  return next;
}
