import { expectedTarget } from "../repository/target.ts";
import type { BranchRecord, RunRecord } from "../store/records.ts";
import type { Reads } from "../store/store.ts";
import { readCursor, writeCursor } from "./cursor.ts";
import { HttpFault, notFound } from "./fault.ts";
import type { Handlers } from "./handler.ts";
import { logViews } from "./lane-logs.ts";
import { waitsOf } from "./lane-waits.ts";
import type { Parts } from "./parts.ts";
import { type BranchView, branchOnWire, maxRuns, shownRuns } from "./wire-branch.ts";
import { laneOnWire, runOnWire } from "./wire-lane.ts";

const defaultLimit = 20;

/** Reading branches: the list, a name's record, the detail with its runs. */
export const branchHandlers: Pick<Handlers, "branches" | "resolve" | "branch"> = {
  branches({ parts, query }) {
    const limit = query.limit ?? defaultLimit;
    const before = query.cursor === undefined ? undefined : readCursor(query.cursor);
    const found = parts.store.read.branches({ state: query.state, limit: limit + 1, before });
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      branches: page.map((branch) => branchView(parts, branch)),
      next_cursor: found.length > limit && last !== undefined ? writeCursor(last) : null,
    };
  },

  resolve({ parts, query }) {
    const name = query.branch_name.trim();
    if (name === "") throw new HttpFault(400, { error: "branch_name is required" });
    const branch = parts.store.read.branchByName(name);
    if (branch === undefined) throw notFound("branch");
    return {
      branch_id: branch.id,
      repo: parts.config.repo,
      branch_name: branch.name,
      branch_state: branch.state,
    };
  },

  async branch({ parts, id, query }) {
    const { read } = parts.store;
    const branch = requireBranch(read, id("branch_id"));
    const runs = runsShown(read, branch).map((run) => ({ run, lanes: read.lanesOfRun(run.id) }));
    const lanes = runs.flatMap((entry) => entry.lanes);
    // Everything is read before the first wait, so that the answer is of one moment.
    const view = branchView(parts, branch);
    const waits = waitsOf(parts, lanes);
    const logs = await logViews(parts.config, lanes, query.logs !== "none");
    const now = parts.clock.now();
    const noLog = { bytes: 0, text: null };
    const mirror = await mirrorOf(parts, branch);
    const changed = view.ci_status === "success" ? await changedLanesOf(parts, branch) : {};
    return {
      branch: { ...view, ...mirror, ...changed },
      ci_runs: runs.map(({ run, lanes }) => {
        const views = lanes.map((lane) =>
          laneOnWire(lane, logs.get(lane.id) ?? noLog, now, waits.get(lane.id)),
        );
        return runOnWire(run, views, now);
      }),
    };
  },
};

/** Whether the mirror has seen the merge, where there are both. */
async function mirrorOf(
  { mirror }: Parts,
  { mergeCommit }: BranchRecord,
): Promise<Pick<BranchView, "mirror">> {
  if (mirror === undefined || mergeCommit === null) return {};
  const { state, checkedAt } = await mirror.sighting(mergeCommit);
  return { mirror: { state, checked_at: checkedAt } };
}

/**
 * The lanes that keep a head from landing until the owner agrees. A head behind the target has to
 * be rebased first, and what it lacks of newer lanes is nothing that it removes.
 */
async function changedLanesOf(
  { ci, config, store }: Parts,
  { state, head, mergeBase }: BranchRecord,
): Promise<Pick<BranchView, "changed_lanes">> {
  const target = expectedTarget(store.read);
  if (state !== "open" || target === null || mergeBase !== target) return {};
  if (config.settings().allowCiChange) return {};
  // A hint alone: the merge itself looks again, and tells what keeps it from looking.
  const lanes = await ci.lanesChangedBy(head, target).catch(() => []);
  return lanes.length === 0 ? {} : { changed_lanes: [...lanes] };
}

/** The branch, or the contract's 404. */
export function requireBranch(read: Reads, id: number): BranchRecord {
  const branch = read.branch(id);
  if (branch === undefined) throw notFound("branch");
  return branch;
}

/** The runs of exactly the branch's head, newest first, without those of a merge queue's trees. */
export function headRuns(read: Reads, branch: BranchRecord): readonly RunRecord[] {
  return read.runsOfHead(branch.id, branch.head).filter((run) => run.subject === "head");
}

/** The runs that answers and pages show of a branch. */
export function runsShown(read: Reads, branch: BranchRecord) {
  const ofHead = headRuns(read, branch);
  // Those of the head may be among the newest of the branch, so twice as many are asked for.
  return shownRuns(branch.head, ofHead, read.runsOfBranch(branch.id, 2 * maxRuns));
}

/** A branch with what the store knows of its head's CI and tutorial. */
export function branchView({ store, config }: Parts, branch: BranchRecord): BranchView {
  const ofHead = headRuns(store.read, branch);
  const { read } = store;
  return branchOnWire(config.repo, branch, ofHead, {
    tutorial: read.tutorial(branch.id),
    pusher: read.pusher(branch.id, branch.head),
  });
}
