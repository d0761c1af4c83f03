/**
 * Globs of the manifest: `*` and `?` stop at `/`, a segment `**` stands for any number of folders,
 * `[…]` and `{a,b}` as usual, `\` takes the next character as it is, dotfiles match like others.
 *
 * Patterns and paths come from whoever pushes a branch, so matching takes time proportional to
 * their lengths multiplied, whatever they hold; a regular expression could be made to hang.
 */
export interface Glob {
  readonly source: string;
  /** What matching it costs per character of a path, in characters of its alternatives. */
  readonly cost: number;
  matches(path: SplitPath): boolean;
}

/** A path as its segments' characters, so that many globs can be tried on it. */
export type SplitPath = readonly (readonly string[])[];

/** Prepares a path for matching. */
export function splitPath(path: string): SplitPath {
  return path.split("/").map((name) => [...name]);
}

/** Thrown for a pattern that cannot be read; the message names what is wrong with it. */
export class GlobError extends Error {}

const maxLength = 1000;
/** How many patterns the braces of one may stand for. */
const maxAlternatives = 100;
/** How deep braces may stand in braces; reading them takes time for each level. */
const maxDepth = 10;

type Piece =
  | { readonly kind: "one"; readonly accepts: (character: string) => boolean }
  | { readonly kind: "any" };

/** A path segment's pieces; `any` stands for any number of segments. */
type Segment =
  | { readonly kind: "one"; readonly pieces: readonly Piece[] }
  | { readonly kind: "any" };

/** Reads a glob. Throws GlobError. */
export function parseGlob(source: string): Glob {
  if (source.trim() === "") throw new GlobError("it is empty");
  if (source.length > maxLength) throw new GlobError(`it is longer than ${maxLength} characters`);
  const patterns = expandBraces(source);
  const alternatives = patterns.map(parseAlternative);
  return {
    source,
    cost: patterns.reduce((sum, pattern) => sum + pattern.length, 0),
    matches: (path) =>
      alternatives.some((alternative) =>
        matchSequence(alternative, path, (segment, name) =>
          matchSequence(segment.pieces, name, (piece, character) => piece.accepts(character)),
        ),
      ),
  };
}

/**
 * Matches a sequence against a pattern whose `any` elements stand for any number of items. Going
 * back to the latest `any` alone is enough, which keeps this from growing exponentially.
 */
function matchSequence<One extends { kind: "one" }, Item>(
  pattern: readonly (One | { readonly kind: "any" })[],
  items: readonly Item[],
  fits: (one: One, item: Item) => boolean,
): boolean {
  let at = 0;
  let item = 0;
  let retryAt = -1;
  let retryItem = 0;
  while (item < items.length) {
    const element = pattern[at];
    if (element?.kind === "any") {
      retryAt = ++at;
      retryItem = item;
    } else if (element !== undefined && fits(element as One, items[item] as Item)) {
      at++;
      item++;
    } else if (retryAt >= 0) {
      at = retryAt;
      item = ++retryItem;
    } else {
      return false;
    }
  }
  return pattern.slice(at).every((element) => element.kind === "any");
}

function parseAlternative(pattern: string): Segment[] {
  const trimmed = pattern.startsWith("./") ? pattern.slice(2) : pattern;
  const segments = splitOutside(trimmed, "/").map((text): Segment => {
    return text === "**" ? { kind: "any" } : { kind: "one", pieces: parsePieces(text) };
  });
  // A trailing `/**` means what is inside the folder, not the folder itself.
  if (segments.at(-1)?.kind === "any" && segments.length > 1) {
    segments.push({ kind: "one", pieces: [{ kind: "any" }] });
  }
  return segments;
}

function parsePieces(text: string): Piece[] {
  const characters = [...text];
  const pieces: Piece[] = [];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] as string;
    if (character === "*") {
      if (pieces.at(-1)?.kind !== "any") pieces.push({ kind: "any" });
    } else if (character === "?") {
      pieces.push({ kind: "one", accepts: () => true });
    } else if (character === "[") {
      const end = classEnd(characters, at);
      pieces.push({ kind: "one", accepts: parseClass(characters.slice(at + 1, end)) });
      at = end;
    } else {
      const literal = character === "\\" ? characters[++at] : character;
      if (literal === undefined) throw new GlobError("it ends with a single backslash");
      pieces.push({ kind: "one", accepts: (other) => other === literal });
    }
  }
  return pieces;
}

/** Where a `[` class ends. A `]` in first place is one of its members. */
function classEnd(characters: readonly string[], start: number): number {
  let at = start + 1;
  if (characters[at] === "!" || characters[at] === "^") at++;
  if (characters[at] === "]") at++;
  while (at < characters.length && characters[at] !== "]") at += characters[at] === "\\" ? 2 : 1;
  if (at >= characters.length) throw new GlobError("a `[` is not closed");
  return at;
}

function parseClass(members: readonly string[]): (character: string) => boolean {
  const negated = members[0] === "!" || members[0] === "^";
  const ranges: [string, string][] = [];
  for (let at = negated ? 1 : 0; at < members.length; at++) {
    if (members[at] === "\\") at++;
    const first = members[at] as string;
    let last = first;
    if (members[at + 1] === "-" && at + 2 < members.length) {
      at += 2;
      if (members[at] === "\\") at++;
      last = members[at] as string;
      if (last < first) throw new GlobError(`the range ${first}-${last} is backwards`);
    }
    ranges.push([first, last]);
  }
  return (character) =>
    ranges.some(([first, last]) => first <= character && character <= last) !== negated;
}

/** The patterns without braces that a pattern with braces stands for. */
function expandBraces(pattern: string): string[] {
  const open = findOutside(pattern, "{");
  const stray = findOutside(pattern, "}");
  if (stray >= 0 && (open < 0 || stray < open)) throw new GlobError("a `}` is not opened");
  if (open < 0) return [pattern];
  const close = closingBrace(pattern, open);
  const rests = expandBraces(pattern.slice(close + 1));
  const inner = splitOutside(pattern.slice(open + 1, close), ",").flatMap(expandBraces);
  if (inner.length * rests.length > maxAlternatives) {
    throw new GlobError(`its braces stand for more than ${maxAlternatives} patterns`);
  }
  const before = pattern.slice(0, open);
  return inner.flatMap((middle) => rests.map((rest) => before + middle + rest));
}

function closingBrace(pattern: string, open: number): number {
  let depth = 0;
  for (const [at, character] of outside(pattern)) {
    if (at < open) continue;
    if (character === "{" && ++depth > maxDepth) {
      throw new GlobError(`its braces are more than ${maxDepth} deep`);
    }
    if (character === "}" && --depth === 0) return at;
  }
  throw new GlobError("a `{` is not closed");
}

function findOutside(text: string, wanted: string): number {
  for (const [at, character] of outside(text)) {
    if (character === wanted) return at;
  }
  return -1;
}

/** Splits where the separator stands outside of classes, escapes and braces. */
function splitOutside(text: string, separator: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (const [at, character] of outside(text)) {
    if (character === "{") depth++;
    if (character === "}") depth--;
    if (character === separator && depth === 0) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, text.slice(start)];
}

/** The positions of a pattern that are neither escaped nor inside a `[` class. */
function* outside(text: string): Generator<[number, string]> {
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (character === "\\") at++;
    else if (character === "[") at = classEnd(text.split(""), at);
    else yield [at, character];
  }
}
