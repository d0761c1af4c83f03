import type { Captured } from "../process/capture.ts";

/** What a section's source gave, not yet fit to show. */
export interface Printed {
  readonly text: string;
  /** What is to be said of it, before it. */
  readonly notes: readonly string[];
  /** Of what failed, the end matters. */
  readonly keep: "head" | "tail";
  /** Text that others than this kit wrote is shown between two fences. */
  readonly isForeign: boolean;
}

/** Most bytes of standard output that are read of one command. */
export const mostPrinted = 256 * 1024;
const lastLines = 12;
const lastLinesLength = 1000;

/** Text with nothing to say about it. */
export function plainly(text: string): Printed {
  return { text, notes: [], keep: "head", isForeign: false };
}

/** A note alone. */
export function onlyNote(note: string): Printed {
  return { text: "", notes: [note], keep: "head", isForeign: false };
}

/** What a command printed, with how it ended where that was not well. `program`: its first word. */
export function printedBy(program: string, captured: Captured): Printed {
  const { ended, exitCode, killedBy } = captured;
  if (ended === "not_started") return onlyNote(whyNotStarted(program, captured.why));
  const out = asText(captured.stdout);
  const notes =
    out.binaryBytes === undefined
      ? []
      : [`It printed ${out.binaryBytes} bytes that are no text; they are not shown.`];
  if (ended === "stopped")
    notes.push(out.text === "" ? "It had printed nothing." : "What it had printed:");
  if (ended === "overflowed") {
    notes.push(`It printed more than ${mostPrinted / 1024} KiB and was stopped there.`);
    return { text: wholeLines(out.text), notes, keep: "head", isForeign: true };
  }
  const failed = ended === "exited" && exitCode !== 0;
  const complaint =
    ended === "exited" && !failed && out.text.trim() !== "" ? "" : lastOf(captured.stderr);
  if (failed) {
    const how =
      exitCode === null
        ? `was ended by ${killedBy ?? "a signal"}`
        : `ended with exit code ${exitCode}`;
    const last = complaint === "" ? "" : "; what it said last is at the end";
    notes.push(`Its command ${how}${last}.`);
  }
  const text = [out.text.trimEnd(), complaint].filter((part) => part !== "").join("\n");
  return { text, notes, keep: failed ? "tail" : "head", isForeign: true };
}

function whyNotStarted(program: string, why: string): string {
  const missing = /ENOENT/.test(why) ? `there is no program ${JSON.stringify(program)}` : why;
  return `Its command could not be started: ${missing}.`;
}

/** Decodes what is text; anything else is only counted. */
function asText(bytes: Uint8Array): { text: string; binaryBytes?: number } {
  const text = new TextDecoder().decode(bytes);
  const broken = text.split("\ufffd").length - 1;
  if (!bytes.includes(0) && broken <= 8 + text.length / 50) return { text };
  return { text: "", binaryBytes: bytes.length };
}

/** A secret that the end cuts through would not be known as one, so its line goes. */
function wholeLines(text: string): string {
  const end = text.lastIndexOf("\n");
  return end === -1 ? text.slice(0, -4096) : text.slice(0, end);
}

function lastOf(stderr: Uint8Array): string {
  const lines = asText(stderr).text.trimEnd().split("\n").slice(-lastLines);
  const said = lines.join("\n");
  if (said.length <= lastLinesLength) return said;
  const line = said.indexOf("\n", said.length - lastLinesLength);
  return line === -1 ? "[its last line is too long to show]" : said.slice(line + 1);
}
