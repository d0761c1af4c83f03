import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { paths } from "../../../src/contract/paths.ts";
import { runnerLogs, runnerRun } from "../../../src/contract/runner.ts";
import { startTestForge, type TestForge } from "../../support/server.ts";

const runId = "run-7/..%2f@x";
const started = `{"event":"run_started","run_id":"${runId}","target_id":"linux"}`;
const manifest = `version = 1
nightly_schedule_utc = "08:00"

[[branch.lanes]]
id = "staged"
title = "Staged"
entrypoint = "sh staged"
command = ["sh", "-c", '''echo '${started.replace("%2f", "/")}'; echo the words of the run; exit 3''']
timeout_seconds = 25

[[branch.lanes]]
id = "plain"
title = "Plain"
entrypoint = "true"
command = ["true"]
`;
const id = "run-7/../@x";

let forge: TestForge;
let token: string;
// biome-ignore lint/suspicious/noExplicitAny: answers as they travel.
let detail: any;
beforeAll(async () => {
  forge = await startTestForge({ manifest });
  token = await forge.login(forge.agent.nsec);
  await forge.push("topic", { "a.txt": "1\n" });
  detail = await forge.until("topic", token, (d) => d.branch.ci_status === "failed");
});
afterAll(() => forge?.close());

const get = (path: string) => forge.api("GET", `/api/forge/pikaci/${path}`, undefined, token);
const encoded = encodeURIComponent(id);
const laneNamed = (name: string) =>
  detail.ci_runs[0].lanes.find((each: { lane_id: string }) => each.lane_id === name);

describe("a runner's run", () => {
  it("is told from the lane that named it, with every key", async () => {
    const { status, json } = await get(`run/${encoded}`);
    expect(status).toBe(200);
    expect(runnerRun.strict().safeParse(json).error).toBeUndefined();
    expect(json).toMatchObject({
      run_id: id,
      status: "failed",
      target_id: "linux",
      git_head: detail.branch.head_sha,
      message: "exit code 3",
      changed_files: [],
      prepared_outputs_path: null,
    });
    expect(json.jobs).toHaveLength(1);
    expect(json.jobs[0]).toMatchObject({
      id: "staged",
      status: "failed",
      timeout_secs: 25,
      host_log_path: paths.laneLog(laneNamed("staged").id),
      guest_log_path: "",
    });
    expect(JSON.stringify(json)).not.toContain(forge.dir);
  });

  it.each([
    ["", "both"],
    ["?kind=host", "host"],
    ["?kind=both&job=staged", "both"],
  ])("has its log by %s", async (query) => {
    const { json } = await get(`logs/${encoded}${query}`);
    expect(runnerLogs.strict().safeParse(json).error).toBeUndefined();
    expect(json).toMatchObject({ run_id: id, guest: null });
    expect(json.job).toBe(query.includes("job") ? "staged" : null);
    expect(json.host).toContain("the words of the run");
  });

  it("has no guest's log, no other job, no other kind of log", async () => {
    expect((await get(`logs/${encoded}?kind=guest`)).json.host).toBeNull();
    expect((await get(`logs/${encoded}?job=other`)).status).toBe(404);
    const kind = await get(`logs/${encoded}?kind=all`);
    expect([kind.status, kind.json]).toEqual([400, undefined]);
  });

  it("prepared nothing", async () => {
    const answer = await get(`prepared-outputs/${encoded}`);
    expect([answer.status, answer.json]).toEqual([
      404,
      { error: `prepared outputs not found for run \`${id}\`` },
    ]);
  });

  it.each(["run", "logs", "prepared-outputs"])(
    "%s needs a token and an id of ours",
    async (kind) => {
      const anybody = await forge.api("GET", `/api/forge/pikaci/${kind}/${encoded}`);
      expect(anybody.status).toBe(401);
      for (const other of ["none", "..%2F..%2Fstore.sqlite", "%00", "a".repeat(3000)]) {
        const answer = await get(`${kind}/${other}`);
        expect([answer.status, typeof answer.json?.error]).toEqual([404, "string"]);
        expect(answer.text.length).toBeLessThan(700);
      }
    },
  );

  it("stands beside its lane in a logs answer, and nothing beside another", async () => {
    const { branch_id } = detail.branch;
    const logs = (name: string) =>
      forge.api("GET", `${paths.logs(branch_id)}?lane=${name}`, undefined, token);
    const staged = (await logs("staged")).json;
    expect(staged.pikaci_run.run_id).toBe(id);
    expect(staged.pikaci_log_metadata.jobs).toEqual([
      {
        id: "staged",
        host_log_path: paths.laneLog(laneNamed("staged").id),
        guest_log_path: "",
        host_log_exists: true,
        guest_log_exists: false,
      },
    ]);
    expect(staged.pikaci_prepared_outputs).toBeNull();
    const plain = (await logs("plain")).json;
    expect([plain.pikaci_run, plain.pikaci_log_metadata]).toEqual([null, null]);
  });
});
