import { isLandError } from "../domain/errors.ts";
import { newNonce } from "../text/fence.ts";
import { fitToShow } from "../text/untrusted.ts";
import type { Ended } from "./deadlines.ts";
import type { ShownSection } from "./layout.ts";
import { onlyNote, type Printed } from "./printed.ts";
import type { Section } from "./section.ts";
import type { BrokenSection } from "./sections.ts";

/** How a section ended, for programs. `absent`: its file is not there, so it is not shown. */
export type SectionState = Ended<unknown>["state"] | "absent" | "broken";

/** A section that has run, ready to be laid out. */
export interface RunSection {
  readonly section: Section;
  readonly state: SectionState;
  readonly ms: number;
  /** undefined: there is nothing of it to show. */
  readonly shown: ShownSection | undefined;
}

/** Makes what a section gave fit to show. `secrets`: values that must not be in it. Pure. */
export function showSection(
  section: Section,
  ended: Ended<Printed | undefined>,
  secrets: readonly string[],
): RunSection {
  const { state, ms } = ended;
  if (ended.state === "done" && ended.value === undefined) {
    return { section, state: "absent", ms, shown: undefined };
  }
  const printed = printedOf(section, ended);
  const isOurs = section.source === "kit";
  const clean = (text: string, foreign: boolean) => {
    const shown = fitToShow(text, secrets).trimEnd();
    return foreign ? lowerHeadings(shown) : shown;
  };
  const output = clean(printed.text, printed.isForeign || !isOurs || section.file !== undefined);
  return {
    section,
    state,
    ms,
    shown: {
      name: section.name,
      title: clean(section.title, false),
      mark: isOurs ? undefined : "this repository's own section",
      body: clean(section.body, !isOurs),
      notes: printed.notes.map((note) => clean(note, false)),
      output: output.trim() === "" ? "" : output,
      keep: printed.keep,
      nonce: printed.isForeign ? newNonce() : undefined,
      size: section.size,
    },
  };
}

/** What failed in the same words in one section after another, such as for want of a network, is said once. */
export function onceEach(sections: readonly RunSection[]): readonly RunSection[] {
  const failures = new Map<string, string>();
  return sections.map((one) => {
    const { shown } = one;
    if (shown === undefined || shown.keep !== "tail" || shown.output === "") return one;
    const earlier = failures.get(shown.output);
    if (earlier === undefined) {
      failures.set(shown.output, shown.title);
      return one;
    }
    const notes = [`The same failure as under "${earlier}".`];
    return { ...one, shown: { ...shown, notes, output: "" } };
  });
}

/** A section that cannot be run, told in its place. */
export function showBroken({ name, source, why }: BrokenSection): ShownSection {
  return {
    name,
    title: fitToShow(name),
    mark: source === "kit" ? undefined : "this repository's own section",
    body: "",
    notes: [`briefs/${fitToShow(name)}.md is broken and was left out: ${fitToShow(why)}`],
    output: "",
    keep: "head",
    nonce: undefined,
    size: 600,
  };
}

function printedOf(section: Section, ended: Ended<Printed | undefined>): Printed {
  switch (ended.state) {
    case "done": {
      const printed = ended.value ?? onlyNote("");
      const isSilent = printed.text.trim() === "" && printed.notes.length === 0;
      return isSilent && section.command !== undefined ? onlyNote("It printed nothing.") : printed;
    }
    case "failed":
      return onlyNote(`It failed: ${wordsOf(ended.error)}`);
    case "timed_out":
      return withNote(`It did not end within ${seconds(ended.ms)} and was stopped.`, ended.value);
    case "stopped":
      return withNote("The brief was told to stop before this had ended.", ended.value);
  }
}

function withNote(note: string, printed: Printed | undefined): Printed {
  return printed === undefined ? onlyNote(note) : { ...printed, notes: [note, ...printed.notes] };
}

function wordsOf(error: unknown): string {
  if (isLandError(error)) return [error.message, error.next].filter(Boolean).join(" ");
  return error instanceof Error ? error.message : String(error);
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}

/** Others' headings stay below those of the sections. */
function lowerHeadings(text: string): string {
  return text.replace(/^( {0,3})(#{1,2})(?=[ \t#]|$)/gm, "$1##$2");
}
