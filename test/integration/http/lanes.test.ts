import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestForge, type TestForge } from "../../support/server.ts";

/** A lane that fails until a file outside the tree says otherwise, and one that always passes. */
const manifest = `version = 1
nightly_schedule_utc = "08:00"

[[branch.lanes]]
id = "moody"
title = "Moody"
entrypoint = "moody"
command = ["sh", "-c", "test -e \\"$XDG_CACHE_HOME/good\\" || { touch \\"$XDG_CACHE_HOME/good\\"; exit 1; }"]

[[branch.lanes]]
id = "steady"
title = "Steady"
entrypoint = "steady"
command = ["true"]
`;

let forge: TestForge;
let token: string;
beforeAll(async () => {
  forge = await startTestForge({ manifest });
  token = await forge.login(forge.agent.nsec);
});
afterAll(() => forge?.close());

// biome-ignore lint/suspicious/noExplicitAny: answers as they travel.
type Detail = any;
const settled = (detail: Detail) =>
  detail.ci_runs.length > 0 &&
  detail.ci_runs.every((run: Detail) => !["queued", "running"].includes(run.status));
const post = (path: string) => forge.api("POST", path, undefined, token);
const lane = (detail: Detail, name: string, run = 0): Detail =>
  detail.ci_runs[run].lanes.find((each: Detail) => each.lane_id === name);

let detail: Detail;
let id: number;
beforeAll(async () => {
  await forge.push("topic", { "a.txt": "1\n" });
  detail = await forge.until("topic", token, settled);
  id = detail.branch.branch_id;
  expect(detail.branch.ci_status).toBe("failed");
});

describe("a lane's rerun", () => {
  it("is a run of its own that never decides", async () => {
    const failed = lane(detail, "moody");
    const answer = await post(`/branch/${id}/ci/rerun/${failed.id}`);
    expect(answer.json).toEqual({
      status: "ok",
      branch_id: id,
      rerun_suite_id: detail.ci_runs[0].id + 1,
    });
    const after = await forge.until("topic", token, settled);
    expect(after.branch.ci_status).toBe("failed");
    expect(after.ci_runs[0]).toMatchObject({
      id: answer.json.rerun_suite_id,
      status: "success",
      partial: true,
      rerun_of_run_id: detail.ci_runs[0].id,
      lane_count: 1,
      note: expect.stringContaining(forge.agent.npub),
    });
    expect(after.ci_runs[0].lanes[0].rerun_of_lane_run_id).toBe(failed.id);
    const merge = await forge.api("POST", `/api/forge/branch/${id}/merge`, {}, token);
    expect(merge.json.code).toBe("ci_not_green");
  });

  it("in its own run, by requeue or recover, is refused to a lane whose tests failed", async () => {
    const [run] = detail.ci_runs;
    const requeue = await post(`/branch/${id}/ci/requeue/${lane(detail, "moody").id}`);
    expect(requeue.status).toBe(409);
    expect(requeue.json.error).toContain("lane moody cannot be requeued from failed");
    expect(requeue.json.error).toContain("or the suite to decide anew");
    const recover = await post(`/branch/${id}/ci/recover/${run.id}`);
    expect(recover.json.recovered_lane_count).toBe(0);
    const after = await forge.api("GET", `/api/forge/branch/${id}`, undefined, token);
    expect(after.json.branch.ci_status).toBe("failed");
  });

  it("is refused for another branch's lane", async () => {
    await forge.push("other", { "b.txt": "1\n" });
    const other = await forge.until("other", token, settled);
    const answer = await post(`/branch/${id}/ci/rerun/${lane(other, "steady").id}`);
    expect([answer.status, answer.json]).toEqual([404, { error: "branch lane not found" }]);
  });
});

describe("a suite's rerun", () => {
  it("is a whole run that decides", async () => {
    const answer = await post(`/branch/${id}/ci/rerun`);
    expect(answer.status).toBe(200);
    const after = await forge.until("topic", token, settled);
    expect(after.ci_runs[0]).toMatchObject({
      id: answer.json.rerun_suite_id,
      partial: false,
      lane_count: 2,
      status: "success",
    });
    expect(after.branch.ci_status).toBe("success");
    detail = after;
  });
});

describe("lanes that wait", () => {
  let waiting: Detail;
  beforeAll(async () => {
    forge.settings.ciConcurrency = 0;
    await forge.push("waiting", { "c.txt": "1\n" });
    waiting = await forge.until("waiting", token, (d) => d.ci_runs.length > 0);
  });
  const path = (action: string, laneRun: number) =>
    `/branch/${waiting.branch.branch_id}/ci/${action}/${laneRun}`;

  it("cannot be rerun, nor can their suite", async () => {
    const rerun = await post(path("rerun", lane(waiting, "steady").id));
    expect([rerun.status, rerun.json.error]).toEqual([409, "lane steady is still queued"]);
    const suite = await post(`/branch/${waiting.branch.branch_id}/ci/rerun`);
    expect([suite.status, suite.json.error]).toEqual([
      409,
      `run #${waiting.ci_runs[0].id} is still queued`,
    ]);
  });

  it("can be failed, cancelled and requeued", async () => {
    const steady = lane(waiting, "steady").id;
    const moody = lane(waiting, "moody").id;
    const failed = await post(path("fail", steady));
    expect(failed.json).toEqual({
      status: "ok",
      branch_id: waiting.branch.branch_id,
      nightly_run_id: null,
      lane_run_id: steady,
      lane_status: "failed",
    });
    expect((await post(path("fail", steady))).json).toEqual({ ...failed.json, already: true });
    const otherwise = await post(path("cancel", steady));
    expect([otherwise.status, otherwise.json.error]).toEqual([
      409,
      "lane steady is already failed",
    ]);
    expect((await post(path("cancel", moody))).json.lane_status).toBe("failed");
    const after = await forge.until("waiting", token, settled);
    expect(lane(after, "steady")).toMatchObject({
      failure_kind: null,
      note: `Manual fail by ${forge.agent.npub}: marked steady failed for CI recovery.`,
    });
    expect(lane(after, "moody")).toMatchObject({ failure_kind: "cancelled" });
    expect(after.branch.ci_status).toBe("failed");
    const requeued = await post(path("requeue", steady));
    expect(requeued.json).toMatchObject({ status: "ok", lane_status: "queued" });
    const again = await forge.until("waiting", token, (d) => lane(d, "steady").status === "queued");
    expect(lane(again, "steady").retry_count).toBe(1);
    expect(again.branch.ci_status).toBe("running");
    expect(again.ci_runs[0].note).toBe(`Lane steady requeued by ${forge.agent.npub}`);
  });

  it("can be recovered with their run, and then run", async () => {
    const { branch_id } = waiting.branch;
    const run = waiting.ci_runs[0].id;
    const recovered = await post(`/branch/${branch_id}/ci/recover/${run}`);
    expect(recovered.json).toEqual({
      status: "ok",
      branch_id,
      run_id: run,
      nightly_run_id: null,
      recovered_lane_count: 2,
    });
    forge.settings.ciConcurrency = 2;
    await post("/api/forge/ci/wake");
    const after = await forge.until("waiting", token, settled);
    expect(after.branch.ci_status).toBe("success");
    expect(after.ci_runs[0].note).toContain(`Recovered by ${forge.agent.npub}`);
    const steady = lane(after, "steady").id;
    const none = await post(`/branch/${branch_id}/ci/recover/${run}`);
    expect([none.status, none.json.recovered_lane_count]).toEqual([200, 0]);
    const requeue = await post(path("requeue", steady));
    expect([requeue.status, requeue.json.error]).toEqual([
      409,
      "lane steady cannot be requeued from success",
    ]);
    const elsewhere = await post(`/branch/${id}/ci/recover/${run}`);
    expect([elsewhere.status, elsewhere.json]).toEqual([404, { error: "branch run not found" }]);
  });
});
