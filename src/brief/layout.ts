import { fence } from "../text/fence.ts";

/** A section ready to be laid out: all of its text is fit to show. */
export interface ShownSection {
  readonly name: string;
  readonly title: string;
  /** Said behind the title, such as whose section it is. */
  readonly mark: string | undefined;
  /** Text that stands before everything else. */
  readonly body: string;
  readonly notes: readonly string[];
  readonly output: string;
  /** Which end of the output stays when there is too much of it. */
  readonly keep: "head" | "tail";
  /** The nonce of the fence around the output; undefined: it stands bare. */
  readonly nonce: string | undefined;
  /** The most characters it takes. */
  readonly size: number;
}

export interface Room {
  /** The most characters of the whole. */
  readonly max: number;
  /** Whether each section's own size counts. */
  readonly sized: boolean;
  /** Says how to get what is left out of a section. */
  rest(name: string): string;
}

export interface Laid {
  readonly text: string;
  /** Names of sections that are not whole. */
  readonly cut: readonly string[];
}

/** What is kept of a section that must give way, so that it still says what it is. */
const leastRoom = 240;

/**
 * Lays the brief out in its order within its room. Each section is cut to its own size; where that
 * is still too much, the last ones give way first, down to their titles, then altogether. Pure.
 */
export function layOut(header: string, sections: readonly ShownSection[], room: Room): Laid {
  const texts = sections.map((section) =>
    sectionText(section, room.sized ? section.size : Infinity, room),
  );
  const length = () => texts.reduce((sum, text) => sum + text.length + 2, header.length + 1);
  for (let at = sections.length - 1; at >= 0 && length() > room.max; at -= 1) {
    const [section, text] = [sections[at], texts[at]];
    if (section === undefined || text === undefined) continue;
    const allowed = Math.max(Math.min(leastRoom, text.length), text.length - (length() - room.max));
    texts[at] = sectionText(section, allowed, room);
  }
  const { kept, last } = dropLast(header, texts, sections, room);
  const text = `${[header, ...texts.slice(0, kept), ...last].join("\n\n")}\n`;
  return {
    text: clipped(text, room.max),
    cut: sections
      .filter((section, at) => at >= kept || texts[at] !== sectionText(section, Infinity, room))
      .map((section) => section.name),
  };
}

/** Sections for which not even their titles have room are told in one line. */
function dropLast(
  header: string,
  texts: readonly string[],
  sections: readonly ShownSection[],
  room: Room,
): { kept: number; last: readonly string[] } {
  for (let kept = texts.length; kept >= 0; kept -= 1) {
    const names = sections.slice(kept).map((section) => section.name);
    const last =
      names.length === 0
        ? []
        : [`[Left out for room: ${names.join(", ")}; ${room.rest(names[0] ?? "")}]`];
    const parts = [header, ...texts.slice(0, kept), ...last];
    const length = parts.reduce((sum, part) => sum + part.length + 2, -1);
    if (length <= room.max || kept === 0) return { kept, last };
  }
  return { kept: 0, last: [] };
}

/** One section in at most so many characters, what is left out told with how to get it. */
export function sectionText(section: ShownSection, most: number, room: Pick<Room, "rest">): string {
  const whole = compose(section, section.body, section.output);
  if (whole.length <= most) return whole;
  const frame = compose(section, section.body, section.output === "" ? "" : " ").length;
  const output = cut(section.output, most - frame, section, room);
  if (section.output !== "" && output !== undefined) return compose(section, section.body, output);
  const bare = { ...section, nonce: undefined };
  const note = section.output === "" ? "" : leftOut(section.output.length, section.name, room);
  const besides = compose(bare, section.body === "" ? "" : " ", note).length;
  const body = cut(section.body, most - besides, { ...section, keep: "head" }, room);
  if (section.body !== "" && body !== undefined) return compose(bare, body, note);
  const all = section.body.length + section.output.length;
  return clipped(compose({ ...bare, notes: [] }, "", leftOut(all, section.name, room)), most);
}

function compose(section: ShownSection, body: string, output: string): string {
  const mark = section.mark === undefined ? "" : ` (${section.mark})`;
  const fenced =
    output === "" || section.nonce === undefined
      ? output
      : fence(output, `output of section ${section.name}`, section.nonce);
  return [`## ${section.title}${mark}`, body, ...section.notes, fenced]
    .filter((part) => part !== "")
    .join("\n");
}

function leftOut(count: number, name: string, room: Pick<Room, "rest">): string {
  return `[${count} characters left out; ${room.rest(name)}]`;
}

/** A part of a text with a note of what is missing; undefined where there is no room for a part. */
function cut(
  text: string,
  most: number,
  { name, keep }: Pick<ShownSection, "name" | "keep">,
  room: Pick<Room, "rest">,
): string | undefined {
  if (text.length <= most) return text;
  const space = most - leftOut(text.length, name, room).length - 1;
  if (space < 40) return undefined;
  const part = keep === "head" ? headOf(text, space) : tailOf(text, space);
  const note = leftOut(text.length - part.length, name, room);
  return keep === "head" ? `${part}\n${note}` : `${note}\n${part}`;
}

/** Cuts at the end of a line where one is near. */
function headOf(text: string, most: number): string {
  const head = text
    .slice(0, most)
    .toWellFormed()
    .replace(/\ufffd$/, "");
  const line = head.lastIndexOf("\n");
  return line > most / 2 ? head.slice(0, line) : head;
}

function tailOf(text: string, most: number): string {
  const tail = text
    .slice(-most)
    .toWellFormed()
    .replace(/^\ufffd/, "");
  const line = tail.indexOf("\n");
  return line !== -1 && line < most / 2 ? tail.slice(line + 1) : tail;
}

/** The last net: never longer than it may be. */
function clipped(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, Math.max(0, most - 2)).toWellFormed()}…\n`;
}
