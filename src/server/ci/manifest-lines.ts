/** Which lane's table of a manifest is meant: the `index`-th of its list, from 0. */
export interface LaneTable {
  readonly list: "branch" | "nightly";
  readonly index: number;
}

/**
 * The line, from 1, where a lane's table or one of its keys stands; null where it cannot be told,
 * such as for lanes written as one inline array.
 */
export function lineOfLane(text: string, table: LaneTable, key?: string): number | null {
  const lines = outsideOfLongStrings(text);
  const header = new RegExp(
    `^\\s*\\[\\[\\s*${nameOf(table.list)}\\s*\\.\\s*${nameOf("lanes")}\\s*\\]\\]`,
    "u",
  );
  const starts = lines.flatMap((line, at) => (header.test(line) ? [at] : []));
  const start = starts[table.index];
  if (start === undefined) return null;
  const within = key === undefined ? -1 : lineOfKey(lines, key, start + 1);
  return (within >= 0 ? within : start) + 1;
}

/** The line, from 1, of a key before the first table; null where it is not there. */
export function lineOfTopKey(text: string, key: string): number | null {
  const at = lineOfKey(outsideOfLongStrings(text), key, 0);
  return at < 0 ? null : at + 1;
}

/** Looks for a key from a line on, up to the next table. */
function lineOfKey(lines: readonly string[], key: string, from: number): number {
  const assignment = new RegExp(`^\\s*${nameOf(key)}\\s*=`, "u");
  for (let at = from; at < lines.length; at++) {
    const line = lines[at] ?? "";
    if (assignment.test(line)) return at;
    if (/^\s*\[/.test(line)) return -1;
  }
  return -1;
}

/** The line, from 1, where a table or one of an array of tables begins; null where none does. */
export function lineOfTable(text: string, path: readonly string[]): number | null {
  const header = new RegExp(
    `^\\s*\\[\\[?\\s*${path.map(nameOf).join("\\s*\\.\\s*")}\\s*[.\\]]`,
    "u",
  );
  const at = outsideOfLongStrings(text).findIndex((line) => header.test(line));
  return at < 0 ? null : at + 1;
}

/** A bare or quoted TOML key, as a pattern. */
function nameOf(key: string): string {
  const plain = key.replaceAll(/[^\w-]/gu, (sign) => `\\u{${sign.codePointAt(0)?.toString(16)}}`);
  return `(?:${plain}|"${plain}"|'${plain}')`;
}

/** The text's lines, with those that begin inside a multi-line string emptied. */
function outsideOfLongStrings(text: string): string[] {
  let open: string | undefined;
  return text.split("\n").map((line) => {
    const inside = open !== undefined;
    for (const [delimiter] of line.matchAll(/"""|'''/g)) {
      if (open === undefined) open = delimiter;
      else if (open === delimiter) open = undefined;
    }
    return inside ? "" : line;
  });
}
