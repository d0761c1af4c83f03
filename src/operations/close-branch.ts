import { z } from "zod";
import { LandError } from "../domain/errors.ts";
import { branch, head, input, text } from "./arguments.ts";
import { defineOperation } from "./operation.ts";
import {
  branchShape,
  findKnownSubject,
  lines,
  placeLine,
  type Subject,
  subjectOf,
  titleOf,
} from "./subject.ts";

export const closeBranch = defineOperation({
  faces: { tool: "close_branch", command: "close" },
  summary:
    "Closes a branch without landing: the forge deletes its ref. Somebody else's needs `head`. Nothing local is deleted.",
  input: input({ branch, head, reason: text(2000).optional() }),
  hints: { readOnly: false, destructive: true, idempotent: true },
  result: z.object({
    ...branchShape,
    state: z.literal("closed"),
    head: z.string(),
    already: z.boolean().optional(),
  }),
  async handle(context, given) {
    const subject = await findKnownSubject(context, given);
    const { known } = subject;
    const facts = { ...subjectOf(subject), state: "closed" as const, head: known.head };
    if (known.state === "merged") throw alreadyMerged(known.mergeCommit);
    if (known.state === "closed") return { ...facts, already: true };
    const expected = given.head ?? (await ownHead(subject));
    if (expected !== known.head) {
      throw new LandError(
        "head_moved",
        `The branch's head on the forge is ${known.head}, not ${expected}.`,
        {
          state: "Nothing was closed.",
          next: "Look at what was pushed; to close it all the same, name that head.",
          facts: { head: known.head },
        },
      );
    }
    await subject.forge.close(
      { branchId: known.id, head: known.head, reason: given.reason },
      context.signal,
    );
    return facts;
  },
  render: (answer) =>
    lines(
      `${titleOf(answer)}: ${answer.already === true ? "was closed already" : "closed"} at ${answer.head}`,
      placeLine(answer),
    ),
});

/**
 * The head that a branch of one's own is expected to have: the tip of the local branch of that name.
 * A branch that is not here is somebody else's, and is closed by naming its head alone.
 */
async function ownHead(subject: Subject): Promise<string> {
  const tip = await subject.worktree.copy.localTip(subject.name);
  if (tip !== undefined) return tip;
  throw new LandError(
    "head_required",
    "This branch is not one of this repository, so it may be somebody else's.",
    {
      state: "Nothing was closed.",
      next: "Look at it (`branch_status`); to close it, call again with its `head`.",
      facts: { head: subject.known?.head },
    },
  );
}

function alreadyMerged(mergeCommit: string | undefined): LandError {
  return new LandError("branch_not_open", "The branch was merged already.", {
    state: mergeCommit === undefined ? "It is merged." : `Its merge commit is ${mergeCommit}.`,
    next: "There is nothing to close.",
  });
}
