import type { Command } from "commander";
import type { OperationContext } from "../../operations/operation.ts";
import { findKnownSubject, subjectOf } from "../../operations/subject.ts";
import { type Call, done, type Face } from "../face.ts";

/** `land url`: the page a person can open. */
export function addUrl(
  command: Command,
  face: Face,
  contextOf: (call: Call) => OperationContext,
): void {
  command
    .description("Prints the address of a branch's page.")
    .argument("[branch]", "Name or number; default: the checked-out one.")
    .action((branch: string | undefined) =>
      face(async (call) => {
        const given = { worktree: call.options.worktree, branch };
        const subject = await findKnownSubject(contextOf(call), given);
        const url = subject.forge.url(subject.known.id);
        return done({ ...subjectOf(subject), url }, url);
      }),
    );
}
