import { createHash } from "node:crypto";

/** Replaces `length` UTF-16 units at `offset` with `content`. */
export interface TextEdit {
  readonly offset: number;
  readonly length: number;
  readonly content: string;
}

/** Applies edits one after another; each one's offset speaks of the text that the last one left. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  return edits.reduce(
    (now, { offset, length, content }) =>
      now.slice(0, offset) + content + now.slice(offset + length),
    text,
  );
}

/** The edits that lead from the edited text back to `text`, byte for byte. */
export function inverseOf(text: string, edits: readonly TextEdit[]): readonly TextEdit[] {
  const inverse: TextEdit[] = [];
  let now = text;
  for (const edit of edits) {
    inverse.unshift({
      offset: edit.offset,
      length: edit.content.length,
      content: now.slice(edit.offset, edit.offset + edit.length),
    });
    now = applyEdits(now, [edit]);
  }
  return inverse;
}

/** The line ending that a text uses; of an empty one, a line feed. */
export function lineEndingOf(text: string): "\r\n" | "\n" {
  const first = text.indexOf("\n");
  return first > 0 && text[first - 1] === "\r" ? "\r\n" : "\n";
}

/** The line that an offset lies in, counted from one. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

/** SHA-256 of a text's bytes, in hex. */
export function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** What differs between two texts: lines with `+` or `-`, with what lies far apart left out. */
export function shortDiff(before: string, after: string): string[] {
  const a = linesOf(before);
  const b = linesOf(after);
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) {
    end += 1;
  }
  return middle(a.slice(start, a.length - end), b.slice(start, b.length - end));
}

/** Beyond this, lines are not matched one by one: the table would be too large. */
const mostCells = 4_000_000;

/** A longest common subsequence, so that far apart changes do not show all that lies between. */
function middle(a: readonly string[], b: readonly string[]): string[] {
  if (a.length * b.length > mostCells) {
    return [...a.map((line) => `-${line}`), ...b.map((line) => `+${line}`)];
  }
  const width = b.length + 1;
  const best = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number) => best[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      best[i * width + j] =
        a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const out: string[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      i += 1;
      j += 1;
    } else if (i < a.length && (j === b.length || at(i + 1, j) >= at(i, j + 1))) {
      out.push(`-${a[i]}`);
      i += 1;
    } else {
      out.push(`+${b[j]}`);
      j += 1;
    }
  }
  return out;
}

function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  return lines;
}
