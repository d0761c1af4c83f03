/** Makes text from outside safe to show: no escape sequences, no invisible or reordering characters. */

const escapeSequences = [
  // OSC, DCS, SOS, PM and APC, ended by BEL or ST, or cut off at the end of the line.
  /(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?/g,
  // CSI: colours, cursor moves, erasing.
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?/g,
  // Two- and three-character escapes.
  /\x1b[ -/]*[0-~]?/g,
];

/** All C0 but tab and newline, DEL, and C1. */
const controls = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

/** Bidirectional controls, zero-width characters and tag characters: they change what a reader sees. */
const invisible =
  /[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]|[\u{e0000}-\u{e007f}]/gu;

/**
 * Plain text: escape sequences, control and invisible characters gone; of a line that was drawn
 * over with carriage returns only the last drawing. The number of newlines stays the same.
 */
export function plainText(text: string): string {
  let plain = text.toWellFormed();
  for (const sequence of escapeSequences) plain = plain.replace(sequence, "");
  return plain
    .split("\n")
    .map(lastDrawing)
    .join("\n")
    .replace(/[\u2028\u2029]/g, " ")
    .replace(controls, "")
    .replace(invisible, "");
}

function lastDrawing(line: string): string {
  if (!line.includes("\r")) return line;
  return line.split("\r").findLast((drawing) => drawing !== "") ?? "";
}

/** Plain text on one line, for names and titles inside a sentence. */
export function oneLine(text: string): string {
  return plainText(text).replace(/\s+/g, " ").trim();
}
