/** Caps for text, always in bytes of UTF-8 and never in the middle of a character. */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What is left of a text after a cut, and how many bytes were left out. */
export interface Cut {
  readonly text: string;
  readonly leftOut: number;
}

/** Bytes of a text in UTF-8. A lone surrogate counts as the three bytes it is replaced by. */
export function byteLength(text: string): number {
  return Buffer.byteLength(text, "utf8");
}

/** The first bytes of a text, at most `max`. */
export function headBytes(text: string, max: number): Cut {
  const total = byteLength(text);
  if (total <= max) return { text, leftOut: 0 };
  const room = new Uint8Array(Math.max(0, Math.floor(max)));
  const { written } = encoder.encodeInto(text, room);
  return { text: decoder.decode(room.subarray(0, written)), leftOut: total - written };
}

/** The last bytes of a text, at most `max`. */
export function tailBytes(text: string, max: number): Cut {
  const bytes = encoder.encode(text);
  if (bytes.length <= max) return { text, leftOut: 0 };
  let start = bytes.length - Math.max(0, Math.floor(max));
  while (start < bytes.length && isContinuation(bytes[start])) start += 1;
  return { text: decoder.decode(bytes.subarray(start)), leftOut: start };
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

/**
 * Caps a text at `max` bytes, its own note included. The note says how much was left out and, with
 * `rest`, how to get it. `keep` says which end stays; logs keep their tail.
 */
export function capText(
  text: string,
  max: number,
  options: { keep?: "head" | "tail"; rest?: string } = {},
): string {
  if (byteLength(text) <= max) return text;
  const tail = options.keep === "tail";
  const note = (leftOut: number) =>
    `[${leftOut} bytes left out ${tail ? "before this" : "here"}${options.rest === undefined ? "" : `; ${options.rest}`}]`;
  // The number in the note can only get shorter than the one for the whole text.
  const room = max - byteLength(note(byteLength(text))) - 1;
  if (room <= 0) return headBytes(text, max).text;
  const cut = tail ? tailBytes(text, room) : headBytes(text, room);
  return tail ? `${note(cut.leftOut)}\n${cut.text}` : `${cut.text}\n${note(cut.leftOut)}`;
}
