import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { nightlyAnswer, nightlyListAnswer } from "../../../src/contract/nightly.ts";
import { paths } from "../../../src/contract/paths.ts";
import { queueNightly } from "../../../src/server/ci/queue-nightly.ts";
import { openStore } from "../../../src/server/store/open-store.ts";
import { eventually } from "../../support/ci.ts";
import { isSettled, type Nightly, nightlyManifest, untilNightly } from "../../support/nightly.ts";
import { startTestForge, type TestForge } from "../../support/server.ts";

let forge: TestForge;
let token: string;
let branch: number;
beforeAll(async () => {
  forge = await startTestForge({ manifest: nightlyManifest });
  token = await forge.login(forge.agent.nsec);
  await forge.push("topic", { "a.txt": "1\n" });
  // biome-ignore lint/suspicious/noExplicitAny: answers as they travel.
  const green = (d: any) => d.branch.ci_status === "success";
  branch = (await forge.until("topic", token, green)).branch.branch_id;
});
afterAll(() => forge?.close());

const post = (path: string) => forge.api("POST", path, undefined, token);
const get = (path: string) => forge.api("GET", path, undefined, token);
const laneOf = (nightly: Nightly, name: string): Nightly =>
  nightly.lanes.find((each: Nightly) => each.lane_id === name);

let first: Nightly;

describe("a nightly asked for", () => {
  it("runs the nightly lanes of the target's manifest at the target's commit", async () => {
    const answer = await post(paths.startNightly());
    expect(answer.json).toEqual({
      status: "ok",
      nightly_run_id: expect.any(Number),
      scheduled_for: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      lane_count: 2,
    });
    first = await untilNightly(forge, token, answer.json.nightly_run_id);
    const target = await forge.git(["rev-parse", "main"]);
    expect(first).toMatchObject({
      nightly_run_id: answer.json.nightly_run_id,
      repo: "test/repo",
      scheduled_for: answer.json.scheduled_for,
      source_ref: "refs/heads/main",
      source_head_sha: target,
      status: "failed",
      summary: null,
      rerun_of_run_id: null,
    });
    expect(laneOf(first, "steady").log_text).toContain(target);
    expect(laneOf(first, "moody")).toMatchObject({
      status: "failed",
      failure_kind: "test_failure",
    });
  });

  it("is answered with every key of the contract and badges instead of tones", async () => {
    const contract = ["nightly_run_id", "repo", "scheduled_for", "created_at", "source_ref"]
      .concat(["source_head_sha", "status", "summary", "rerun_of_run_id"])
      .concat(["started_at", "finished_at", "lanes"]);
    expect(Object.keys(first)).toEqual(expect.arrayContaining(contract));
    expect(nightlyAnswer.safeParse(first).success).toBe(true);
    const badges = first.lanes.map((each: Nightly) => [each.status_badge_class, each.is_failed]);
    expect(badges).toEqual([
      ["status-success", false],
      ["status-failed", true],
    ]);
    for (const each of first.lanes) {
      expect([each.status_tone, each.timing_summary]).toEqual([null, null]);
      expect(each.execution_reason_label).toBe("running");
    }
  });

  it("is under both prefixes and can be had without logs", async () => {
    const { json } = await get(`/news${paths.nightly(first.nightly_run_id)}?logs=none`);
    expect(json.nightly_run_id).toBe(first.nightly_run_id);
    expect(laneOf(json, "steady").log_text).toBeNull();
    expect(laneOf(json, "steady").log_bytes).toBeGreaterThan(10);
  });

  it("says nothing about a branch", async () => {
    const { json } = await get(paths.branch(branch));
    expect(json.branch.ci_status).toBe("success");
    const ids = json.ci_runs.map((run: Nightly) => run.id);
    expect(ids).not.toContain(first.nightly_run_id);
    const own = await get(paths.nightly(ids[0]));
    expect([own.status, own.json]).toEqual([404, { error: "nightly run not found" }]);
  });

  it("needs the right to write, and reading it a right to read", async () => {
    expect((await forge.api("POST", paths.startNightly())).status).toBe(401);
    expect((await forge.api("GET", paths.nightly(first.nightly_run_id))).status).toBe(401);
    expect((await get(paths.nightly(-1))).status).toBe(404);
    expect((await get("/api/forge/nightly/x")).status).toBe(400);
  });
});

describe("a lane of a nightly", () => {
  const path = (action: string, nightly: number, laneRun: number) =>
    `/nightly/${nightly}/${action}/${laneRun}`;

  it("runs again as a nightly of its own", async () => {
    const failed = laneOf(first, "moody");
    const answer = await post(path("rerun", first.nightly_run_id, failed.id));
    expect(answer.json).toEqual({
      status: "ok",
      nightly_run_id: first.nightly_run_id,
      rerun_run_id: expect.any(Number),
    });
    const rerun = await untilNightly(forge, token, answer.json.rerun_run_id);
    expect(rerun).toMatchObject({
      status: "success",
      summary: `Manual rerun of nightly #${first.nightly_run_id} lane moody`,
      rerun_of_run_id: first.nightly_run_id,
      source_head_sha: first.source_head_sha,
    });
    expect(rerun.note).toContain(forge.agent.npub);
    expect(rerun.lanes).toHaveLength(1);
    expect(rerun.lanes[0].rerun_of_lane_run_id).toBe(failed.id);
  });

  it("that failed by itself may go back into its own run, which no branch lands by", async () => {
    const failed = laneOf(first, "moody");
    const answer = await post(path("requeue", first.nightly_run_id, failed.id));
    expect(answer.json).toEqual({
      status: "ok",
      branch_id: null,
      nightly_run_id: first.nightly_run_id,
      lane_run_id: failed.id,
      lane_status: "queued",
    });
    const after = await untilNightly(forge, token, first.nightly_run_id);
    expect(after.status).toBe("success");
    expect(laneOf(after, "moody").retry_count).toBe(1);
  });

  it("can be failed while it waits, and recovered with its run", async () => {
    forge.settings.ciConcurrency = 0;
    const { json } = await post(paths.startNightly());
    const id = json.nightly_run_id;
    const waiting = (await get(paths.nightly(id))).json;
    const steady = laneOf(waiting, "steady").id;
    const still = await post(path("rerun", id, steady));
    expect([still.status, still.json.error]).toEqual([409, "lane steady is still queued"]);
    expect((await post(path("fail", id, steady))).json).toEqual({
      status: "ok",
      branch_id: null,
      nightly_run_id: id,
      lane_run_id: steady,
      lane_status: "failed",
    });
    const again = await post(path("fail", id, steady));
    expect([again.status, again.json.already]).toEqual([200, true]);
    const recovered = await post(`/nightly/${id}/recover`);
    expect(recovered.json).toEqual({
      status: "ok",
      branch_id: null,
      run_id: null,
      nightly_run_id: id,
      recovered_lane_count: 2,
    });
    forge.settings.ciConcurrency = 2;
    await post("/api/forge/ci/wake");
    const after = await untilNightly(forge, token, id);
    expect(after.status).toBe("success");
    expect((await post(`/nightly/${id}/recover`)).json.recovered_lane_count).toBe(0);
    const done = await post(path("requeue", id, steady));
    expect([done.status, done.json.error]).toEqual([
      409,
      "lane steady cannot be requeued from success",
    ]);
  });

  it("is not found below another nightly, or a branch's run", async () => {
    const steady = laneOf(first, "steady").id;
    for (const action of ["rerun", "fail", "requeue"]) {
      const answer = await post(path(action, first.nightly_run_id + 1, steady));
      expect([answer.status, answer.json]).toEqual([404, { error: "nightly lane not found" }]);
    }
    const { json } = await get(paths.branch(branch));
    const own = json.ci_runs[0];
    const lane = await post(path("requeue", own.id, own.lanes[0].id));
    expect(lane.status).toBe(404);
    const run = await post(`/nightly/${own.id}/recover`);
    expect([run.status, run.json]).toEqual([404, { error: "nightly run not found" }]);
    const branchLane = await post(paths.requeueLane(branch, steady));
    expect([branchLane.status, branchLane.json.error]).toEqual([404, "branch lane not found"]);
  });
});

describe("the list of nightlies", () => {
  it("is latest first and goes on where it ended", async () => {
    const all = (await get(paths.nightlies())).json;
    expect(nightlyListAnswer.safeParse(all).success).toBe(true);
    const ids = all.nightlies.map((each: Nightly) => each.nightly_run_id);
    expect(ids).toEqual([...ids].sort((a, b) => b - a));
    expect(all.next_cursor).toBeNull();
    const seen: number[] = [];
    let cursor = "";
    do {
      const { json } = await get(`${paths.nightlies()}?limit=1${cursor}`);
      seen.push(...json.nightlies.map((each: Nightly) => each.nightly_run_id));
      cursor = json.next_cursor === null ? "" : `&cursor=${json.next_cursor}`;
    } while (cursor !== "");
    expect(seen).toEqual(ids);
    expect((await get(`${paths.nightlies()}?cursor=x`)).status).toBe(400);
  });
});

describe("a nightly of a target", () => {
  it.each([
    ["without a manifest", null, { status: "failed", reason: "manifest_missing" }],
    ["with a broken one", "version = 2\n", { status: "failed", reason: "manifest_broken" }],
    [
      "without nightly lanes",
      undefined,
      { status: "success", reason: "nothing_selected", summary: "No nightly lanes configured." },
    ],
  ])("%s is finished at once and says so", async (_what, manifest, expected) => {
    const other = await startTestForge(manifest === undefined ? {} : { manifest });
    try {
      const its = await other.login(other.agent.nsec);
      const { json } = await other.api("POST", paths.startNightly(), undefined, its);
      const found = await other.api("GET", paths.nightly(json.nightly_run_id), undefined, its);
      expect(found.json).toMatchObject(expected);
      expect(found.json.summary).toBeTruthy();
      expect(found.json.lanes).toEqual([]);
    } finally {
      await other.close();
    }
  });
});

it("tells in the forge's status that nothing says when nightlies run", async () => {
  const other = await startTestForge({ manifest: "version = 2\n" });
  try {
    const its = await other.login(other.owner.nsec);
    const issues = async () =>
      (await other.api("GET", paths.forgeStatus(), undefined, its)).json.forge_health.issues;
    await expect.poll(issues, eventually).toEqual([
      {
        severity: "warning",
        code: "nightly_not_scheduled",
        message: expect.stringContaining("ci/forge-lanes.toml:1"),
      },
    ]);
  } finally {
    await other.close();
  }
});

describe("a schedule's slot", () => {
  it("has one nightly, however often it is asked for, by however many", async () => {
    const clock = { now: () => new Date() };
    const store = openStore(forge.config.storeFile, clock);
    try {
      const slot = "2026-01-01T08:00:00.000Z";
      const plan = { lanes: [], status: "success", reason: "nothing_selected", note: "n" } as const;
      const ci = { planNightly: async () => plan, wake: () => {} };
      const parts = { config: forge.config, store, ci, clock };
      const wish = { slot, by: null };
      const made = await Promise.all([queueNightly(parts, wish), queueNightly(parts, wish)]);
      const later = await queueNightly(parts, wish);
      expect(new Set([...made, later].map((each) => each.runId)).size).toBe(1);
      expect(later.scheduledFor).toBe(slot);
      expect(isSettled(store.read.run(later.runId))).toBe(true);
    } finally {
      store.close();
    }
  });
});
