export interface Hunk {
  /** Where the hunk begins, counted from 1. */
  readonly line: number;
  readonly text: string;
}

/**
 * The conflicting parts of a file as git left them, in any conflict style (two or three sides),
 * with line ends of either kind. At most `maxBytes` of text in all; a hunk that does not fit ends
 * with a line that says so, and later ones are left out. A hunk that is never closed counts to the
 * end of the file.
 */
export function parseHunks(content: string, maxBytes: number, markerSize = 7): readonly Hunk[] {
  const opens = marker("<", markerSize);
  const closes = marker(">", markerSize);
  const hunks: Hunk[] = [];
  let room = maxBytes;
  let open: { line: number; lines: string[]; cut: boolean } | undefined;
  const keep = (text: string) => {
    if (open === undefined || open.cut) return;
    room -= Buffer.byteLength(text) + 1;
    if (room >= 0) open.lines.push(text);
    else open = { ...open, cut: true, lines: [...open.lines, "… (cut here; read the file)"] };
  };
  const close = () => {
    if (open !== undefined) hunks.push({ line: open.line, text: open.lines.join("\n") });
    open = undefined;
  };
  for (const [index, raw] of content.split("\n").entries()) {
    if (open === undefined && room <= 0) break;
    const text = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
    if (open === undefined && opens.test(text)) open = { line: index + 1, lines: [], cut: false };
    keep(text);
    if (open !== undefined && closes.test(text)) close();
  }
  close();
  return hunks;
}

function marker(sign: string, size: number): RegExp {
  return new RegExp(`^${sign}{${size}}(?: |$)`);
}
