import type { Node } from "jsonc-parser";
import { lineEndingOf, type TextEdit } from "./text-edit.ts";

/**
 * Where the text of a member or an item goes in a document, and how it goes again, so that nothing
 * else moves: others' spacing, comments and commas stay as they are.
 */

/** The text to add to an object or list, behind what is in it. `label`: a member's name. */
export function insertion(
  text: string,
  container: Node,
  label: string | undefined,
  value: unknown,
): TextEdit[] {
  const last = container.children?.at(-1);
  const here = text.slice(container.offset, container.offset + container.length);
  const multiline = last === undefined ? isMultiline(text) : here.includes("\n");
  const indent = last === undefined ? undefined : indentAt(text, last.offset);
  const outer = indentAt(text, container.offset) ?? "";
  const inner = indent ?? outer + unitOf(text);
  const content = written(text, label, value, inner, multiline);
  const eol = lineEndingOf(text);
  if (last !== undefined) {
    const end = last.offset + last.length;
    const comma = commaAfter(text, end);
    const behind = endOfLine(text, comma === undefined ? end : comma + 1);
    const gap = multiline ? eol + inner : " ";
    const added = { offset: behind, length: 0, content: gap + content };
    return comma === undefined ? [added, { offset: end, length: 0, content: "," }] : [added];
  }
  const start = container.offset + 1;
  const hollow = container.length - 2;
  const blank = text.slice(start, start + hollow).trim() === "";
  const close = multiline && blank ? eol + outer : "";
  return [
    {
      offset: start,
      length: blank ? hollow : 0,
      content: (multiline ? eol + inner : "") + content + close,
    },
  ];
}

/** A value's text in the place of another's. */
export function replacement(text: string, node: Node, value: unknown): TextEdit {
  const indent = indentAt(
    text,
    node.parent?.type === "property" ? node.parent.offset : node.offset,
  );
  const content = written(text, undefined, value, indent ?? "", isMultiline(text));
  return { offset: node.offset, length: node.length, content };
}

/** Takes a member or an item out of its object or list. The edits follow one another backwards. */
export function removal(text: string, container: Node, child: Node): TextEdit[] {
  const children = container.children ?? [];
  const at = children.indexOf(child);
  const before = children[at - 1];
  const end = child.offset + child.length;
  const comma = commaAfter(text, end);
  const start = startWithGap(text, child.offset);
  if (children.length === 1) return [emptied(text, container, start, comma ?? end - 1)];
  if (comma !== undefined || before === undefined) {
    return [{ offset: start, length: (comma ?? end - 1) + 1 - start, content: "" }];
  }
  const extra = commaAfter(text, before.offset + before.length);
  const own = { offset: start, length: end - start, content: "" };
  return extra === undefined ? [own] : [own, { offset: extra, length: 1, content: "" }];
}

/** A whole new document that holds one member. */
export function newDocument(label: string, value: unknown): string {
  return `${JSON.stringify({ [label]: value }, undefined, 2)}\n`;
}

/** With its last child gone: closed up, unless a comment is left in it. */
function emptied(text: string, container: Node, start: number, last: number): TextEdit {
  const from = container.offset + 1;
  const to = container.offset + container.length - 1;
  const blank = (text.slice(from, start) + text.slice(last + 1, to)).trim() === "";
  return blank
    ? { offset: from, length: to - from, content: "" }
    : { offset: start, length: last + 1 - start, content: "" };
}

function written(
  text: string,
  label: string | undefined,
  value: unknown,
  indent: string,
  multiline: boolean,
): string {
  const name = label === undefined ? "" : `${JSON.stringify(label)}: `;
  const body = JSON.stringify(value, undefined, multiline ? unitOf(text) : undefined);
  return name + body.replaceAll("\n", lineEndingOf(text) + indent);
}

/** What is written on one line, as programs do, gets no lines from us. */
function isMultiline(text: string): boolean {
  return text.trim() === "{}" || /\{[^}]*\n/.test(text);
}

/** One step of indentation. */
function unitOf(text: string): string {
  const [, indent = "  "] = /\n([\t ]+)\S/.exec(text) ?? [];
  return indent.startsWith("\t") ? "\t" : indent.slice(0, 8);
}

/** The indentation of what begins a line; undefined where something else begins it. */
function indentAt(text: string, offset: number): string | undefined {
  const line = text.slice(text.lastIndexOf("\n", offset - 1) + 1, offset);
  return line.trim() === "" ? line : /^[\t ]*/.exec(line)?.[0];
}

/** The comma that follows a value, comments left out of account. */
function commaAfter(text: string, offset: number): number | undefined {
  const at = past(/(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)*/y, text, offset);
  return text[at] === "," ? at : undefined;
}

/** Behind the comments that end a line, which speak of what is before them. */
function endOfLine(text: string, offset: number): number {
  return past(/(?:[\t ]*(?:\/\/[^\r\n]*|\/\*[^\r\n]*?\*\/))*/y, text, offset);
}

/** Where what a sticky pattern matches at an offset ends. */
function past(pattern: RegExp, text: string, offset: number): number {
  pattern.lastIndex = offset;
  return offset + (pattern.exec(text)?.[0].length ?? 0);
}

/** The start with the space before it, up to and with the last line's end. */
function startWithGap(text: string, offset: number): number {
  let start = offset;
  while (start > 0 && "\t ".includes(text[start - 1] ?? "x")) start -= 1;
  if (text[start - 1] !== "\n") return start;
  return start - (text[start - 2] === "\r" ? 2 : 1);
}
