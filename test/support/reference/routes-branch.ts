import { failByHand, recover, requeue, rerunOnBranch } from "./ci.ts";
import { branchById, type Core, findLane, isActive, newestRecord, runsOf } from "./core.ts";
import type { Loop } from "./ingest.ts";
import { close, merge } from "./landing.ts";
import { refuse } from "./refusal.ts";
import { type Endpoint, json, type Path } from "./router.ts";
import type { BranchRow, LaneRow, RunRow } from "./types.ts";
import { branchDetail, ciLane } from "./wire.ts";

/** Branches by JSON: resolve, detail, logs, merge, close and the lanes' operations. */
export function branchPaths(core: Core, loop: Loop): Path[] {
  const head = core.revision === "head";
  const mergeIt: Endpoint = {
    guard: "trusted",
    async run({ ids, rights }) {
      const branch = await merge(core, ids[0] ?? 0n, rights().npub);
      void loop.wake();
      const { id, mergeCommit } = branch;
      const more = head ? { deleted: null } : {};
      return json({ status: "ok", branch_id: id, merge_commit_sha: mergeCommit, ...more });
    },
  };
  const closeIt: Endpoint = {
    guard: "trusted",
    async run({ ids, rights }) {
      const branch = await close(core, ids[0] ?? 0n, rights().npub);
      void loop.wake();
      const more = head ? { merge_commit_sha: null } : {};
      return json({ status: "ok", branch_id: branch.id, deleted: true, ...more });
    },
  };
  return [
    { path: "/api/forge/branch/resolve", get: resolveIt(core, loop) },
    { path: "/api/forge/branch/:branch_id", get: detail(core, loop) },
    { path: "/api/forge/branch/:branch_id/logs", get: logs(core) },
    { path: "/api/forge/branch/:branch_id/merge", post: mergeIt },
    { path: "/branch/:branch_id/merge", post: mergeIt },
    { path: "/api/forge/branch/:branch_id/close", post: closeIt },
    { path: "/branch/:branch_id/close", post: closeIt },
    { path: "/branch/:branch_id/ci/rerun/:lane_run_id", post: rerun(core, loop) },
    ...(head ? laneOperations(core, loop) : []),
  ];
}

/** A read that the faults count; once they ran out, what was kept back happens. */
function countRead(core: Core, loop: Loop): void {
  const { faults } = core;
  if (faults.lateIngestion > 0) {
    faults.lateIngestion -= 1;
    if (faults.lateIngestion === 0) void loop.wake();
  } else if (core.runless.size > 0) {
    faults.previousSuccess -= 1;
    if (faults.previousSuccess <= 0) {
      core.runless.clear();
      void loop.wake();
    }
  }
}

const resolveIt = (core: Core, loop: Loop): Endpoint => ({
  guard: "token",
  query: { branch_name: "text" },
  run({ query }) {
    const name = String(query.branch_name).trim();
    if (name === "") throw refuse(400, "branch_name is required");
    const branch = newestRecord(core, name);
    const answer =
      branch === undefined
        ? undefined
        : json({
            branch_id: branch.id,
            repo: core.slug,
            branch_name: branch.name,
            branch_state: branch.state,
          });
    countRead(core, loop);
    if (answer === undefined) throw refuse(404, "branch not found");
    return answer;
  },
});

const detail = (core: Core, loop: Loop): Endpoint => ({
  guard: "token",
  run({ ids }) {
    const answer = json(branchDetail(core, known(core, ids[0])));
    countRead(core, loop);
    return answer;
  },
});

function known(core: Core, id: bigint | undefined): BranchRow {
  const branch = branchById(core, id ?? 0n);
  if (branch === undefined) throw refuse(404, "branch not found");
  return branch;
}

const logs = (core: Core): Endpoint => ({
  guard: "token",
  query: { lane: "text?", lane_run_id: "int?" },
  run({ ids, query }) {
    const branch = known(core, ids[0]);
    const chosen = chooseLog(runsOf(core, branch.id), query);
    if (chosen === undefined) throw refuse(404, "no matching lane logs found");
    const { run, lane } = chosen;
    const record = lane.runnerRun === null ? undefined : core.runners.get(lane.runnerRun);
    return json({
      branch_id: branch.id,
      branch_name: branch.name,
      run_id: run.id,
      lane: ciLane(core, lane, "branch"),
      ...(core.revision === "seed"
        ? {}
        : {
            pikaci_run: record?.record ?? null,
            pikaci_log_metadata: record === undefined ? null : metadataOf(record.record),
            pikaci_prepared_outputs: record?.preparedOutputs ?? null,
          }),
    });
  },
});

const metadataOf = (record: Readonly<Record<string, unknown>>) => ({
  run_id: record.run_id,
  status: record.status,
  jobs: [],
});

interface Chosen {
  readonly run: RunRow;
  readonly lane: LaneRow;
}

function chooseLog(
  runs: readonly RunRow[],
  query: Readonly<Record<string, string | bigint | undefined>>,
): Chosen | undefined {
  const all = runs.flatMap((run) => run.lanes.map((lane) => ({ run, lane })));
  const { lane: name, lane_run_id: id } = query;
  if (id !== undefined) return all.find(({ lane }) => BigInt(lane.id) === id);
  if (name !== undefined) return all.find(({ lane }) => lane.laneId === name);
  return (
    all.find(({ lane }) => lane.status === "failed") ??
    all.find(({ lane }) => (lane.log ?? "").trim() !== "") ??
    all.find(({ run }) => run === runs[0])
  );
}

/** A lane run of a branch; 404 for any other branch's and for a nightly's. */
function laneOf(core: Core, ids: readonly bigint[]) {
  const found = findLane(core, Number(ids[1]));
  const owner = found?.run.owner;
  const fits = owner !== undefined && "branchId" in owner && BigInt(owner.branchId) === ids[0];
  if (found === undefined || !fits) throw refuse(404, "branch lane not found");
  return { ...found, branchId: owner.branchId };
}

const rerun = (core: Core, loop: Loop): Endpoint => ({
  guard: "trusted",
  run({ ids }) {
    const { run, lane, branchId } = laneOf(core, ids);
    if (isActive(lane.status)) throw refuse(409, `lane ${lane.laneId} is still ${lane.status}`);
    const made = rerunOnBranch(core, run, lane);
    void loop.wake();
    return json({ status: "ok", branch_id: branchId, rerun_suite_id: made.id });
  },
});

function laneOperations(core: Core, loop: Loop): Path[] {
  const answer = (branchId: number, lane: LaneRow) =>
    json({
      status: "ok",
      branch_id: branchId,
      nightly_run_id: null,
      lane_run_id: lane.id,
      lane_status: lane.status,
    });
  const failIt: Endpoint = {
    guard: "trusted",
    run({ ids, rights }) {
      const { run, lane, branchId } = laneOf(core, ids);
      if (!isActive(lane.status)) throw refuse(409, alreadyEnded(lane));
      failByHand(core, run, lane, rights().npub);
      void loop.wake();
      return answer(branchId, lane);
    },
  };
  const requeueIt: Endpoint = {
    guard: "trusted",
    run({ ids }) {
      const { run, lane, branchId } = laneOf(core, ids);
      if (lane.status === "success" || lane.status === "skipped") {
        throw refuse(409, notAgain(lane));
      }
      requeue(core, run, lane);
      void loop.wake();
      return answer(branchId, lane);
    },
  };
  const recoverIt: Endpoint = {
    guard: "trusted",
    run({ ids }) {
      const [branchId, runId] = ids;
      const run = core.runs.find((one) => BigInt(one.id) === runId);
      const owner = run?.owner;
      if (run === undefined || owner === undefined || !("branchId" in owner)) {
        throw refuse(404, "branch run not found");
      }
      if (BigInt(owner.branchId) !== branchId) throw refuse(404, "branch run not found");
      const count = recover(core, run);
      void loop.wake();
      return json({
        status: "ok",
        branch_id: owner.branchId,
        run_id: run.id,
        nightly_run_id: null,
        recovered_lane_count: count,
      });
    },
  };
  return [
    { path: "/branch/:branch_id/ci/fail/:lane_run_id", post: failIt },
    { path: "/branch/:branch_id/ci/requeue/:lane_run_id", post: requeueIt },
    { path: "/branch/:branch_id/ci/recover/:run_id", post: recoverIt },
    {
      path: "/api/forge/ci/wake",
      post: {
        guard: "trusted",
        run() {
          void loop.wake();
          return json({ status: "ok", message: "scheduler wake requested" });
        },
      },
    },
  ];
}

export const alreadyEnded = (lane: LaneRow) => `lane ${lane.laneId} is already ${lane.status}`;
export const notAgain = (lane: LaneRow) =>
  `lane ${lane.laneId} cannot be requeued from ${lane.status}`;
