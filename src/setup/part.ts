import { isDeepStrictEqual } from "node:util";
import { blockIn, putBlock, takeBlock } from "./block-edit.ts";
import {
  appendItem,
  listAt,
  type Path,
  removeAndPrune,
  replaceItem,
  rootNames,
  setMember,
  valueAt,
} from "./json-edit.ts";
import { applyEdits, hashOf, type TextEdit } from "./text-edit.ts";
import { putTable, tableAt, takeTable } from "./toml-edit.ts";

/** One thing of ours in a file. */
export type Part =
  | { readonly kind: "json_member"; readonly path: Path; readonly value: Entry }
  | {
      readonly kind: "json_item";
      /** The list it belongs in. */
      readonly path: Path;
      readonly value: Entry;
      /** Members that the client wants in the same document, added where they are missing. */
      readonly beside: Entry;
    }
  | { readonly kind: "toml_table"; readonly path: Path; readonly value: Entry }
  | { readonly kind: "block"; readonly text: string }
  /** A file that is ours as a whole. `mark`: what one of ours always holds, of any version. */
  | { readonly kind: "whole"; readonly text: string; readonly mark: string | undefined };

export type Entry = Readonly<Record<string, unknown>>;

/** What of a part a text holds. */
export type Held =
  | { readonly state: "none" }
  /** What we would write. */
  | { readonly state: "same" }
  /** Ours, of another version or place. */
  | { readonly state: "ours" }
  /** Something of the same name that is not ours, or that somebody changed since. */
  | { readonly state: "foreign" };

/** A part's name, unique in its file. */
export function partName(part: Part): string {
  switch (part.kind) {
    case "block":
      return "block";
    case "whole":
      return "file";
    default:
      return part.path.join(".");
  }
}

/** What the ledger keeps of a part that was written, to know it again. */
export function recordOf(part: Part): unknown {
  return part.kind === "block" || part.kind === "whole" ? hashOf(part.text) : part.value;
}

/** Looks for a part in a text. `record`: what the ledger has of it. Throws Unfit. */
export function lookFor(part: Part, text: string, record?: unknown): Held {
  switch (part.kind) {
    case "json_member":
      return entryState(valueAt(text, part.path), part.value, record);
    case "toml_table":
      return entryState(tableAt(text, part.path), part.value, record);
    case "json_item": {
      const items = listAt(text, part.path) ?? [];
      if (items.some((item) => isDeepStrictEqual(item, part.value))) return { state: "same" };
      const spot = spotOf(items, part, record);
      if (spot === undefined) return { state: "none" };
      const found = hooksOf(items[spot.item])[spot.hook ?? -1];
      const same = spot.hook !== undefined && isDeepStrictEqual(found, hooksOf(part.value)[0]);
      return { state: same ? "same" : "ours" };
    }
    case "block": {
      const block = blockIn(text);
      if (block === undefined) return { state: "none" };
      return { state: block === part.text ? "same" : "ours" };
    }
    case "whole": {
      if (text === part.text) return { state: "same" };
      const ours = hashOf(text) === record || (part.mark !== undefined && text.includes(part.mark));
      return { state: ours ? "ours" : "foreign" };
    }
  }
}

/** The edits that write a part, over what is there. Throws Unfit. */
export function put(part: Part, text: string, record?: unknown): TextEdit[] {
  switch (part.kind) {
    case "json_member":
      return setMember(text, part.path, {
        ...extrasOf(valueAt(text, part.path), part.value, record),
        ...part.value,
      });
    case "toml_table":
      return putTable(text, part.path, {
        ...extrasOf(tableAt(text, part.path), part.value, record),
        ...part.value,
      });
    case "json_item": {
      const names = rootNames(text);
      const edits: TextEdit[] = [];
      for (const [name, value] of Object.entries(part.beside)) {
        if (!names.includes(name)) edits.push(...setMember(applyEdits(text, edits), [name], value));
      }
      const now = applyEdits(text, edits);
      const spot = spotOf(listAt(now, part.path) ?? [], part, record);
      if (spot === undefined) return [...edits, ...appendItem(now, part.path, part.value)];
      const { path, index } = placeOf(part.path, spot);
      const value = spot.hook === undefined ? part.value : hooksOf(part.value)[0];
      return [...edits, ...replaceItem(now, path, index, value)];
    }
    case "block":
      return putBlock(text, part.text);
    case "whole":
      return [{ offset: 0, length: text.length, content: part.text }];
  }
}

/** The edits that remove a part, and what would be left empty by it. Throws Unfit. */
export function take(part: Part, text: string, record?: unknown): TextEdit[] {
  switch (part.kind) {
    case "json_member":
      return valueAt(text, part.path) === undefined ? [] : removeAndPrune(text, part.path);
    case "toml_table":
      return takeTable(text, part.path);
    case "json_item":
      return takeItems(part, text, record);
    case "block":
      return takeBlock(text);
    case "whole":
      return [{ offset: 0, length: text.length, content: "" }];
  }
}

/**
 * Whether nothing that anybody would miss is left of a text. `created`: it was ours to begin with, so
 * that a schema's address, which clients add by themselves, counts for nothing.
 */
export function isBlank(text: string, parts: readonly Part[], created: boolean): boolean {
  if (text.trim() === "") return true;
  const items = parts.filter((part) => part.kind === "json_item" || part.kind === "json_member");
  if (items.length === 0) return false;
  const beside = items.flatMap((part) =>
    part.kind === "json_item" ? Object.keys(part.beside) : [],
  );
  if (created) beside.push("$schema");
  return rootNames(text).every((name) => beside.includes(name)) && !hasComment(text);
}

function hasComment(text: string): boolean {
  return /\/[/*]/.test(text.replace(/"(?:[^"\\]|\\.)*"/g, ""));
}

function takeItems(part: Part & { kind: "json_item" }, text: string, record: unknown): TextEdit[] {
  const edits: TextEdit[] = [];
  for (let now = text; ; now = applyEdits(text, edits)) {
    const spot = spotOf(listAt(now, part.path) ?? [], part, record);
    if (spot === undefined) return edits;
    const { path, index } = placeOf(part.path, spot);
    edits.push(...removeAndPrune(now, path, index));
  }
}

/**
 * Whose an entry of our name is. Clients add keys of their own to it, such as a person's approval
 * of a tool; those neither make it foreign nor are they lost.
 */
function entryState(found: unknown, wanted: Entry, record: unknown): Held {
  if (found === undefined) return { state: "none" };
  if (!isEntry(found)) return { state: "foreign" };
  const old = isEntry(record) ? record : {};
  const left = Object.keys(old).filter((name) => name in found && !(name in wanted));
  if (holds(found, wanted) && left.length === 0) return { state: "same" };
  const ours = (isEntry(record) && holds(found, record)) || isOurLaunch(found);
  return { state: ours ? "ours" : "foreign" };
}

/** Keys of a found entry that neither we want now nor wrote before. */
function extrasOf(found: unknown, wanted: Entry, record: unknown): Entry {
  if (!isEntry(found)) return {};
  const known = entryState(found, wanted, record).state !== "foreign";
  const old = isEntry(record) ? record : {};
  return Object.fromEntries(
    Object.entries(found).filter(([name]) => known && !(name in wanted) && !(name in old)),
  );
}

function holds(found: Entry, wanted: Entry): boolean {
  return Object.entries(wanted).every(([name, value]) => isDeepStrictEqual(found[name], value));
}

function isEntry(value: unknown): value is Entry {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether an entry starts `land mcp` exactly as we would have it, from whatever place. */
function isOurLaunch(entry: Entry): boolean {
  const { command, args = [] } = entry;
  const words = Array.isArray(command) ? command : [command, ...(Array.isArray(args) ? args : [])];
  return /^(?:land|[^\n]*\/node[^/\n]*\n[^\n]*\/dist\/land\.js)\nmcp\n--wait\n\d+$/.test(
    words.join("\n"),
  );
}

/** Where a hook of ours is in a list. `hook`: in an item that others put hooks of theirs into. */
interface Spot {
  readonly item: number;
  readonly hook?: number;
}

/** Looks for a hook of ours: known from the ledger, or by the words only ours have. */
function spotOf(
  items: readonly unknown[],
  { value }: Part & { kind: "json_item" },
  record: unknown,
): Spot | undefined {
  const known = record === undefined ? [value] : [value, record];
  const isOurs = (hook: unknown) => {
    const commands = commandsOf(hook);
    return commands.length > 0 && commands.every(isOurCommand);
  };
  const item = items.findIndex(
    (one) => known.some((other) => isDeepStrictEqual(one, other)) || isOurs(one),
  );
  if (item !== -1) return { item };
  for (const [at, one] of items.entries()) {
    const hook = hooksOf(one).findIndex(isOurs);
    if (hook !== -1) return { item: at, hook };
  }
  return undefined;
}

function placeOf(path: Path, { item, hook }: Spot): { path: Path; index: number } {
  return hook === undefined
    ? { path, index: item }
    : { path: [...path, String(item), "hooks"], index: hook };
}

function hooksOf(item: unknown): readonly unknown[] {
  return isEntry(item) && Array.isArray(item.hooks) ? item.hooks : [];
}

function isOurCommand(command: string): boolean {
  return (
    command.startsWith("sh -c ") &&
    command.includes("agent-brief") &&
    command.includes("forge-landing-kit")
  );
}

function commandsOf(item: unknown): string[] {
  if (!isEntry(item)) return [];
  const own = typeof item.command === "string" ? [item.command] : [];
  return [...own, ...hooksOf(item).flatMap(commandsOf)];
}
