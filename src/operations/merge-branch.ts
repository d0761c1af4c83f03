import { z } from "zod";
import { isLandError, isLandingRefusal, LandError } from "../domain/errors.ts";
import type { Forge, ForgeBranch, LandingAnswer } from "../forges/forge.ts";
import { unpinnedNote } from "../landing/unpinned.ts";
import { branch, head, input, text, yesOrNo } from "./arguments.ts";
import { defineOperation, type OperationContext } from "./operation.ts";
import { refusalOf, refusalShape, renderRefusal } from "./refusal.ts";
import {
  branchShape,
  findKnownSubject,
  lines,
  placeLine,
  type Subject,
  shownName,
  subjectOf,
  titleOf,
} from "./subject.ts";

type Known = Subject & { readonly known: ForgeBranch };

export const mergeBranch = defineOperation({
  faces: { tool: "merge_branch", command: "merge" },
  summary:
    "Merges a branch whose head is green; refuses otherwise and says what helps. `force` (merge without green CI) needs `reason` and a person's consent; the argument alone does nothing.",
  input: input({
    branch,
    head,
    force: yesOrNo,
    reason: text(2000).optional(),
  }),
  hints: { readOnly: false, destructive: true, idempotent: true },
  result: z.object({
    ...branchShape,
    state: z.enum(["merged", "queued", "refused"]),
    head: z.string(),
    target: z.string(),
    merge_commit: z.string().optional(),
    already: z.boolean().optional(),
    forced: z.boolean().optional(),
    /** Whether the merge commit was seen in the target on the remote. */
    verified: z.boolean().optional(),
    /** What the forge could not pin, and what it merged in the end. */
    unpinned: z.string().optional(),
    entry: z.string().optional(),
    ...refusalShape,
  }),
  async handle(context, given) {
    if (given.force === true && given.reason === undefined) throw reasonMissing();
    const subject = await findKnownSubject(context, given);
    const { known } = subject;
    const expected = given.head ?? (await defaultHead(subject));
    const facts = { ...subjectOf(subject), head: expected, target: known.target };
    if (known.state === "merged" && known.head === expected) {
      return {
        ...facts,
        state: "merged" as const,
        already: true,
        ...(known.mergeCommit === undefined ? {} : { merge_commit: known.mergeCommit }),
      };
    }
    try {
      if (known.state === "open" && known.head !== expected) throw headMoved(known.head, expected);
      const { answer, forced } = await request(context, subject, expected, given);
      if (answer.state === "queued") {
        return { ...facts, state: "queued" as const, entry: answer.entry };
      }
      return {
        ...facts,
        state: "merged" as const,
        merge_commit: answer.mergeCommit,
        ...(forced ? { forced } : {}),
        ...(await verify(context, subject, answer.mergeCommit, expected)),
      };
    } catch (error) {
      if (!isLandingRefusal(error)) throw error;
      return { ...facts, state: "refused" as const, ...refusalOf(error) };
    }
  },
  render: (answer) =>
    lines(
      `${titleOf(answer)}: ${answer.already === true ? "was merged already" : answer.state}${answer.forced === true ? " by force" : ""} · head ${answer.head} · target ${answer.target}`,
      answer.merge_commit !== undefined &&
        `merge commit ${answer.merge_commit}${answer.verified === true ? ", seen in the target" : ""}`,
      answer.unpinned,
      answer.verified === false &&
        "The merge commit was not seen in the target yet; `fetch_target` looks again.",
      answer.entry !== undefined && `queue entry ${answer.entry}; \`land_branch\` waits for it`,
      renderRefusal(answer),
      placeLine(answer),
    ),
});

/** The tip of the branch as it stands here; a branch that is not here is taken as the forge has it. */
async function defaultHead(subject: Known): Promise<string> {
  return (await subject.worktree.copy.localTip(subject.name)) ?? subject.known.head;
}

interface Force {
  readonly force?: boolean | undefined;
  readonly reason?: string | undefined;
}

/**
 * Asks the forge to merge. Force is only used where the forge refuses for what force may override,
 * and after a person agreed: then once more, with the owner's key.
 */
async function request(
  context: OperationContext,
  subject: Known,
  expected: string,
  given: Force,
): Promise<{ answer: LandingAnswer; forced: boolean }> {
  const landing = (forge: Forge, force: { reason: string } | undefined) =>
    forge.requestLanding({ branchId: subject.known.id, head: expected, force }, context.signal);
  try {
    await requireTestedTree(context, subject, expected);
    return { answer: await landing(subject.forge, undefined), forced: false };
  } catch (error) {
    const forcible = isLandError(error, "ci_not_green") || isLandError(error, "ci_changed");
    if (!forcible || given.force !== true || given.reason === undefined) throw error;
    await requireConsent(context, subject, expected, error, given.reason);
    const owner = await subject.worktree.forgeAsOwner(context.signal);
    return { answer: await landing(owner, { reason: given.reason }), forced: true };
  }
}

/**
 * A forge that only compares heads would merge one that was tested before the target moved: the
 * tree that lands would be untested. There the target's tip is compared here.
 */
async function requireTestedTree(
  context: OperationContext,
  subject: Known,
  expected: string,
): Promise<void> {
  const { head: guard, landingRule } = await subject.forge.capabilities(context.signal);
  if (guard === "pinned" || landingRule === "queue") return;
  const { copy, remote } = subject.worktree;
  const { target } = subject.known;
  const { after } = await copy.fetch(remote, target, context.signal);
  if (after !== undefined && (await copy.isAncestor(after, expected))) return;
  throw new LandError("target_moved", `${target} has commits that ${expected} does not contain.`, {
    state: "Nothing was merged.",
    next: "`land_branch` rebases, waits for CI and lands. A head that is not here: fetch it first.",
  });
}

async function requireConsent(
  context: OperationContext,
  subject: Known,
  expected: string,
  refusal: LandError,
  reason: string,
): Promise<void> {
  const { known } = subject;
  const why = refusal.code === "ci_changed" ? "changes CI lanes" : "has no green CI";
  const consent = await context.confirm({
    message: [
      `Force-merge branch #${known.id} (${shownName(known.name, 120)}) into ${known.target}?`,
      `Its head ${expected} ${why}. Reason given: "${shownName(reason, 300)}".`,
      `This is recorded. To agree, type the branch's number: ${known.id}`,
    ].join("\n"),
    expected: known.id,
  });
  if (consent === "agreed") return;
  throw new LandError(
    "force_refused",
    consent === "declined"
      ? "The question whether to force was declined. The client may have declined by itself, so this is no proof that a person said no."
      : "This client cannot ask a person, and force needs a person's consent.",
    {
      state: `Nothing was merged. ${refusal.message}`,
      next: `A person can do it at a terminal: \`land merge --force ${known.id} --reason "..."\`. Otherwise make CI green.`,
    },
  );
}

/** Whether the merge commit is in the target as the remote has it now; nothing where it cannot be asked. */
async function verify(
  context: OperationContext,
  subject: Known,
  mergeCommit: string,
  head: string,
): Promise<{ verified?: boolean; unpinned?: string }> {
  const { copy, remote } = subject.worktree;
  try {
    const { after } = await copy.fetch(remote, subject.known.target, context.signal);
    const verified = after !== undefined && (await copy.isAncestor(mergeCommit, after));
    const capabilities = await subject.forge.capabilities(context.signal);
    const unpinned = await unpinnedNote(copy, capabilities, { head, mergeCommit });
    return { verified, ...(unpinned === undefined ? {} : { unpinned }) };
  } catch {
    return {};
  }
}

function headMoved(there: string, expected: string): LandError {
  return new LandError("head_moved", `The forge has ${there} for this branch, not ${expected}.`, {
    state: "Nothing was merged.",
    next: "Push what is here (`push_branch`, `land_branch`), or name the forge's head with `head`.",
    facts: { forge_head: there },
  });
}

function reasonMissing(): LandError {
  return new LandError("bad_argument", "`force` needs a `reason`; it is recorded.", {
    state: "Nothing was done.",
    next: "Call again with `reason`, or without `force`.",
  });
}
