import { z } from "zod";
import { pushBranch as push } from "../landing/push-branch.ts";
import { input } from "./arguments.ts";
import { defineOperation } from "./operation.ts";
import {
  branchShape,
  lines,
  openPlace,
  placeLine,
  placeOf,
  shownName,
  titleOf,
} from "./subject.ts";

export const pushBranch = defineOperation({
  faces: { tool: "push_branch", command: "push" },
  summary: "Pushes the checked-out branch to the forge, with a lease on what is there. Starts CI.",
  input: input({}),
  hints: { readOnly: false, destructive: false, idempotent: true },
  result: z.object({
    ...branchShape,
    state: z.enum(["up_to_date", "pushed"]),
    head: z.string(),
    before: z.string().optional(),
    /** The target has commits that this head does not contain. */
    behind_target: z.boolean().optional(),
    next: z.string(),
  }),
  async handle(context, given) {
    const place = await openPlace(context, given.worktree);
    const { copy, remote } = place.worktree;
    const pushed = await push({ copy, forge: place.forge, remote }, context.signal);
    const known = await place.forge.branch({ name: pushed.branch }, context.signal);
    const { head, before } = pushed;
    return {
      ...placeOf(place),
      branch: shownName(pushed.branch),
      ...(known?.head === head ? { number: known.id } : {}),
      state: pushed.state,
      head,
      ...(before === undefined || before === head ? {} : { before }),
      ...(pushed.behindTarget ? { behind_target: true } : {}),
      next: pushed.behindTarget
        ? "It is behind the target: `rebase_branch` and push again, or `land_branch` for everything."
        : "`wait_for_ci`, then `merge_branch`; or `land_branch` for both.",
    };
  },
  render: (answer) =>
    lines(
      `${titleOf(answer)}: ${answer.state} at ${answer.head}${answer.before === undefined ? "" : `, before ${answer.before}`}`,
      `Next: ${answer.next}`,
      placeLine(answer),
    ),
});
