/** How far a workstream or one of its items is. The one closed set. */
export const roadmapStatuses = ["open", "doing", "done", "dropped"] as const;
export type RoadmapStatus = (typeof roadmapStatuses)[number];

/** One question, property or flaw, with an id that stays. All texts are plain and on one line. */
export interface RoadmapItem {
  /** Such as `RUI-1`. */
  readonly id: string;
  readonly status: RoadmapStatus;
  readonly text: string;
  /** Where it can be seen, as the item names it: paths, commands, tools. */
  readonly see: readonly string[];
  /** From 1, as are all lines. */
  readonly line: number;
}

/** A heading with an id and a status, and the items below it. */
export interface RoadmapPart {
  /** Such as `RUI`; empty where the heading has none that can be read. */
  readonly id: string;
  readonly title: string;
  readonly status: RoadmapStatus;
  /** Workstreams stand in the sections of phases; everything else is a list. */
  readonly kind: "workstream" | "list";
  /** The title of the section that it stands in. */
  readonly section: string;
  readonly line: number;
  readonly items: readonly RoadmapItem[];
}

export interface Roadmap {
  /** Empty where the document has none. */
  readonly title: string;
  /** In the document's order. */
  readonly parts: readonly RoadmapPart[];
}

/** What is wrong with a document, and where. */
export interface RoadmapProblem {
  readonly line: number;
  readonly message: string;
}

/** Whether something of this status still asks for work or an answer. */
export function isUnsettled(status: RoadmapStatus): boolean {
  return status === "open" || status === "doing";
}
