import { lanesNeedOwner } from "./changed-lanes.ts";
import type { LandingOptions } from "./ends.ts";
import type { Facts, Refusal, Tally } from "./facts.ts";
import { onTarget, pushRefusal, targetMissing } from "./refusals.ts";
import { end, rebaseNext, refusal, refuse, type Step, short } from "./steps.ts";

/** Rebases in one call before it hands back; the target moved under each of them. */
export const maxRebases = 30;
/** Rebases, pushes, requests and verifications in one call, whatever happens. */
export const maxActs = 200;
const maxRefusals = 3;
const maxVerifications = 3;

/** What the rules look at. */
interface View {
  readonly facts: Facts;
  readonly tally: Tally;
  readonly options: LandingOptions;
}

/** A view once branch, head and remote are known. */
interface Known extends View {
  readonly branch: string;
  readonly head: string;
  readonly targetTip: string;
  readonly remote: NonNullable<Facts["remote"]>;
}

type Rule<V> = (view: V) => Step | undefined;

/**
 * The next step of a landing. Pure and total: from any facts it answers, and its steps lead to an
 * end within `maxActs` acts and the time that is left. The first rule that speaks decides.
 */
export function nextStep(facts: Facts, tally: Tally, options: LandingOptions): Step {
  const view: View = { facts, tally, options };
  const early = firstOf(beforeLooking, view);
  if (early !== undefined) return early;
  if (facts.remote === undefined) return { do: "fetch" };
  const { branch, head, target, remote } = facts;
  const { targetTip } = remote;
  if (branch === undefined || head === undefined) {
    return refuse(
      "not_found",
      `There is no branch ${branch ?? ""} on the forge to land.`,
      "Check the branch out and land it from its work tree, or push it first.",
    );
  }
  if (targetTip === undefined) {
    return refusal(targetMissing(target));
  }
  const known: Known = { ...view, branch, head, targetTip, remote };
  return firstOf(onceKnown, known) ?? judge(known);
}

function firstOf<V>(rules: readonly Rule<V>[], view: V): Step | undefined {
  for (const rule of rules) {
    const step = rule(view);
    if (step !== undefined) return step;
  }
  return undefined;
}

const wrongTarget: Rule<View> = ({ facts, options }) =>
  options.target === undefined || options.target === facts.target
    ? undefined
    : refuse(
        "wrong_target",
        `This forge lands on ${facts.target}, not on ${options.target}.`,
        `Leave the target out, or name ${facts.target}.`,
      );

const ownRebase: Rule<View> = ({ facts }) =>
  facts.conflict === undefined
    ? undefined
    : end({ state: "conflict", files: facts.conflict, next: rebaseNext(facts.conflict) });

/** Once a head is on its way, the work tree matters again only when it must be rebased. */
const obstacleAtStart: Rule<View> = ({ facts, tally }) =>
  facts.obstacle === undefined || tally.underWay ? undefined : refusal(facts.obstacle);

const targetItself: Rule<View> = ({ facts }) =>
  facts.branch === facts.target ? refusal(onTarget(facts.target)) : undefined;

const noCommits: Rule<View> = ({ facts }) =>
  facts.checkedOut && facts.head === undefined
    ? refuse("nothing_to_land", "This branch has no commits.", "Commit your work, then land it.")
    : undefined;

const movedHere: Rule<View> = ({ facts, tally }) => {
  const { head } = facts;
  if (tally.head === undefined || head === undefined || head === tally.head) return undefined;
  return refuse(
    "head_moved",
    `${facts.branch ?? "The branch"} moved from ${short(tally.head)} to ${short(head)} while it was being landed.`,
    "Nothing but what was asked for is landed. Ask again to land the new head.",
  );
};

const beforeLooking: readonly Rule<View>[] = [
  wrongTarget,
  ownRebase,
  obstacleAtStart,
  targetItself,
  noCommits,
  movedHere,
];

/** Landing what the forge has of a branch must not look as if the newer commits here had landed. */
const leftBehind: Rule<Known> = ({ facts, tally, branch, head }) =>
  facts.unpushed === undefined || tally.requested === head
    ? undefined
    : refuse(
        "head_moved",
        `${branch} is at ${short(facts.unpushed)} here, with commits that its head on the forge, ${short(head)}, has not.`,
        `Land it from the work tree where it is checked out; or, to land ${short(head)} without them, \`merge_branch\` with that \`head\` in full.`,
      );

/** The record says merged with this very head: only the proof on the remote is missing. */
const merged: Rule<Known> = ({ facts, tally, head, remote }) => {
  const { record } = facts;
  if (record?.state !== "merged" || record.head !== head) return undefined;
  const commit = record.mergeCommit ?? head;
  if (remote.verified?.commit === commit && remote.verified.inTarget) {
    return end({ state: "landed", mergeCommit: commit, already: tally.requested !== head });
  }
  if (tally.verifications < maxVerifications) return { do: "verify", commit };
  return refuse(
    "target_moved_outside",
    `The forge says ${short(head)} was merged as ${short(commit)}, but ${facts.target} on the remote does not contain it.`,
    "Somebody moved the target outside the forge; its owner has to accept or restore it.",
  );
};

/** A record that ended with this head, and a target that has it: it landed, whatever was written. */
const contained: Rule<Known> = ({ facts, tally, remote, branch, head, targetTip }) => {
  if (remote.standing !== "contained") return undefined;
  const { record } = facts;
  const ended = record !== undefined && record.state !== "open" && record.head === head;
  const mergedMeanwhile = record?.state === "merged" && record.id === tally.openRecord;
  // A forge that writes its record after its refs, or never, does not hide a merge that is there.
  if (ended || mergedMeanwhile || remote.mergeOf !== undefined) {
    const mergeCommit = remote.mergeOf ?? record?.mergeCommit ?? (ended ? head : targetTip);
    return end({ state: "landed", mergeCommit, already: tally.requested !== head });
  }
  return refuse(
    "nothing_to_land",
    `${branch} holds nothing that ${facts.target} has not.${mergedBefore(facts)}`,
    "Commit your work on this branch, then land it.",
  );
};

function mergedBefore(facts: Facts): string {
  const { record } = facts;
  return record?.state === "merged" ? ` It was merged before, as branch #${record.id}.` : "";
}

const closed: Rule<Known> = ({ facts, tally, head, remote, branch }) => {
  const { record } = facts;
  if (record?.state !== "closed") return undefined;
  const sameHead = record.head === head && remote.tip === undefined;
  if (!sameHead && record.id !== tally.openRecord) return undefined;
  return end({
    state: "closed",
    why: `Branch #${record.id} (${branch}) was closed on the forge.`,
    next: "Your commits are still here. If it should land after all, `push_branch` makes a new record; then land again.",
  });
};

const notPushable: Rule<Known> = ({ facts, remote, branch }) => {
  const found = pushRefusal(branch, facts.target, remote);
  return found === undefined ? undefined : refusal(found);
};

const rebaseWhereNeeded: Rule<Known> = (view) => {
  const { facts, tally, head, branch, targetTip, remote } = view;
  if (remote.standing !== "behind") return undefined;
  const conflicts = tally.refusal?.code === "merge_conflict" && tally.refusal.head === head;
  if (facts.rule === "queue" && !conflicts) return undefined;
  if (!facts.checkedOut) {
    return refuse(
      "target_moved",
      `${branch} is behind ${facts.target}, and it is not checked out here, so it is not rebased.`,
      "Land it from the work tree where it is checked out.",
    );
  }
  if (facts.obstacle !== undefined) return refusal(facts.obstacle);
  if (tally.rebases >= maxRebases || (tally.rebases > 0 && tally.timeLeftMs <= 0)) {
    return waiting(`${facts.target} to stand still: it moved ${tally.rebases} times meanwhile`);
  }
  return { do: "rebase", onto: targetTip };
};

const pushWhereNeeded: Rule<Known> = ({ facts, remote, head, branch }) => {
  if (remote.overwrite === "nothing") return undefined;
  if (facts.checkedOut) return { do: "push", head, lease: remote.tip };
  return refuse(
    "branch_gone",
    `${branch} is not on the forge any more, and it is not checked out here.`,
    "Land it from the work tree where it is checked out.",
  );
};

const tooMuch: Rule<Known> = ({ tally }) =>
  tally.acts < maxActs
    ? undefined
    : waiting("the branch, the target and the forge to stand still; they kept changing");

const forgeKnows: Rule<Known> = ({ facts, tally, head }) => {
  const { record } = facts;
  if (record !== undefined && record.state === "open" && record.head === head) {
    return record.problem === undefined
      ? undefined
      : refuse(
          "branch_not_open",
          `The forge cannot treat this branch: ${record.problem}`,
          "Put that right, then land again.",
        );
  }
  if (tally.timeLeftMs <= 0) return waiting("the forge to take notice of the pushed head");
  return { do: "wait", on: "forge_head", head };
};

const onceKnown: readonly Rule<Known>[] = [
  leftBehind,
  merged,
  contained,
  closed,
  notPushable,
  tooMuch,
  rebaseWhereNeeded,
  pushWhereNeeded,
  forgeKnows,
];

/** The head is pushed, known to the forge and open: what CI says of it decides. */
function judge(view: Known): Step {
  const { facts, tally, options, head } = view;
  const { record } = facts;
  if (record === undefined) return { do: "wait", on: "forge_head", head };
  const queue = facts.rule === "queue" && options.merge;
  switch (record.verdict) {
    case "failed":
      return end({ state: "ci_failed", note: record.note, next: fixAndLand });
    case "green":
      return options.merge ? requestOrRefuse(view, record.id) : greenEnd(view);
    case "superseded":
      if (queue) break;
      return refuse(
        "ci_not_green",
        `CI of ${short(head)} was given up for a newer head, though this is the newest again.`,
        "`recover_ci` with `rerun_suite` runs it anew; then land again.",
      );
    default:
      break;
  }
  if (queue) return requestOrRefuse(view, record.id);
  if (tally.timeLeftMs > 0) return { do: "wait", on: "ci", head };
  return waiting(
    record.verdict === "none" ? "a CI run for the head; there is none yet" : "CI on the head",
  );
}

/** What to do about red CI. */
export const fixAndLand =
  "Fix what failed, commit, and land again; `lane_logs` has the whole log. If it failed by no fault of the branch, `recover_ci` can rerun it.";

function greenEnd({ facts }: Known): Step {
  return end({
    state: "green",
    next:
      lanesNeedOwner(facts.record) ??
      `CI is green for this head and it contains ${facts.target}. Land again, this time without stopping at green.`,
  });
}

function requestOrRefuse(view: Known, id: string): Step {
  const { tally, head, targetTip } = view;
  if (tally.queued === head) {
    return tally.timeLeftMs > 0
      ? { do: "wait", on: "queue", head }
      : waiting("the forge's queue, which has the head");
  }
  const before = tally.refusal;
  if (before?.head === head && refusalStands(before, targetTip)) {
    return refuse(before.code, before.why, before.next ?? "See `branch_status`, then land again.");
  }
  return { do: "request_landing", id, head };
}

/** Some refusals looking again cannot change; the others count once they come back. */
function refusalStands(before: Refusal, targetTip: string): boolean {
  if (!lookAgain.has(before.code)) return true;
  return before.targetTip === targetTip && before.times >= maxRefusals;
}

const lookAgain = new Set([
  "target_moved",
  "head_moved",
  "head_required",
  "branch_not_open",
  "branch_gone",
  "ci_not_green",
  "merge_conflict",
]);

function waiting(on: string): Step {
  return end({ state: "waiting", on, next: "Call again; it goes on from where it is." });
}
