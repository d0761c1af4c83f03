import { z } from "zod";
import { LandError } from "../domain/errors.ts";
import { branch, head, input, text } from "./arguments.ts";
import { defineOperation } from "./operation.ts";
import { branchShape, findKnownSubject, lines, placeLine, subjectOf, titleOf } from "./subject.ts";

const atMost = <T>(max: number) =>
  [(list: readonly T[]) => list.length <= max, `must hold at most ${max}`] as const;

const step = z.strictObject({
  title: text(500),
  intent: text(5000),
  affected_files: z
    .array(text(1000))
    .min(1, "must name at least one file")
    .refine(...atMost(500)),
  evidence_snippets: z
    .array(text(10_000))
    .min(1, "must hold at least one snippet")
    .refine(...atMost(50))
    .describe("Diff hunks"),
  body_markdown: z.string("must be text").optional(),
});

export const describeBranch = defineOperation({
  faces: { tool: "describe_branch", command: "describe" },
  summary:
    "Gives a branch its review tutorial: a summary and steps, each with intent, files and evidence from the diff.",
  input: input({
    branch,
    head,
    summary: text(20_000).describe("Markdown"),
    steps: z
      .array(step, "must be a list of steps")
      .min(1, "must hold at least one step")
      .refine(...atMost(100)),
  }),
  hints: { readOnly: false, destructive: false, idempotent: true },
  result: z.object({
    ...branchShape,
    state: z.literal("described"),
    head: z.string(),
    steps: z.int(),
    url: z.string(),
  }),
  async handle(context, given) {
    const subject = await findKnownSubject(context, given);
    const { known } = subject;
    if (given.head !== undefined && given.head !== known.head) {
      throw new LandError("head_moved", `The branch's head on the forge is ${known.head}.`, {
        state: "Nothing was described.",
        next: "Describe that head, or push first.",
        facts: { head: known.head },
      });
    }
    await subject.forge.describe(
      {
        branchId: known.id,
        head: known.head,
        summary: given.summary,
        steps: given.steps.map((one) => ({ ...one, body_markdown: one.body_markdown ?? "" })),
      },
      context.signal,
    );
    return {
      ...subjectOf(subject),
      state: "described" as const,
      head: known.head,
      steps: given.steps.length,
      url: subject.forge.url(known.id),
    };
  },
  render: (answer) =>
    lines(
      `${titleOf(answer)}: ${answer.state} at ${answer.head}, ${answer.steps} steps`,
      answer.url,
      placeLine(answer),
    ),
});
