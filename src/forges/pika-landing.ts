import { type MergeRequest, mergeAnswer } from "../contract/branch.ts";
import { paths } from "../contract/paths.ts";
import { judgeHead, type Verdict } from "../domain/checks.ts";
import { isLandError, LandError } from "../domain/errors.ts";
import { backoffMs } from "./clock.ts";
import type { Forge, ForgeBranch, LandingAnswer, LandingRequest } from "./forge.ts";
import { type PikaWire, unknownBranch } from "./pika-wire.ts";

/** How a landing is asked for, and what became of a request whose answer was lost. */

const landingDeadlineMs = 120_000;
/** How often it is looked what a merge came to whose answer was lost, before that is told. */
const looksForMerge = 4;

type Reader = Pick<Forge, "branch" | "identity">;

/** Asks a forge that itself refuses what its guards forbid; the same request twice is one landing. */
export async function landOnGuarded(
  wire: PikaWire,
  forge: Reader,
  request: LandingRequest,
  signal: AbortSignal | undefined,
): Promise<LandingAnswer> {
  try {
    return await postMerge(wire, request, signal);
  } catch (error) {
    if (!mayHaveActed(error)) throw error;
    const merged = await mergedMeanwhile(forge, request, error, signal);
    // Still open with that head: the forge takes the same request again as the same landing.
    return merged ?? (await landAgain(wire, forge, request, signal));
  }
}

/**
 * Asks a forge that merges whatever head it has: head and CI are compared right before, and what it
 * merged is looked at afterwards. Nothing is asked for twice.
 */
export async function landOnReference(
  wire: PikaWire,
  forge: Reader,
  request: LandingRequest,
  signal: AbortSignal | undefined,
): Promise<LandingAnswer> {
  await compareFirst(forge, request, signal);
  try {
    const answer = await postMerge(wire, request, signal);
    await requireThatHead(forge, request, signal);
    return answer;
  } catch (error) {
    if (!mayHaveActed(error)) throw error;
    return lookForMerge(wire, forge, request, error, signal);
  }
}

async function postMerge(
  wire: PikaWire,
  request: LandingRequest,
  signal: AbortSignal | undefined,
): Promise<LandingAnswer> {
  const body: MergeRequest = {
    head_sha: request.head,
    ...(request.force === undefined ? {} : { force: true, reason: request.force.reason }),
  };
  const answer = await wire.post(
    paths.merge(request.branchId),
    mergeAnswer,
    { body, deadlineMs: landingDeadlineMs },
    signal,
  );
  if (answer.merge_commit_sha !== null) {
    return { state: "merged", mergeCommit: answer.merge_commit_sha };
  }
  return { state: "queued", entry: String(answer.branch_id) };
}

/** The second try may meet what the first one did after all. */
async function landAgain(
  wire: PikaWire,
  forge: Reader,
  request: LandingRequest,
  signal: AbortSignal | undefined,
): Promise<LandingAnswer> {
  try {
    return await postMerge(wire, request, signal);
  } catch (error) {
    if (!isLandError(error, "branch_not_open")) throw error;
    const merged = await mergedMeanwhile(forge, request, error, signal);
    if (merged === undefined) throw error;
    return merged;
  }
}

/** After a merge whose answer was lost: what became of it. Undefined: nothing yet. */
async function mergedMeanwhile(
  forge: Reader,
  request: LandingRequest,
  error: unknown,
  signal: AbortSignal | undefined,
): Promise<LandingAnswer | undefined> {
  const branch = await forge.branch({ id: request.branchId }, signal);
  if (branch?.head !== request.head) throw error;
  if (branch.state === "merged" && branch.mergeCommit !== undefined) {
    return { state: "merged", mergeCommit: branch.mergeCommit };
  }
  if (branch.state !== "open") throw error;
  return undefined;
}

/**
 * Looks for a while whether the merge was done after all. The reference moves its refs first and
 * writes its record later, so that a branch may look open or closed in between.
 */
async function lookForMerge(
  wire: PikaWire,
  forge: Reader,
  request: LandingRequest,
  lost: unknown,
  signal: AbortSignal | undefined,
): Promise<LandingAnswer> {
  const { clock } = wire.http;
  for (let look = 1; look <= looksForMerge; look += 1) {
    const branch = await forge.branch({ id: request.branchId }, signal).catch((error: unknown) => {
      if (mayHaveActed(error)) return undefined;
      throw error;
    });
    if (branch !== undefined && branch.head !== request.head) throw lost;
    if (branch?.state === "merged" && branch.mergeCommit !== undefined) {
      return { state: "merged", mergeCommit: branch.mergeCommit };
    }
    if (look < looksForMerge) {
      await clock.pause(backoffMs(look, 500, 4000, clock.random()), signal);
    }
  }
  throw lost;
}

/** A push between comparison and merge has merged what was not asked for. */
async function requireThatHead(
  forge: Reader,
  request: LandingRequest,
  signal: AbortSignal | undefined,
): Promise<void> {
  // That it cannot be read does not undo the merge; whoever has the commits sees what it holds.
  const branch = await forge.branch({ id: request.branchId }, signal).catch(() => undefined);
  if (branch?.state !== "merged" || branch.head === request.head) return;
  throw new LandError(
    "head_moved",
    `The forge merged another head of branch #${request.branchId}, ${branch.head.slice(0, 12)}, which was pushed right before.`,
    {
      state: `The branch is merged as ${branch.mergeCommit?.slice(0, 12) ?? "an unknown commit"}, with that head.`,
      next: "Look at what was merged; land again for what is missing.",
      facts: { head: branch.head },
    },
  );
}

const whyNotGreen: Readonly<Record<Exclude<Verdict, "green">, string>> = {
  failed: "its run failed",
  pending: "its run has not finished",
  none: "there is no run for it yet",
  superseded: "its run was given up for a newer head",
};

/** The guards of a forge that has none of its own: head and CI are compared right before. */
async function compareFirst(
  forge: Reader,
  request: LandingRequest,
  signal: AbortSignal | undefined,
): Promise<void> {
  const branch = await compareHead(forge, request, signal);
  if (request.force === undefined) {
    const verdict = judgeHead(request.head, branch.runs);
    if (verdict === "green") return;
    throw new LandError(
      "ci_not_green",
      `CI is not green for ${request.head.slice(0, 12)}: ${whyNotGreen[verdict]}.`,
      {
        state: "Nothing was changed.",
        next: "Wait for CI; if it failed, read the lane's log, fix, commit and land again.",
      },
    );
  }
  if ((await forge.identity(signal)).admin) return;
  throw new LandError("force_refused", "This key may not force a merge.", {
    state: "Nothing was changed.",
    next: "Only the owner may force; otherwise make CI green.",
  });
}

/** The branch, which must be at the named head right now. Throws `head_moved`. */
export async function compareHead(
  forge: Pick<Forge, "branch">,
  { branchId, head }: { readonly branchId: string; readonly head: string },
  signal: AbortSignal | undefined,
): Promise<ForgeBranch> {
  const branch = await forge.branch({ id: branchId }, signal);
  if (branch === undefined) throw unknownBranch(branchId);
  if (branch.head === head) return branch;
  throw new LandError("head_moved", `Branch #${branchId} is at another head than the named one.`, {
    state: "Nothing was changed.",
    next: "Look at the branch's status, then ask again with its current head.",
    facts: { head: branch.head },
  });
}

/** A request without an answer may have been carried out. */
export function mayHaveActed(error: unknown): boolean {
  return isLandError(error) && ["timed_out", "forge_unreachable"].includes(error.code);
}
