import {
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import { insertion, newDocument, removal, replacement } from "./json-text.ts";
import { applyEdits, lineAt, lineEndingOf, type TextEdit } from "./text-edit.ts";
import { Unfit } from "./unfit.ts";

/** A path of names, and of an item's number where it goes through a list; the root is an object. */
export type Path = readonly string[];

/** Reads a JSON document, comments and trailing commas allowed. Throws Unfit. */
export function parseJson(text: string): Node | undefined {
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true, allowEmptyContent: true });
  const [first] = errors;
  if (first !== undefined) {
    throw new Unfit(
      `it is not valid JSON (${printParseErrorCode(first.error)})`,
      lineAt(text, first.offset),
    );
  }
  if (root !== undefined && root.type !== "object") {
    throw new Unfit("it holds no JSON object", lineAt(text, root.offset));
  }
  return root;
}

/** The value at a path; undefined where there is none. Throws Unfit. */
export function valueAt(text: string, path: Path): unknown {
  const root = parseJson(text);
  const node = root === undefined ? undefined : nodeAt(text, root, path);
  // Its objects have no prototype, which would make them differ from any other.
  return node === undefined ? undefined : JSON.parse(JSON.stringify(getNodeValue(node)));
}

/** Sets the value at a path, making what is missing on the way. Throws Unfit. */
export function setMember(text: string, path: Path, value: unknown): TextEdit[] {
  const root = parseJson(text);
  const [first = ""] = path;
  if (root === undefined) {
    return checked(
      text,
      [wholeDocument(text, newDocument(first, nested(path.slice(1), value)))],
      path,
    );
  }
  requireObjects(text, root, path.slice(0, -1));
  const node = nodeAt(text, root, path);
  if (node !== undefined) return checked(text, [replacement(text, node, value)], path);
  let depth = path.length - 1;
  while (nodeAt(text, root, path.slice(0, depth)) === undefined) depth -= 1;
  const container = nodeAt(text, root, path.slice(0, depth)) ?? root;
  const edits = insertion(text, container, path[depth], nested(path.slice(depth + 1), value));
  return checked(text, edits, path);
}

/** Adds an item at the end of the list at a path, making the list where it is missing. Throws Unfit. */
export function appendItem(text: string, path: Path, value: unknown): TextEdit[] {
  const list = listNode(text, path);
  if (list === undefined) return setMember(text, path, [value]);
  return checked(text, insertion(text, list, undefined, value), path);
}

/** The items of the list at a path; undefined where there is none. Throws Unfit. */
export function listAt(text: string, path: Path): readonly unknown[] | undefined {
  return listNode(text, path) === undefined ? undefined : (valueAt(text, path) as unknown[]);
}

/** Puts another item in the place of one of a list. */
export function replaceItem(text: string, path: Path, index: number, value: unknown): TextEdit[] {
  const item = listNode(text, path)?.children?.[index];
  return item === undefined ? [] : checked(text, [replacement(text, item, value)], path);
}

/** Removes a member or an item, and every object or list above it that this leaves empty. */
export function removeAndPrune(text: string, path: Path, index?: number): TextEdit[] {
  const root = parseJson(text);
  const node = root === undefined ? undefined : nodeAt(text, root, path);
  const child = index === undefined ? node?.parent : node?.children?.[index];
  const container = child?.parent;
  if (child === undefined || container === undefined) return [];
  const edits = checked(text, removal(text, container, child), []);
  const above = index === undefined ? path.slice(0, -1) : path;
  if ((container.children?.length ?? 0) > 1 || above.length === 0) return edits;
  return [...edits, ...removeAndPrune(applyEdits(text, edits), above)];
}

/** A document for a text that has none: behind comments, in the place of mere space. */
function wholeDocument(text: string, document: string): TextEdit {
  if (text.trim() === "") return { offset: 0, length: text.length, content: document };
  const eol = lineEndingOf(text);
  const content = (text.endsWith("\n") ? "" : eol) + document.replaceAll("\n", eol);
  return { offset: text.length, length: 0, content };
}

function nested(path: Path, value: unknown): unknown {
  return path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
}

function listNode(text: string, path: Path): Node | undefined {
  const root = parseJson(text);
  if (root === undefined) return undefined;
  requireObjects(text, root, path.slice(0, -1));
  const node = nodeAt(text, root, path);
  if (node === undefined || node.type === "array") return node;
  throw new Unfit(`\`${path.join(".")}\` is not a list`, lineAt(text, node.offset));
}

/** The names in the root object; none for an empty document. */
export function rootNames(text: string): readonly string[] {
  return (parseJson(text)?.children ?? []).map(nameOf);
}

/** Every part of the path that is there must be an object, and be there once. */
function requireObjects(text: string, root: Node, path: Path): void {
  for (let depth = 1; depth <= path.length; depth += 1) {
    const at = path.slice(0, depth);
    const node = nodeAt(text, root, at);
    if (node === undefined) return;
    const isNumbered = node.type === "array" && /^\d+$/.test(path[depth] ?? "");
    if (node.type !== "object" && !isNumbered) {
      throw new Unfit(`\`${at.join(".")}\` is not an object`, lineAt(text, node.offset));
    }
  }
}

/** Follows a path; a name that is there twice is refused, since readers differ in which one counts. */
function nodeAt(text: string, root: Node, path: Path): Node | undefined {
  let node: Node | undefined = root;
  for (const [depth, name] of path.entries()) {
    if (node?.type === "array") {
      node = node.children?.[Number(name)];
      continue;
    }
    if (node?.type !== "object") return undefined;
    const members: Node[] = (node.children ?? []).filter((member) => nameOf(member) === name);
    if (members.length > 1) {
      throw new Unfit(
        `\`${path.slice(0, depth + 1).join(".")}\` is there twice`,
        lineAt(text, members[1]?.offset ?? 0),
      );
    }
    node = members[0]?.children?.[1];
  }
  return node;
}

function nameOf(member: Node): string {
  return String(member.children?.[0]?.value);
}

/** Reads the result again, rather than trust that all was understood. */
function checked(text: string, edits: TextEdit[], path: Path): TextEdit[] {
  const root = parseJson(applyEdits(text, edits));
  if (root === undefined || nodeAt(text, root, path) === undefined) {
    throw new Unfit("it could not be edited without harm");
  }
  return edits;
}
