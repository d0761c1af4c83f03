import { lineAt, lineEndingOf, type TextEdit } from "./text-edit.ts";
import { Unfit } from "./unfit.ts";

const begin = "<!-- forge-landing-kit:begin";
const end = "<!-- forge-landing-kit:end -->";

/** A text between our marks, each on a line of its own; no line ending at its end. */
export function blockOf(text: string): string {
  return `${begin} (\`land setup\` writes this; \`land setup --undo\` removes it) -->\n${text.trim()}\n${end}`;
}

interface Span {
  readonly from: number;
  /** Behind the end mark; its line ending is not part of the span. */
  readonly to: number;
}

/** Our block in a document, its line endings as line feeds; undefined where there is none. */
export function blockIn(text: string): string | undefined {
  const span = spanOf(text);
  return span === undefined ? undefined : text.slice(span.from, span.to).replaceAll("\r\n", "\n");
}

/** Puts a block in the place of ours, else at the end. Throws Unfit. */
export function putBlock(text: string, block: string): TextEdit[] {
  const eol = lineEndingOf(text);
  const content = block.replaceAll("\n", eol);
  const span = spanOf(text);
  if (span !== undefined) {
    return [{ offset: span.from, length: span.to - span.from, content }];
  }
  const gap = text === "" ? "" : text.endsWith("\n") ? eol : eol + eol;
  return [{ offset: text.length, length: 0, content: `${gap}${content}${eol}` }];
}

/** Takes our block out, with the empty line before it. */
export function takeBlock(text: string): TextEdit[] {
  const span = spanOf(text);
  if (span === undefined) return [];
  const [before] = /(?:\r?\n)?$/.exec(text.slice(0, span.from).replace(/\r?\n$/, "")) ?? [""];
  const [after] = /^\r?\n/.exec(text.slice(span.to)) ?? [""];
  const from = span.from - before.length;
  return [{ offset: from, length: span.to + after.length - from, content: "" }];
}

function spanOf(text: string): Span | undefined {
  const from = text.indexOf(begin);
  const last = text.indexOf(end);
  if (from === -1 && last === -1) return undefined;
  const again = from === -1 ? -1 : text.indexOf(begin, from + 1);
  if (from === -1 || last < from || again !== -1) {
    throw new Unfit(
      "its forge-landing-kit marks do not belong together",
      lineAt(text, again !== -1 ? again : Math.max(from, last, 0)),
    );
  }
  return { from, to: last + end.length };
}
