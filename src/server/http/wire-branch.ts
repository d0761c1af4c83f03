import type { z } from "zod";
import type { branchShape } from "../../contract/branch.ts";
import { decidingRun } from "../../domain/checks.ts";
import type { BranchRecord, Pusher, RunRecord, TutorialRecord } from "../store/records.ts";

export type BranchView = z.input<typeof branchShape>;

/** How many runs a detail answer holds. */
export const maxRuns = 8;

/**
 * The runs a client is shown: those of the branch's head before those of older heads, each newest
 * first, so that the first always speaks of the head; the one that decides is never left out.
 */
export function shownRuns(
  head: string,
  ofHead: readonly RunRecord[],
  ofBranch: readonly RunRecord[],
): readonly RunRecord[] {
  const own = ofHead.slice(0, maxRuns);
  const deciding = decidingRun(head, ofHead);
  if (deciding !== undefined && !own.includes(deciding)) own[maxRuns - 1] = deciding;
  const older = ofBranch.filter((run) => run.head !== head);
  return [...own, ...older].slice(0, maxRuns);
}

/**
 * The status of the run that decides about the branch's head. Before there is one a client is to
 * wait, unless none will come: then the branch has a problem, or is no longer open.
 */
export function ciStatus(branch: BranchRecord, ofHead: readonly RunRecord[]): string {
  const deciding = decidingRun(branch.head, ofHead);
  if (deciding !== undefined) return deciding.status;
  if (branch.problem !== null) return "failed";
  return branch.state === "open" ? "queued" : "skipped";
}

/** A branch as it travels, every key of the contract present. Pure. */
export function branchOnWire(
  repo: string,
  branch: BranchRecord,
  ofHead: readonly RunRecord[],
  more: { readonly tutorial: TutorialRecord | undefined; readonly pusher: Pusher | undefined },
): BranchView {
  const { tutorial, pusher } = more;
  return {
    branch_id: branch.id,
    repo,
    branch_name: branch.name,
    title: branch.title,
    branch_state: branch.state,
    updated_at: branch.updatedAt,
    target_branch: branch.target,
    head_sha: branch.head,
    merge_base_sha: branch.mergeBase ?? "",
    merge_commit_sha: branch.mergeCommit,
    tutorial_status: tutorial?.head === branch.head ? "ready" : "pending",
    ci_status: ciStatus(branch, ofHead),
    error_message: null,
    problem: branch.problem,
    merged_by: branch.state === "merged" ? branch.endedBy : null,
    closed_by: branch.state === "closed" ? branch.endedBy : null,
    pushed_by: pusher?.npub ?? null,
    pushed_by_name: pusher?.name ?? null,
  };
}
