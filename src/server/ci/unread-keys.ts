import { parse } from "smol-toml";
import { isTable, nameOfLane } from "./manifest.ts";
import { manifestKeys } from "./manifest-keys.ts";
import { type LaneTable, lineOfLane, lineOfTable, lineOfTopKey } from "./manifest-lines.ts";
import { nearestWord } from "./nearest-word.ts";

/** A key of a manifest that nothing reads. */
export interface UnreadKey {
  readonly key: string;
  /** Such as "lane `unit`"; null: before the first table. */
  readonly place: string | null;
  /** From 1; null where it cannot be told. */
  readonly line: number | null;
  /** The key that was probably meant; null where none is alike. */
  readonly nearest: string | null;
}

/** More are counted, and not looked for. */
const mostNamed = 20;

/** Keys that the parser passes over, such as misspelt ones; none where the text is no TOML. */
export function unreadKeys(text: string): {
  readonly named: readonly UnreadKey[];
  readonly count: number;
} {
  const found = allUnread(text);
  const named = found.slice(0, mostNamed).map(({ key, place, known, line }) => ({
    ...{ key, place, line: line() },
    nearest: nearestWord(key, known),
  }));
  return { named, count: found.length };
}

interface Found {
  readonly key: string;
  readonly place: string | null;
  readonly known: readonly string[];
  readonly line: () => number | null;
}

function allUnread(text: string): readonly Found[] {
  let root: Readonly<Record<string, unknown>>;
  try {
    root = parse(text, { maxDepth: 50 });
  } catch {
    return [];
  }
  const top = strangers(root, manifestKeys.top).map((key) => ({
    ...{ key, place: null, known: manifestKeys.top },
    line: () => lineOfTopKey(text, key) ?? lineOfTable(text, [key]),
  }));
  return [...top, ...inList(text, root, "branch"), ...inList(text, root, "nightly")];
}

function inList(
  text: string,
  root: Readonly<Record<string, unknown>>,
  list: LaneTable["list"],
): readonly Found[] {
  const parent = root[list];
  if (!isTable(parent)) return [];
  const beside = strangers(parent, manifestKeys.list).map((key) => ({
    ...{ key, place: `\`${list}\``, known: manifestKeys.list },
    line: () => lineOfTable(text, [list, key]) ?? lineOfTable(text, [list]),
  }));
  const lanes: readonly unknown[] = Array.isArray(parent.lanes) ? parent.lanes : [];
  const inLanes = lanes.flatMap((table, index) => {
    const at = { list, index };
    const nightly = list === "nightly" ? "nightly " : "";
    const name = nameOfLane(at, table);
    const place = name.startsWith("lane ") ? `${nightly}${name}` : name;
    return strangers(table, manifestKeys.lane).map((key) => ({
      ...{ key, place, known: manifestKeys.lane },
      line: () => lineOfLane(text, at, key),
    }));
  });
  return [...beside, ...inLanes];
}

function strangers(table: unknown, known: readonly string[]): readonly string[] {
  return isTable(table) ? Object.keys(table).filter((key) => !known.includes(key)) : [];
}
