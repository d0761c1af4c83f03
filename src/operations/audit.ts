import { z } from "zod";
import type { AuditEntry } from "../forges/forge-access.ts";
import { accessOf } from "./access-of.ts";
import { branch, input, text, whole } from "./arguments.ts";
import { defineOperation } from "./operation.ts";
import { lines, openPlace, placeLine, placeOf, placeShape, shownName } from "./subject.ts";

const defaultLimit = 50;

const entryShape = z.object({
  at: z.string(),
  /** Absent where the forge itself acted. */
  by: z.string().optional(),
  name: z.string().optional(),
  action: z.string(),
  result: z.string(),
  number: z.string().optional(),
  branch: z.string().optional(),
  head: z.string().optional(),
  subject: z.string().optional(),
  detail: z.string().optional(),
});
type EntryView = z.infer<typeof entryShape>;

export const audit = defineOperation({
  faces: { command: "audit" },
  summary:
    "Shows who landed, forced, closed, recovered or let in what, when, with which head; newest first.",
  input: input({
    branch: branch.describe("Only this one; name or number"),
    by: text(200).optional().describe("Only acts of this key (npub)"),
    action: text(100).optional().describe("Only acts of this kind, such as merge or force"),
    limit: whole(1, 200),
    cursor: text(200).optional(),
  }),
  hints: { readOnly: true, destructive: false, idempotent: true },
  result: z.object({
    ...placeShape,
    entries: z.array(entryShape),
    next_cursor: z.string().optional(),
  }),
  async handle(context, { worktree, branch: named, by, action, limit, cursor }) {
    const place = await openPlace(context, worktree);
    const filter = { branch: named, npub: by, action, limit: limit ?? defaultLimit, cursor };
    const page = await accessOf(place.forge).audit(filter, context.signal);
    return {
      ...placeOf(place),
      entries: page.entries.map(viewOf),
      ...(page.next === undefined ? {} : { next_cursor: page.next }),
    };
  },
  render: (answer) =>
    lines(
      answer.entries.length === 0 && "No such act is recorded.",
      ...answer.entries.map(lineOf),
      answer.next_cursor !== undefined && `More: --cursor ${answer.next_cursor}`,
      placeLine(answer),
    ),
});

/** Names and details are others' words. */
function viewOf(entry: AuditEntry): EntryView {
  const optional = (key: keyof EntryView, value: string | undefined, max: number) =>
    value === undefined ? {} : { [key]: shownName(value, max) };
  return {
    at: shownName(entry.at, 40),
    ...optional("by", entry.npub, 100),
    ...optional("name", entry.name, 64),
    action: shownName(entry.action, 100),
    result: shownName(entry.result, 40),
    ...optional("number", entry.branchId, 20),
    ...optional("branch", entry.branch, 250),
    ...optional("head", entry.head, 64),
    ...optional("subject", entry.subject, 200),
    ...optional("detail", entry.detail, 500),
  };
}

function lineOf(entry: EntryView): string {
  const number = entry.number === undefined ? "" : ` (#${entry.number})`;
  const parts = [
    entry.at,
    entry.name ?? entry.by ?? "the forge",
    entry.result === "ok" ? entry.action : `${entry.action} ${entry.result}`,
    entry.branch === undefined ? undefined : `${entry.branch}${number}`,
    entry.head === undefined ? undefined : `head ${entry.head.slice(0, 12)}`,
    entry.subject,
    entry.detail,
  ];
  return parts.filter((part) => part !== undefined).join(" · ");
}
