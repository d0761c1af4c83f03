import { writeSync } from "node:fs";

/**
 * Log lines to an open file that may be on a full disk: what cannot be written is left out and
 * counted, and the forge goes on. `write` is given whole lines.
 */
export function patientLog(
  fd: number,
  put: (fd: number, text: string) => number = writeSync,
): { write(line: string): void } {
  let lost = 0;
  let cut = false;
  return {
    write(line) {
      const told =
        lost === 0
          ? line
          : `${JSON.stringify({ level: 40, time: Date.now(), msg: "lines of this log were lost", lost })}\n${line}`;
      // What was cut off stays cut off; the next line begins on its own.
      const text = cut ? `\n${told}` : told;
      try {
        const bytes = Buffer.byteLength(text);
        const written = put(fd, text);
        cut = written < bytes;
        lost = cut ? lost + 1 : 0;
      } catch {
        lost += 1;
      }
    },
  };
}
