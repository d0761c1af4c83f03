import { headBytes } from "../text/bytes.ts";
import { oneLine, plainText } from "../text/control.ts";
import { type Block, blocksOf } from "./blocks.ts";
import {
  isUnsettled,
  type Roadmap,
  type RoadmapItem,
  type RoadmapPart,
  type RoadmapProblem,
  type RoadmapStatus,
  roadmapStatuses,
} from "./roadmap.ts";

/** What a document that says it is a roadmap must have, as beginnings of its section's titles. */
export const requiredSections = [
  "Product direction",
  "Architecture direction",
  "Current flaws",
  "Phase 1",
  "Phase 2",
] as const;

const format = "1";
const mostItems = 2000;
const mostProblems = 100;
const titleBytes = 200;
const textBytes = 1000;
const quotedBytes = 60;

const partId = /^[A-Z][A-Z0-9]{1,9}$/;
const itemId = /^([A-Z][A-Z0-9]{1,9})-[0-9]{1,4}$/;
/** An id and a status in another dress: a task, struck out, underscored, all in bold. */
const dressedItem =
  /^(?:\[[ xX]?\]|[*_~`\s]){0,9}([A-Z][A-Z0-9]{1,9}-[0-9]{1,4})[*_~`:\s]{0,9}\(([^()]{0,40})\)[*_~`:]{0,9}/;
const shape = "`### ABC · Title · open`";
const itemShape = "`- **ABC-1** (open) Text`";

export interface ParsedRoadmap {
  readonly roadmap: Roadmap;
  /** In the order of their lines, each within the text; empty where all is well. */
  readonly problems: readonly RoadmapProblem[];
}

/**
 * Reads a roadmap. Whatever the text, it answers what could be read and what is wrong with the
 * rest; what has an id but no status that can be read counts as open, so that nothing is hidden.
 */
export function parseRoadmap(text: string): ParsedRoadmap {
  const reading = new Reading();
  for (const block of blocksOf(plainText(text))) reading.take(block);
  return reading.end();
}

type Draft<T> = { -readonly [K in keyof T]: T[K] };
type PartDraft = Omit<Draft<RoadmapPart>, "items"> & {
  readonly items: RoadmapItem[];
  readonly level: number;
};

/** What was read so far, and where in the document we are. */
class Reading {
  readonly #problems: RoadmapProblem[] = [];
  readonly #parts: PartDraft[] = [];
  readonly #items: { readonly item: RoadmapItem; readonly in: PartDraft | undefined }[] = [];
  readonly #sections: string[] = [];
  #title: string | undefined;
  /** Where the document says that it is a roadmap. */
  #markedAt: number | undefined;
  #part: PartDraft | undefined;
  /** Items whose id names no heading that is there, below none. */
  readonly #lost: RoadmapItem[] = [];
  #isFull = false;

  take(block: Block): void {
    if (block.kind === "comment") this.#mark(block.text, block.line);
    else if (block.kind === "unclosed") {
      this.#tell(block.line, `This ${block.text} is never closed; nothing after it is read.`);
    } else if (block.kind === "heading") this.#heading(block);
    else this.#entry(block.text, block.line);
  }

  end(): ParsedRoadmap {
    this.#placeItems();
    this.#judgeParts();
    this.#judgeDocument();
    const problems = this.#problems.toSorted((a, b) => a.line - b.line);
    const parts = [
      ...this.#parts.map(({ level: _level, ...part }) => part),
      ...partOfTheLost(this.#lost),
    ];
    return { roadmap: { title: this.#title ?? "", parts }, problems: capped(problems) };
  }

  #tell(line: number, message: string): void {
    this.#problems.push({ line, message });
  }

  #mark(comment: string, line: number): void {
    const version = /^<!--\s{0,9}roadmap:\s{0,9}(\S{1,40})\s{0,9}-->$/.exec(comment)?.[1];
    if (version === undefined) return;
    this.#markedAt ??= line;
    if (version === format) return;
    this.#tell(line, `Roadmaps of format ${quoted(version)} are not known; ${format} is.`);
  }

  #heading({ level, text, line }: Block & { kind: "heading" }): void {
    if (this.#part !== undefined && level <= this.#part.level) this.#part = undefined;
    if (level === 1) {
      this.#title ??= shown(text, titleBytes);
      return;
    }
    const read = this.#partOf(text, line);
    if (level === 2) this.#sections.push(shown(read?.title ?? text, titleBytes));
    if (read === undefined) return;
    const section = this.#sections.at(-1) ?? "";
    const kind = /^phase\b/i.test(section) ? "workstream" : "list";
    this.#part = { ...read, kind, section, line, items: [], level };
    this.#parts.push(this.#part);
  }

  /** A heading's id, title and status; undefined for a heading that has neither id nor status. */
  #partOf(text: string, line: number): Pick<RoadmapPart, "id" | "title" | "status"> | undefined {
    const fields = text.split("·").map((field) => field.trim());
    if (fields.length < 2) return undefined;
    const first = fields[0] ?? "";
    const last = fields.at(-1) ?? "";
    const id = partId.test(first) ? first : "";
    const status = statusOf(last);
    if (id === "" && status === undefined) return undefined;
    if (id === "") {
      this.#tell(line, `This heading has a status but no id; it should be ${shape}.`);
      return { id, title: titleOf(fields.slice(0, -1)), status: status ?? "open" };
    }
    if (fields.length === 2) {
      const missing = status === undefined ? "status" : "title";
      this.#tell(line, `${id} has no ${missing}; it should be ${shape}.`);
      const title = status === undefined ? titleOf(fields.slice(1)) : id;
      return { id, title, status: status ?? "open" };
    }
    if (status === undefined) this.#tell(line, unknownStatus(id, last));
    return { id, title: titleOf(fields.slice(1, -1)), status: status ?? "open" };
  }

  #entry(text: string, line: number): void {
    let [whole = "", id = "", word] =
      /^\*\*([^*\s]{1,40})\*\*[ \t]{0,9}(?:\(([^()]{0,40})\))?/.exec(text) ?? [];
    const wanted = `it should be ${itemShape}.`;
    const dressed = itemId.test(id) ? null : dressedItem.exec(text);
    if (statusOf(dressed?.[2]) !== undefined) {
      [whole = "", id = "", word] = dressed ?? [];
      this.#tell(line, `${id} is not written as an item; ${wanted}`);
    }
    if (!itemId.test(id)) {
      if (id !== "" && statusOf(word) !== undefined) {
        this.#tell(line, `${quoted(id)} is no id; ${wanted}`);
      } else if (statusOf(/^\(([^()]{0,40})\)/.exec(text)?.[1]) !== undefined) {
        this.#tell(line, `This item has a status but no id; ${wanted}`);
      }
      return;
    }
    if (this.#items.length >= mostItems) {
      if (!this.#isFull) this.#tell(line, `Only the first ${mostItems} items are read.`);
      this.#isFull = true;
      return;
    }
    const status = statusOf(word);
    if (word === undefined) this.#tell(line, `${id} has no status; ${wanted}`);
    else if (status === undefined) this.#tell(line, unknownStatus(id, word));
    const words = text.slice(whole.length).trim();
    if (words === "") this.#tell(line, `${id} has no text.`);
    const see = placesIn(words);
    if (status === "done" && see.length === 0) {
      this.#tell(
        line,
        `${id} is done but does not say where to see it: end it with See \`place\`.`,
      );
    }
    const item = { id, status: status ?? "open", text: shown(words, textBytes), see, line };
    this.#items.push({ item, in: this.#part });
  }

  /** Puts each item into the part that its id names, wherever it stands. */
  #placeItems(): void {
    const parts = new Map(this.#parts.toReversed().map((part) => [part.id, part]));
    const seen = new Map<string, number>();
    for (const { item, in: here } of this.#items) {
      const { id, line } = item;
      const first = seen.get(id);
      if (first !== undefined) this.#tell(line, `${id} is there already, at line ${first}.`);
      seen.set(id, first ?? line);
      const prefix = itemId.exec(id)?.[1] ?? "";
      const named = here?.id === prefix ? here : parts.get(prefix);
      if (here?.id === "") here.items.push(item);
      else {
        if (here?.id !== prefix) this.#tell(line, misplaced(id, here, named, prefix));
        ((named ?? here)?.items ?? this.#lost).push(item);
      }
    }
  }

  #judgeParts(): void {
    const seen = new Map<string, number>();
    for (const { id, title, status, line, items } of this.#parts) {
      const name = id === "" ? title : id;
      const first = seen.get(id);
      if (first !== undefined) this.#tell(line, `${id} is there already, at line ${first}.`);
      if (id !== "") seen.set(id, first ?? line);
      if (items.length === 0) this.#tell(line, `${name} has no questions or other items.`);
      const unsettled = items.find((item) => isUnsettled(item.status));
      if (!isUnsettled(status) && unsettled !== undefined) {
        this.#tell(line, `${name} is ${status}, but ${unsettled.id} is ${unsettled.status}.`);
      }
    }
  }

  #judgeDocument(): void {
    const marked = this.#markedAt;
    if (marked === undefined) {
      if (this.#parts.length > 0) return;
      this.#tell(1, `Nothing here can be listed: there is no heading such as ${shape}.`);
      return;
    }
    if (this.#title === undefined) this.#tell(marked, "The roadmap has no title (`# …`).");
    for (const wanted of requiredSections) {
      if (this.#sections.some((title) => title.toLowerCase().startsWith(wanted.toLowerCase()))) {
        continue;
      }
      this.#tell(marked, `The section "${wanted}" is missing (\`## ${wanted}\`).`);
    }
  }
}

/** A list of what has no place in the document, so that it is shown all the same. */
function partOfTheLost(items: readonly RoadmapItem[]): RoadmapPart[] {
  const [first] = items;
  if (first === undefined) return [];
  const status = items.some((item) => isUnsettled(item.status)) ? "open" : "done";
  const title = "Below no heading";
  return [{ id: "", title, status, kind: "list", section: "", line: first.line, items }];
}

function misplaced(
  id: string,
  here: PartDraft | undefined,
  named: PartDraft | undefined,
  prefix: string,
): string {
  const stands = here === undefined ? "below no workstream" : `below ${here.id}`;
  const belongs =
    named === undefined ? `there is no ${prefix}` : `${prefix} is at line ${named.line}`;
  return `${id} stands ${stands}; ${belongs}.`;
}

function unknownStatus(id: string, word: string): string {
  return `${id} has the status ${quoted(word)}; it may be ${roadmapStatuses.join(", ")}.`;
}

function statusOf(word: string | undefined): RoadmapStatus | undefined {
  const wanted = word?.trim().toLowerCase();
  return roadmapStatuses.find((status) => status === wanted);
}

/** The code marks after the last "See" of a text. */
function placesIn(text: string): string[] {
  const at = Math.max(text.lastIndexOf(" See "), text.startsWith("See ") ? 0 : -1);
  if (at === -1) return [];
  return [...text.slice(at).matchAll(/`([^`]{1,200})`/g)].map((match) =>
    shown(match[1] ?? "", titleBytes),
  );
}

function titleOf(fields: readonly string[]): string {
  return shown(fields.join(" · "), titleBytes);
}

function shown(text: string, bytes: number): string {
  return headBytes(oneLine(text), bytes).text;
}

function quoted(word: string): string {
  return JSON.stringify(shown(word, quotedBytes));
}

function capped(problems: readonly RoadmapProblem[]): readonly RoadmapProblem[] {
  const further = problems[mostProblems];
  if (further === undefined) return problems;
  const message = `Here and below are ${problems.length - mostProblems} further problems.`;
  return [...problems.slice(0, mostProblems), { line: further.line, message }];
}
