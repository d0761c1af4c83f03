import { z } from "zod";
import type { LandingEnd } from "../landing/ends.ts";
import { land } from "../landing/land.ts";
import { itemsWithin } from "../text/json.ts";
import { fitToShow } from "../text/untrusted.ts";
import { branch, input, maxSeconds, target, yesOrNo } from "./arguments.ts";
import { conflictShape, renderConflict, viewConflict } from "./conflicts.ts";
import { failedLaneShape, renderFailedLanes, viewFailedLanes } from "./failed-lanes.ts";
import { landingDeps } from "./landing-deps.ts";
import { defineOperation } from "./operation.ts";
import {
  branchNameOf,
  branchShape,
  lines,
  openPlace,
  placeLine,
  placeOf,
  shownName,
  titleOf,
} from "./subject.ts";

const trailBytes = 1200;

const result = z.object({
  ...branchShape,
  state: z.enum([
    "landed",
    "waiting",
    "green",
    "conflict",
    "ci_failed",
    "refused",
    "closed",
    "planned",
  ]),
  head: z.string(),
  target: z.string(),
  merge_commit: z.string().optional(),
  /** Somebody had landed exactly this head before. */
  already: z.boolean().optional(),
  /** What the forge could not pin, and what it merged in the end. */
  unpinned: z.string().optional(),
  waiting_on: z.string().optional(),
  ...conflictShape,
  lanes: z.array(failedLaneShape).optional(),
  note: z.string().optional(),
  code: z.string().optional(),
  why: z.string().optional(),
  plan: z.array(z.string()).optional(),
  /** Files that git does not track, which are no part of what lands; a few of them. */
  untracked: z.array(z.string()).optional(),
  more_untracked: z.int().optional(),
  /** What was done in this call; the last lines of it. */
  trail: z.array(z.string()),
  next: z.string().optional(),
});
type LandingView = z.infer<typeof result>;

export const landBranch = defineOperation({
  faces: { tool: "land_branch", command: "land" },
  summary:
    "Lands a branch: fetch, rebase, push, wait for CI on exactly that head, merge, prove it is in the target. Safe to call again after anything; on `waiting` call again. Commit first.",
  input: input({
    branch,
    target,
    dry_run: yesOrNo.describe("Only say the plan"),
    max_seconds: maxSeconds,
    merge: yesOrNo.describe("false: stop when green"),
  }),
  hints: { readOnly: false, destructive: true, idempotent: true },
  result,
  async handle(context, given) {
    const place = await openPlace(context, given.worktree);
    const name =
      given.branch === undefined
        ? undefined
        : await branchNameOf(place, given.branch, context.signal);
    const end = await land(landingDeps(context, place), {
      branch: name,
      target: given.target?.replace(/^refs\/heads\//, ""),
      dryRun: given.dry_run ?? false,
      maxSeconds: given.max_seconds ?? context.waitSeconds,
      merge: given.merge ?? true,
    });
    return {
      ...placeOf(place),
      ...viewReached(end),
      ...viewEnd(end, place.worktree.secrets?.() ?? []),
    };
  },
  render: (answer) =>
    lines(
      `${answer.branch === "" ? "no branch" : titleOf(answer)}: ${answer.already === true ? "was landed already" : answer.state} · target ${answer.target}${answer.head === "" ? "" : ` · head ${answer.head}`}`,
      answer.merge_commit !== undefined && `merge commit ${answer.merge_commit}`,
      answer.unpinned,
      answer.waiting_on !== undefined && `waiting on ${answer.waiting_on}`,
      answer.why !== undefined && `${answer.why} (${answer.code ?? answer.state})`,
      answer.note,
      ...(answer.plan ?? []).map((step, at) => `  ${at + 1}. ${step}`),
      renderConflict(answer),
      answer.lanes !== undefined && renderFailedLanes(answer.lanes),
      ...answer.trail.map((line) => `- ${line}`),
      answer.untracked !== undefined &&
        `not part of it, since untracked: ${answer.untracked.join(", ")}${answer.more_untracked === undefined ? "" : ` and ${answer.more_untracked} more`}`,
      answer.next !== undefined && `Next: ${answer.next}`,
      placeLine(answer),
    ),
});

function viewReached(end: LandingEnd) {
  const trail = end.trail.map((line) => shownName(line, 200));
  return {
    branch: shownName(end.branch),
    ...(end.number === undefined ? {} : { number: end.number }),
    state: end.state,
    head: end.head,
    target: end.target,
    ...viewUntracked(end.untracked),
    trail: itemsWithin(trail.toReversed(), trailBytes).toReversed(),
  };
}

function viewUntracked(seen: LandingEnd["untracked"]) {
  if (seen === undefined) return {};
  const more = seen.count - seen.named.length;
  return {
    untracked: seen.named.map((path) => shownName(path, 120)),
    ...(more > 0 ? { more_untracked: more } : {}),
  };
}

/** What one end tells beyond what every end does. */
function viewEnd(end: LandingEnd, secrets: readonly string[]): Partial<LandingView> {
  switch (end.state) {
    case "landed":
      return {
        merge_commit: end.mergeCommit,
        ...(end.already ? { already: true } : {}),
        ...(end.unpinned === undefined ? {} : { unpinned: end.unpinned }),
      };
    case "waiting":
      return { waiting_on: shownName(end.on), next: end.next };
    case "green":
      return { next: end.next };
    case "conflict":
      return { ...viewConflict(end.files, secrets), next: end.next };
    case "ci_failed":
      return {
        lanes: viewFailedLanes(end.lanes, secrets),
        ...(end.note === undefined ? {} : { note: shownName(end.note, 600) }),
        next: end.next,
      };
    case "refused":
      return { code: end.code, why: shownReason(end.why), next: shownReason(end.next) };
    case "closed":
      return { why: shownReason(end.why), next: shownReason(end.next) };
    case "planned":
      return { plan: end.plan.map((step) => shownName(step, 300)) };
  }
}

function shownReason(text: string): string {
  return shownName(fitToShow(text), 1000);
}
