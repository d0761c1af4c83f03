import { headBytes } from "../text/bytes.ts";
import type { ParsedRoadmap } from "./parse.ts";
import {
  isUnsettled,
  type RoadmapItem,
  type RoadmapPart,
  type RoadmapProblem,
  type RoadmapStatus,
  roadmapStatuses,
} from "./roadmap.ts";

export type RoadmapCounts = Readonly<Record<RoadmapStatus, number>>;

/** A roadmap as it is shown: all of it, or what is open and in work. */
export interface RoadmapView {
  /** From the work tree's top. */
  readonly file: string;
  readonly title: string;
  readonly shown: "open" | "all";
  /** Of all items, shown or not. */
  readonly counts: RoadmapCounts;
  /** Workstreams before lists, each in the document's order. */
  readonly workstreams: readonly (RoadmapPart & { readonly counts: RoadmapCounts })[];
  readonly problems: readonly RoadmapProblem[];
}

/** What is to be shown of a roadmap. Pure. */
export function roadmapView(file: string, parsed: ParsedRoadmap, all: boolean): RoadmapView {
  const { parts, title } = parsed.roadmap;
  const wanted = (status: RoadmapStatus) => all || isUnsettled(status);
  return {
    file,
    title,
    shown: all ? "all" : "open",
    counts: countsOf(parts.flatMap((part) => part.items)),
    workstreams: parts
      .map((part) => ({
        ...part,
        items: part.items.filter((item) => wanted(item.status)),
        counts: countsOf(part.items),
      }))
      .filter((part) => wanted(part.status) || part.items.length > 0)
      .toSorted((a, b) => Number(a.kind === "list") - Number(b.kind === "list")),
    problems: parsed.problems,
  };
}

/** The view as text: grouped by workstream, an item on a line, its first sentence alone unless all is shown. */
export function renderRoadmap(view: RoadmapView): string {
  const head = [
    `${view.title === "" ? "Roadmap" : view.title} · ${view.file}`,
    countWords(view.counts),
  ];
  const parts = view.workstreams.map((part) =>
    [
      `${part.id === "" ? "" : `${part.id} · `}${part.title} · ${part.status} (${countWords(part.counts)})`,
      ...part.items.map((item) => `  ${item.id} (${item.status}) ${wordsOf(item, view)}`),
    ].join("\n"),
  );
  const nothing = view.problems.length === 0 ? "Nothing" : "Nothing that could be read";
  const none = parts.length === 0 ? [`${nothing} is open.`] : [];
  return [head.join("\n"), ...parts, ...none].join("\n\n");
}

/** What is wrong with the file, a line each, as compilers tell it. */
export function renderProblems({ file, problems }: Pick<RoadmapView, "file" | "problems">): string {
  return problems.map(({ line, message }) => `${file}:${line}: ${message}\n`).join("");
}

function countsOf(items: readonly RoadmapItem[]): RoadmapCounts {
  const count = (status: RoadmapStatus) => items.filter((item) => item.status === status).length;
  return Object.fromEntries(
    roadmapStatuses.map((status) => [status, count(status)]),
  ) as RoadmapCounts;
}

function countWords(counts: RoadmapCounts): string {
  const parts = roadmapStatuses.filter((status) => counts[status] > 0);
  return parts.map((status) => `${counts[status]} ${status}`).join(", ") || "no items";
}

const lineBytes = 240;

function wordsOf(item: RoadmapItem, view: RoadmapView): string {
  return view.shown === "all" ? item.text : firstSentence(item.text);
}

/** Up to the first full stop or question mark before a new sentence; never more than a line. */
function firstSentence(text: string): string {
  const end = /[.?!](?= [\p{Lu}`])/u.exec(text)?.index;
  const sentence = end === undefined ? text : text.slice(0, end + 1);
  const { text: cut, leftOut } = headBytes(sentence, lineBytes);
  return leftOut === 0 ? cut : `${cut}…`;
}
