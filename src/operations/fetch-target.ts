import { z } from "zod";
import { LandError } from "../domain/errors.ts";
import { input, target } from "./arguments.ts";
import { defineOperation } from "./operation.ts";
import { lines, openPlace, placeLine, placeOf, placeShape, shownName } from "./subject.ts";
import { targetOf } from "./target.ts";

export const fetchTarget = defineOperation({
  faces: { tool: "fetch_target", command: "fetch" },
  summary: "Fetches the target and says how far the checked-out branch is ahead and behind.",
  input: input({ target }),
  hints: { readOnly: false, destructive: false, idempotent: true },
  result: z.object({
    ...placeShape,
    state: z.enum(["up_to_date", "updated"]),
    target: z.string(),
    tip: z.string(),
    before: z.string().optional(),
    branch: z.string().optional(),
    ahead: z.int().optional(),
    behind: z.int().optional(),
  }),
  async handle(context, given) {
    const place = await openPlace(context, given.worktree);
    const name = await targetOf(place, given.target, context.signal);
    const { copy, remote } = place.worktree;
    const { before, after } = await copy.fetch(remote, name, context.signal);
    if (after === undefined) throw noTarget(name, place.forge.name);
    const { branch, head } = await copy.state(context.signal);
    const base = head === undefined ? undefined : await copy.mergeBase(head, after);
    const counts =
      head === undefined || base === undefined
        ? {}
        : {
            ahead: await copy.countCommits(after, head),
            behind: await copy.countCommits(head, after),
          };
    return {
      ...placeOf(place),
      state: before === after ? ("up_to_date" as const) : ("updated" as const),
      target: name,
      tip: after,
      ...(before === undefined || before === after ? {} : { before }),
      ...(branch === undefined ? {} : { branch: shownName(branch) }),
      ...counts,
    };
  },
  render: (answer) =>
    lines(
      `${answer.target} ${answer.state === "updated" ? `moved${answer.before === undefined ? "" : ` from ${answer.before}`} to` : "is still at"} ${answer.tip}`,
      answer.ahead !== undefined &&
        `${answer.branch ?? "HEAD"}: ${answer.ahead} ahead, ${answer.behind ?? 0} behind`,
      placeLine(answer),
    ),
});

function noTarget(name: string, forge: string): LandError {
  return new LandError("not_found", `The forge ${forge} has no branch ${shownName(name)}.`, {
    state: "Nothing was fetched.",
    next: "`land doctor` tells what is wrong with this forge.",
  });
}
