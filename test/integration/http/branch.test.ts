import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  branchListAnswer,
  detailAnswer,
  laneLogAnswer,
  logsAnswer,
  resolveAnswer,
} from "../../../src/contract/branch.ts";
import { queueAnswer } from "../../../src/contract/ci.ts";
import { prefixes } from "../../../src/contract/paths.ts";
import { startTestForge, type TestForge } from "../../support/server.ts";

const manifest = `version = 1
nightly_schedule_utc = "08:00"

[[branch.lanes]]
id = "quick"
title = "Quick"
entrypoint = "sh quick"
command = ["sh", "-c", "printf 'héllo wörld\\\\n'; echo $WORD; test ! -e fail"]
env = ["WORD"]

[[branch.lanes]]
id = "other"
title = "Other"
entrypoint = "true"
command = ["true"]
paths = ["other/**"]
`;

let forge: TestForge;
let token: string;
const get = (path: string) => forge.api("GET", path, undefined, token);
const idOf = async (branch: string): Promise<number> =>
  (await get(`/api/forge/branch/resolve?branch_name=${encodeURIComponent(branch)}`)).json.branch_id;
// biome-ignore lint/suspicious/noExplicitAny: answers as they travel.
const settled = (detail: any) => !["queued", "running"].includes(detail.branch.ci_status);

beforeAll(async () => {
  forge = await startTestForge({ manifest, settings: { laneEnv: { WORD: "sesame-open" } } });
  token = await forge.login(forge.agent.nsec);
  await forge.push("good", { "a.txt": "a\n" });
  await forge.push("bad", { fail: "x\n" });
  await forge.until("good", token, settled);
  await forge.until("bad", token, settled);
});
afterAll(() => forge?.close());

describe("a branch's detail", () => {
  it.each(prefixes)("below %s has every key of the contract, with its type", async (prefix) => {
    const answer = await get(`${prefix}/api/forge/branch/${await idOf("good")}`);
    expect(answer.status).toBe(200);
    expect(detailAnswer.safeParse(answer.json).error).toBeUndefined();
    const { branch, ci_runs } = answer.json;
    const head = await forge.git(["rev-parse", "good"]);
    expect(branch).toEqual({
      branch_id: expect.any(Number),
      repo: "test/repo",
      branch_name: "good",
      title: "Change good",
      branch_state: "open",
      updated_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      target_branch: "main",
      head_sha: head,
      merge_base_sha: await forge.git(["rev-parse", "main"]),
      merge_commit_sha: null,
      tutorial_status: "pending",
      ci_status: "success",
      error_message: null,
      problem: null,
      merged_by: null,
      closed_by: null,
      pushed_by: null,
      pushed_by_name: null,
    });
    expect(ci_runs[0]).toMatchObject({
      source_head_sha: head,
      status: "success",
      status_tone: "success",
      lane_count: 1,
      rerun_of_run_id: null,
      timing_summary: expect.stringMatching(/^queued \d+s · ran \d+s$/),
      reason: null,
      partial: false,
    });
    expect(Object.keys(ci_runs[0].lanes[0]).sort()).toEqual(
      [
        ...["id", "lane_id", "title", "entrypoint", "status", "status_tone", "status_badge_class"],
        ...["is_failed", "execution_reason", "execution_reason_label", "failure_kind"],
        ...["failure_kind_label", "pikaci_run_id", "pikaci_target_id", "ci_target_key", "log_text"],
        ...["retry_count", "rerun_of_lane_run_id", "created_at", "started_at", "finished_at"],
        ...["timing_summary", "last_heartbeat_at", "lease_expires_at", "operator_hint"],
        ...["log_bytes", "isolation", "note", "waits_for", "held_by_lane_run_id", "waits_until"],
      ].sort(),
    );
    expect(ci_runs[0].lanes[0]).toMatchObject({
      lane_id: "quick",
      title: "Quick",
      entrypoint: "sh quick",
      status: "success",
      execution_reason: "running",
      failure_kind: null,
      retry_count: 0,
      log_text: expect.stringContaining("héllo wörld"),
      started_at: expect.stringMatching(/Z$/),
    });
  });

  it("can be had without logs", async () => {
    const { json } = await get(`/api/forge/branch/${await idOf("good")}?logs=none`);
    expect(json.ci_runs[0].lanes[0].log_text).toBeNull();
    expect(json.ci_runs[0].lanes[0].log_bytes).toBeGreaterThan(10);
  });

  it("says how a lane failed", async () => {
    const { json } = await get(`/api/forge/branch/${await idOf("bad")}`);
    expect(json.branch.ci_status).toBe("failed");
    expect(json.ci_runs[0].lanes[0]).toMatchObject({
      status: "failed",
      status_tone: "danger",
      failure_kind: "test_failure",
      failure_kind_label: "test failure",
      operator_hint: expect.stringMatching(/^Failed at .*Z\. Classified as test failure\.$/),
      note: expect.stringContaining("1"),
    });
  });
});

describe("a name", () => {
  it("leads to its newest record, trimmed", async () => {
    const answer = await get("/news/api/forge/branch/resolve?branch_name=%20good%20");
    expect(resolveAnswer.parse(answer.json)).toEqual({
      branch_id: await idOf("good"),
      repo: "test/repo",
      branch_name: "good",
      branch_state: "open",
    });
    const first = await idOf("good");
    expect((await forge.api("POST", `/branch/${first}/close`, {}, token)).json).toEqual({
      status: "ok",
      branch_id: first,
      merge_commit_sha: null,
      deleted: true,
    });
    await forge.push("good", { "a.txt": "again\n" });
    const again = await forge.until(
      "good",
      token,
      (d) => d.branch.branch_id !== first && settled(d),
    );
    expect(again.branch.branch_id).toBeGreaterThan(first);
    expect((await get(`/api/forge/branch/${first}`)).json.branch.branch_state).toBe("closed");
  });
});

describe("the list of branches", () => {
  it("is newest first and goes on from its cursor, each once", async () => {
    const seen: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const query: string = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const page = branchListAnswer.parse((await get(`/api/forge/branches?limit=1${query}`)).json);
      expect(page.branches).toHaveLength(1);
      seen.push(...page.branches.map((branch) => branch.updated_at));
      cursor = page.next_cursor;
    }
    expect(seen.length).toBeGreaterThanOrEqual(2);
    expect(seen).toEqual(seen.toSorted().reverse());
  });

  it("can be cut to a state, and refuses a cursor that is none", async () => {
    const closed = (await get("/api/forge/branches?state=merged")).json;
    expect(closed.branches).toEqual([]);
    expect((await get("/api/forge/branches?cursor=nonsense")).status).toBe(400);
  });
});

describe("logs", () => {
  it("are those of the failed lane where none is named", async () => {
    const id = await idOf("bad");
    const answer = logsAnswer.parse((await get(`/api/forge/branch/${id}/logs`)).json);
    expect(answer).toMatchObject({ branch_id: id, branch_name: "bad", lane: { lane_id: "quick" } });
    expect(answer.lane.log_text).toContain("héllo");
    const named = await get(`/api/forge/branch/${id}/logs?lane=quick`);
    expect(named.json.lane.id).toBe(answer.lane.id);
    const byId = await get(`/api/forge/branch/${id}/logs?lane=zzz&lane_run_id=${answer.lane.id}`);
    expect(byId.json.lane.id).toBe(answer.lane.id);
    for (const query of ["lane=zzz", "lane_run_id=9999"]) {
      const none = await get(`/api/forge/branch/${id}/logs?${query}`);
      expect([none.status, none.json]).toEqual([404, { error: "no matching lane logs found" }]);
    }
  });

  it("never show the values of the owner's lane variables", async () => {
    const { json } = await get(`/api/forge/branch/${await idOf("bad")}/logs`);
    expect(json.lane.log_text).toContain("*".repeat("sesame-open".length));
    expect(JSON.stringify(json)).not.toContain("sesame");
  });

  it("come in byte ranges that never cut a character and fit together", async () => {
    const { json } = await get(`/api/forge/branch/${await idOf("bad")}/logs`);
    const lane = json.lane.id;
    let offset = 0;
    let text = "";
    for (;;) {
      const path = `/api/forge/lane/${lane}/log?offset=${offset}&max_bytes=7`;
      const part = laneLogAnswer.parse((await get(path)).json);
      expect(part.text).not.toContain("\ufffd");
      expect(part.text).not.toContain("ame-");
      text += part.text;
      if (part.next_offset === undefined || part.next_offset === offset) break;
      offset = part.next_offset;
    }
    expect(text).toBe(json.lane.log_text);
    const tail = laneLogAnswer.parse((await get(`/api/forge/lane/${lane}/log?max_bytes=5`)).json);
    expect(tail.total_bytes).toBe(Buffer.byteLength(text));
    expect(text.endsWith(tail.text)).toBe(true);
    const beyond = await get(`/api/forge/lane/${lane}/log?offset=999999`);
    expect(beyond.json).toMatchObject({ offset: tail.total_bytes, text: "" });
  });
});

describe("the queue", () => {
  it("is empty while nothing runs, and names its capacity", async () => {
    await forge.until("good", token, settled);
    const queue = queueAnswer.parse((await get("/api/forge/ci/queue")).json);
    expect(queue).toEqual({
      ...{ running: 0, waiting: 0, limit: 2, frozen: null, lanes: [] },
      ...{ matching: 0, waiting_by_reason: {}, target_note: null },
    });
  });

  it("lists what waits, in order and by branch", async () => {
    forge.settings.ciConcurrency = 0;
    await forge.push("held", { "other/x": "x\n" });
    const detail = await forge.until("held", token, (d) =>
      // biome-ignore lint/suspicious/noExplicitAny: answers as they travel.
      d.ci_runs[0]?.lanes.every((lane: any) => lane.execution_reason === "waiting_for_capacity"),
    );
    expect(detail.branch.ci_status).toBe("queued");
    const queue = (await get(`/api/forge/ci/queue?branch_id=${detail.branch.branch_id}`)).json;
    expect(queue).toMatchObject({ running: 0, waiting: 2, limit: 0 });
    // biome-ignore lint/suspicious/noExplicitAny: answers as they travel.
    expect(queue.lanes.map((lane: any) => [lane.lane_id, lane.place, lane.branch_name])).toEqual([
      ["quick", 1, "held"],
      ["other", 2, "held"],
    ]);
    expect((await get("/api/forge/ci/queue?branch_id=99")).json.lanes).toEqual([]);
    forge.settings.ciConcurrency = 2;
    expect((await forge.api("POST", "/api/forge/ci/wake", {}, token)).json).toEqual({
      status: "ok",
      message: "scheduler wake requested",
    });
    expect((await forge.until("held", token, settled)).branch.ci_status).toBe("success");
  });
});
