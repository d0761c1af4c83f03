/** The few kinds of Markdown block that a roadmap is made of. Everything else is prose. */
export type Block =
  | {
      readonly kind: "heading";
      readonly level: number;
      readonly text: string;
      readonly line: number;
    }
  /** One entry of a list: its first paragraph, on one line. */
  | { readonly kind: "entry"; readonly text: string; readonly line: number }
  | { readonly kind: "comment"; readonly text: string; readonly line: number }
  /** A code fence or a comment that goes on to the end of the document. */
  | { readonly kind: "unclosed"; readonly text: "code fence" | "comment"; readonly line: number };

/** Further characters of a line are not looked at. */
const lineReach = 4000;

/** Headings, list entries and comments of a document, in order; nothing of what stands in code. */
export function blocksOf(text: string): Block[] {
  const lines = text.split("\n").map((line) => line.slice(0, lineReach));
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; ) {
    const [block, next] = blockAt(lines, at);
    if (block !== undefined) blocks.push(block);
    at = next;
  }
  return blocks;
}

/** The block that begins at a line, if one does, and the line after it. */
function blockAt(lines: readonly string[], at: number): [Block | undefined, number] {
  const words = (lines[at] ?? "").trim();
  const line = at + 1;
  const fence = /^(?:`{3,}|~{3,})/.exec(words)?.[0];
  if (fence !== undefined) {
    const end = firstFrom(lines, at + 1, (one) => closes(one, fence));
    if (end === -1) return [{ kind: "unclosed", text: "code fence", line }, lines.length];
    return [undefined, end + 1];
  }
  if (words.startsWith("<!--")) {
    const end = firstFrom(lines, at, (one) => one.includes("-->"));
    if (end === -1) return [{ kind: "unclosed", text: "comment", line }, lines.length];
    return [{ kind: "comment", text: words, line }, end + 1];
  }
  const level = headingLevel(words);
  if (level > 0) {
    const title = words.slice(level).replace(/\s#+$/, "").trim();
    return [{ kind: "heading", level, text: title, line }, at + 1];
  }
  const entry = entryText(words);
  if (entry === undefined) return [undefined, at + 1];
  const end = endOfParagraph(lines, at + 1);
  const further = lines.slice(at + 1, end).map((one) => one.trim());
  return [{ kind: "entry", text: [entry, ...further].join(" "), line }, end];
}

function closes(words: string, fence: string): boolean {
  const mark = fence.charAt(0);
  return words.startsWith(fence) && [...words].every((one) => one === mark);
}

/** 0 where a line is no heading. */
function headingLevel(words: string): number {
  return /^(#{1,6})(?:\s|$)/.exec(words)?.[1]?.length ?? 0;
}

/** What follows the mark of a list entry. A number is one where an item's id follows it. */
function entryText(words: string): string | undefined {
  const mark = /^(?:[-*+]|\d{1,9}[.)](?=\s\W{0,9}[A-Z][A-Z0-9]{1,9}-\d))\s/.exec(words)?.[0];
  return mark === undefined ? undefined : words.slice(mark.length).trim();
}

function endOfParagraph(lines: readonly string[], from: number): number {
  const end = firstFrom(lines, from, (words) => !goesOn(words));
  return end === -1 ? lines.length : end;
}

/** The first line from a place on whose words are wanted; -1 where there is none. */
function firstFrom(
  lines: readonly string[],
  from: number,
  wanted: (words: string) => boolean,
): number {
  for (let at = from; at < lines.length; at += 1) {
    if (wanted((lines[at] ?? "").trim())) return at;
  }
  return -1;
}

/** Whether a line goes on with the paragraph before it. */
function goesOn(words: string): boolean {
  return (
    words !== "" &&
    headingLevel(words) === 0 &&
    entryText(words) === undefined &&
    !/^(?:`{3,}|~{3,}|<!--|[|>])/.test(words)
  );
}
