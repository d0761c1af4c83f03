import { z } from "zod";
import { branchStates } from "../domain/status.ts";
import type { BranchLine, Page } from "../forges/forge.ts";
import { itemsWithin } from "../text/json.ts";
import { input, oneOf, text, whole } from "./arguments.ts";
import { defineOperation } from "./operation.ts";
import {
  branchHere,
  lines,
  openPlace,
  placeLine,
  placeOf,
  placeShape,
  shownName,
} from "./subject.ts";

const defaultLimit = 20;
/** Room for the lines; the rest is on the next page. */
const pageBytes = 5200;

const lineShape = z.object({
  number: z.string(),
  branch: z.string(),
  title: z.string(),
  state: z.enum(branchStates),
  ci: z.string(),
  head: z.string(),
  updated: z.string(),
});
type LineView = z.infer<typeof lineShape>;

export const listBranches = defineOperation({
  faces: { tool: "list_branches", command: "list" },
  summary: "Lists the forge's branches with their CI, newest change first.",
  input: input({
    state: oneOf(branchStates).optional().describe("Default: open"),
    limit: whole(1, 50),
    cursor: text(500).optional().describe("next_cursor of the page before"),
  }),
  hints: { readOnly: true, destructive: false, idempotent: true },
  result: z.object({
    ...placeShape,
    /** The one checked out here. */
    branch: z.string().optional(),
    target: z.string(),
    branches: z.array(lineShape),
    next_cursor: z.string().optional(),
  }),
  async handle(context, { worktree, state, limit, cursor }) {
    const place = await openPlace(context, worktree);
    const page = (size: number) =>
      place.forge.branches(
        { state: state ?? "open", limit: size, ...(cursor === undefined ? {} : { cursor }) },
        context.signal,
      );
    const [here, { target }, shown] = await Promise.all([
      branchHere(place, context.signal),
      place.forge.capabilities(context.signal),
      page(limit ?? defaultLimit).then((first) => fitPage(first, page)),
    ]);
    return {
      ...placeOf(place),
      ...here,
      target,
      branches: shown.items.map(viewLine),
      ...(shown.next === undefined ? {} : { next_cursor: shown.next }),
    };
  },
  render: (answer) =>
    lines(
      answer.branches.length === 0 && "No branches.",
      ...answer.branches.map(
        (line) =>
          `#${line.number} ${line.branch} · ${line.state} · ci ${line.ci} · ${line.head} · ${line.updated} · ${line.title}`,
      ),
      answer.next_cursor !== undefined && `More: call again with cursor ${answer.next_cursor}`,
      `target ${answer.target}${answer.branch === undefined ? "" : ` · here ${answer.branch}`}`,
      placeLine(answer),
    ),
});

/** Asks again for fewer where a page is too long, so that the cursor begins where it was cut. */
async function fitPage(
  first: Page<BranchLine>,
  again: (size: number) => Promise<Page<BranchLine>>,
): Promise<Page<BranchLine>> {
  const fitting = itemsWithin(first.items.map(viewLine), pageBytes).length;
  return fitting === first.items.length ? first : again(Math.max(1, fitting));
}

function viewLine(line: BranchLine): LineView {
  return {
    number: line.id,
    branch: shownName(line.name),
    title: shownName(line.title, 80),
    state: line.state,
    ci: shownName(line.ci, 40),
    head: line.head,
    updated: line.updatedAt,
  };
}
