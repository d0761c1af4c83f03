import { answers, type Case, refuses, row } from "../case.ts";
import { int, is, keys, str } from "../match.ts";
import { nightly as nightlyShape } from "../shapes.ts";
import type { Fate, Pushed, PushedNightly, World } from "../world.ts";

type Verb = "rerun" | "fail" | "requeue";
const post = (path: string) => ({ method: "POST", path, as: "writer" as const });
const onBranch = (verb: Verb, { id, laneRunId }: Pushed) =>
  post(`/branch/${id}/ci/${verb}/${laneRunId}`);
const onNightly = (verb: Verb, { id, laneRunId }: PushedNightly) =>
  post(`/nightly/${id}/${verb}/${laneRunId}`);
const head = ["head"] as const;
const leftAtWork = "Requeue of a running lane";
const oneKey = { row: "Requeue and recover", expect: refuses(409, /./) };

/** What fail and requeue answer; one of the two ids is null. */
const acted = (of: "branch" | "nightly", id: number, lane: number, status: string) =>
  answers(
    keys({
      status: is("ok"),
      branch_id: is(of === "branch" ? id : null),
      nightly_run_id: is(of === "nightly" ? id : null),
      lane_run_id: is(lane),
      lane_status: is(status),
    }),
  );

const recovered = (of: "branch" | "nightly", id: number, run: number | null, lanes: number) =>
  answers(
    keys({
      status: is("ok"),
      branch_id: is(of === "branch" ? id : null),
      run_id: is(run),
      nightly_run_id: is(of === "nightly" ? id : null),
      recovered_lane_count: is(lanes),
    }),
  );

const push = (fate: Fate) => (world: World, unique: string) => world.push(unique, fate);
const read = (fate: "success" | "failed" | "running") => (world: World) => world.shared(fate);
const nightly = (fate: Fate) => (world: World) => world.nightly(fate);

const reruns: Case[] = [
  ...(["success", "failed"] as const).map((fate) =>
    row<Pushed>({
      section: "2.5",
      name: `rerun of a lane that ended as ${fate}`,
      arrange: push(fate),
      call: (pushed) => onBranch("rerun", pushed),
      expect: ({ id }) =>
        answers(keys({ status: is("ok"), branch_id: is(id), rerun_suite_id: int })),
      async after({ id, runId, laneRunId, laneId }, world, { json }) {
        const path = `/api/forge/branch/${id}`;
        const reply = await world.ask({ method: "GET", path, as: "reader" });
        const run = reply.json.ci_runs.find(
          (one: { id: number }) => one.id === json.rerun_suite_id,
        );
        const facts = [run?.rerun_of_run_id, run?.lane_count, run?.lanes[0]?.rerun_of_lane_run_id];
        if (facts.join() !== [runId, 1, laneRunId].join() || run.lanes[0].lane_id !== laneId) {
          throw new Error(`the new run: ${JSON.stringify(run)}`);
        }
      },
    }),
  ),
  ...(["queued", "running"] as const).map((fate) =>
    row<Pushed>({
      section: "2.5",
      name: `rerun of a lane that is ${fate}`,
      arrange: fate === "queued" ? push(fate) : read(fate),
      call: (pushed) => onBranch("rerun", pushed),
      expect: ({ laneId }) => refuses(409, `lane ${laneId} is still ${fate}`),
    }),
  ),
];

/** Each verb at a lane that is not that branch's. */
const strangers = (["rerun", "fail", "requeue"] as const).flatMap((verb): Case[] => {
  const on = verb === "rerun" ? {} : { on: head };
  return [
    row<Pushed>({
      section: "2.5",
      name: `${verb} of a lane that there is not`,
      ...on,
      arrange: read("success"),
      call: (pushed) => onBranch(verb, { ...pushed, laneRunId: 404_404 }),
      expect: refuses(404, "branch lane not found"),
    }),
    row<Pushed>({
      section: "2.5",
      name: `${verb} of another branch's lane`,
      ...on,
      async arrange(world) {
        const other = await world.shared("failed");
        const pushed = await world.shared("success");
        return { ...pushed, laneRunId: other.laneRunId };
      },
      call: (pushed) => onBranch(verb, pushed),
      expect: refuses(404, "branch lane not found"),
    }),
    row<PushedNightly>({
      section: "2.5",
      name: `${verb} of a nightly lane that there is not`,
      ...on,
      arrange: nightly("success"),
      call: (run) => onNightly(verb, { ...run, laneRunId: 404_404 }),
      expect: refuses(404, "nightly lane not found"),
    }),
    row<Pushed>({
      section: "2.5",
      name: `${verb} of a branch's lane as a nightly's`,
      ...on,
      arrange: read("success"),
      call: ({ runId, laneRunId }) => post(`/nightly/${runId}/${verb}/${laneRunId}`),
      expect: refuses(404, "nightly lane not found"),
    }),
  ];
});

const operations: Case[] = [
  ...(["queued", "running"] as const).map((fate) =>
    row<Pushed>({
      section: "2.5",
      name: `fail of a lane that is ${fate}`,
      on: head,
      arrange: push(fate),
      call: (pushed) => onBranch("fail", pushed),
      expect: ({ id, laneRunId }) => acted("branch", id, laneRunId, "failed"),
    }),
  ),
  ...(["success", "failed"] as const).map((fate) =>
    row<Pushed>({
      section: "2.5",
      name: `fail of a lane that ended as ${fate}`,
      on: head,
      arrange: read(fate),
      call: (pushed) => onBranch("fail", pushed),
      expect: ({ laneId }) => refuses(409, `lane ${laneId} is already ${fate}`),
    }),
  ),
  row<Pushed>({
    section: "2.5",
    name: "requeue of a lane that is queued",
    on: head,
    arrange: push("queued"),
    call: (pushed) => onBranch("requeue", pushed),
    expect: ({ id, laneRunId }) => acted("branch", id, laneRunId, "queued"),
  }),
  row<Pushed>({
    section: "2.5",
    name: "requeue of a lane that is running",
    on: head,
    arrange: push("running"),
    call: (pushed) => onBranch("requeue", pushed),
    expect: ({ id, laneRunId }) => acted("branch", id, laneRunId, "queued"),
    differs: {
      row: leftAtWork,
      expect: (facts) => {
        const { id, laneRunId } = facts as Pushed;
        return acted("branch", id, laneRunId, "running");
      },
    },
  }),
  row<Pushed>({
    section: "2.5",
    name: "requeue of a lane that failed",
    on: head,
    arrange: push("failed"),
    call: (pushed) => onBranch("requeue", pushed),
    expect: ({ id, laneRunId }) => acted("branch", id, laneRunId, "queued"),
    differs: oneKey,
  }),
  row<Pushed>({
    section: "2.5",
    name: "requeue of a lane that succeeded",
    on: head,
    arrange: read("success"),
    call: (pushed) => onBranch("requeue", pushed),
    expect: ({ laneId }) => refuses(409, `lane ${laneId} cannot be requeued from success`),
  }),
  row<Pushed>({
    section: "2.5",
    name: "recover of a run with nothing to recover",
    on: head,
    arrange: read("success"),
    call: ({ id, runId }) => post(`/branch/${id}/ci/recover/${runId}`),
    expect: ({ id, runId }) => recovered("branch", id, runId, 0),
  }),
  row<Pushed>({
    section: "2.5",
    name: "recover of a run with a running lane",
    on: head,
    arrange: push("running"),
    call: ({ id, runId }) => post(`/branch/${id}/ci/recover/${runId}`),
    expect: ({ id, runId }) => recovered("branch", id, runId, 1),
    differs: {
      row: "Recover and lanes that run",
      expect: ({ id, runId }: Pushed) => recovered("branch", id, runId, 0),
    },
  }),
  row<Pushed>({
    section: "2.5",
    name: "recover of a run with a failed lane",
    on: head,
    arrange: push("failed"),
    call: ({ id, runId }) => post(`/branch/${id}/ci/recover/${runId}`),
    expect: ({ id, runId }) => recovered("branch", id, runId, 1),
    differs: {
      row: "Requeue and recover",
      expect: ({ id, runId }: Pushed) => recovered("branch", id, runId, 0),
    },
  }),
  row<Pushed>({
    section: "2.5",
    name: "recover of a run that is another branch's",
    on: head,
    async arrange(world) {
      const other = await world.shared("failed");
      const pushed = await world.shared("success");
      return { ...pushed, runId: other.runId };
    },
    call: ({ id, runId }) => post(`/branch/${id}/ci/recover/${runId}`),
    expect: refuses(404, "branch run not found"),
  }),
  row({
    section: "2.5",
    name: "wake",
    on: head,
    call: () => post("/api/forge/ci/wake"),
    expect: answers(keys({ status: is("ok"), message: str })),
  }),
];

const nightlies: Case[] = [
  ...(["success", "failed", "running", "queued"] as const).map((fate) =>
    row<PushedNightly>({
      section: "2.6",
      name: `a nightly whose lane is ${fate}`,
      on: head,
      alone: true,
      arrange: nightly(fate),
      call: ({ id }) => ({ method: "GET", path: `/api/forge/nightly/${id}`, as: "reader" }),
      expect: ({ id, head: tip }, world) =>
        answers(
          nightlyShape(world, {
            nightly_run_id: is(id),
            source_head_sha: is(tip),
            status: is(fate),
            rerun_of_run_id: is(null),
          }),
        ),
    }),
  ),
  row({
    section: "2.6",
    name: "a nightly that there is not",
    on: head,
    call: () => ({ method: "GET", path: "/api/forge/nightly/404404", as: "reader" }),
    expect: refuses(404, "nightly run not found"),
  }),
  row<Pushed>({
    section: "2.6",
    name: "a branch's run is no nightly",
    on: head,
    arrange: read("success"),
    call: ({ runId }) => ({ method: "GET", path: `/api/forge/nightly/${runId}`, as: "reader" }),
    expect: refuses(404, "nightly run not found"),
  }),
  row<PushedNightly>({
    section: "2.5",
    name: "rerun of a nightly lane is a nightly of its own",
    arrange: nightly("success"),
    call: (run) => onNightly("rerun", run),
    expect: ({ id }) =>
      answers(keys({ status: is("ok"), nightly_run_id: is(id), rerun_run_id: int })),
    async after({ id }, world, { json }) {
      const path = `/api/forge/nightly/${json.rerun_run_id}`;
      const reply = await world.ask({ method: "GET", path, as: "reader" });
      // The earlier revision has no JSON for nightlies.
      if (world.revision === "seed" && world.name === "double") return;
      if (reply.json?.rerun_of_run_id !== id) throw new Error(reply.text);
    },
  }),
  row<PushedNightly>({
    section: "2.5",
    name: "rerun of a nightly lane that waits",
    arrange: nightly("queued"),
    call: (run) => onNightly("rerun", run),
    expect: ({ laneId }) => refuses(409, `lane ${laneId} is still queued`),
  }),
  row<PushedNightly>({
    section: "2.5",
    name: "fail of a nightly lane",
    on: head,
    arrange: nightly("queued"),
    call: (run) => onNightly("fail", run),
    expect: ({ id, laneRunId }) => acted("nightly", id, laneRunId, "failed"),
  }),
  row<PushedNightly>({
    section: "2.5",
    name: "fail of a nightly lane that ended",
    on: head,
    arrange: nightly("success"),
    call: (run) => onNightly("fail", run),
    expect: ({ laneId }) => refuses(409, `lane ${laneId} is already success`),
  }),
  row<PushedNightly>({
    section: "2.5",
    name: "requeue of a nightly lane",
    on: head,
    arrange: nightly("queued"),
    call: (run) => onNightly("requeue", run),
    expect: ({ id, laneRunId }) => acted("nightly", id, laneRunId, "queued"),
  }),
  row<PushedNightly>({
    section: "2.5",
    name: "recover of a nightly",
    on: head,
    arrange: nightly("queued"),
    call: ({ id }) => post(`/nightly/${id}/recover`),
    expect: ({ id }) => recovered("nightly", id, null, 1),
  }),
  row({
    section: "2.5",
    name: "recover of a nightly that there is not",
    on: head,
    call: () => post("/nightly/404404/recover"),
    expect: refuses(404, "nightly run not found"),
  }),
];

const runners = ["run", "logs", "prepared-outputs"].flatMap((kind): Case[] =>
  ["none", "..%2F..%2Fetc%2Fpasswd", "%00", "a%20b"].map((id) =>
    row({
      section: "2.6",
      name: `runner ${kind} of ${id}`,
      on: head,
      call: () => ({ method: "GET", path: `/api/forge/pikaci/${kind}/${id}`, as: "reader" }),
      expect: refuses(404, /./),
    }),
  ),
);

export const laneCases: readonly Case[] = [
  ...reruns,
  ...strangers,
  ...operations,
  ...nightlies,
  ...runners,
  row({
    section: "2.6",
    name: "runner logs of no known kind",
    on: head,
    call: () => ({
      method: "GET",
      path: "/api/forge/pikaci/logs/none?kind=all",
      as: "reader",
    }),
    expect: { status: 400, headers: { "content-type": /^text\/plain/ } },
  }),
];
