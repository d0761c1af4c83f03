import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { paths } from "../../../src/contract/paths.ts";
import { type Nightly, nightlyManifest, untilNightly } from "../../support/nightly.ts";
import { newKey, startTestForge, type TestForge } from "../../support/server.ts";

// biome-ignore lint/suspicious/noExplicitAny: answers as they travel.
type Answer = any;

/** No lane runs unless a test lets it, so that every state stands still while it is looked at. */
let forge: TestForge;
let token: string;
beforeAll(async () => {
  forge = await startTestForge({ manifest: nightlyManifest, settings: { ciConcurrency: 0 } });
  token = await forge.login(forge.agent.nsec);
});
afterAll(() => forge?.close());

const post = (path: string, body?: unknown) => forge.api("POST", path, body, token);
const get = async (path: string): Promise<Answer> =>
  (await forge.api("GET", path, undefined, token)).json;
const acts = async (action: string): Promise<Answer[]> => {
  const owners = await forge.login(forge.owner.nsec);
  const found = await forge.api("GET", `${paths.audit()}?action=${action}`, undefined, owners);
  return found.json.entries ?? found.json.audit ?? [];
};

/** One lane, which runs until it is ended. */
const slowManifest = nightlyManifest.replaceAll(/command = \[.*\]/g, 'command = ["sleep", "600"]');

let count = 0;
/** A branch of its own with a run that waits. */
async function waitingBranch() {
  count += 1;
  const name = `waiting-${count}`;
  await forge.push(name, { [`${name}.txt`]: "1\n" });
  const { branch, ci_runs } = await forge.until(name, token, (d) => d.ci_runs.length > 0);
  return { name, id: branch.branch_id, run: ci_runs[0].id, lane: ci_runs[0].lanes[0].id };
}

type Waiting = Awaited<ReturnType<typeof waitingBranch>>;

async function waitingNightly() {
  const { json } = await post(paths.startNightly());
  const id: number = json.nightly_run_id;
  const [lane] = (await get(paths.nightly(id))).lanes;
  return { id, lane: lane.id as number };
}

describe("cancelling", () => {
  it.each(["run", "branch"] as const)("a %s ends its lanes once, by whom", async (what) => {
    const one = await waitingBranch();
    const path = what === "run" ? paths.cancelRun(one.id, one.run) : paths.cancelBranch(one.id);
    const told = {
      status: "ok",
      branch_id: one.id,
      run_id: what === "run" ? one.run : null,
      nightly_run_id: null,
    };
    expect((await post(path)).json).toEqual({ ...told, cancelled_lane_count: 1 });
    expect((await post(path)).json).toEqual({ ...told, cancelled_lane_count: 0 });
    const detail = await get(paths.branch(one.id));
    expect(detail.branch.ci_status).toBe("failed");
    expect(detail.ci_runs[0].lanes[0]).toMatchObject({
      status: "failed",
      failure_kind: "cancelled",
      note: `Cancelled by ${forge.agent.npub}.`,
    });
    const mine = (await acts("cancel_run")).filter((act) => act.run_id === one.run);
    expect(mine.map((act) => act.npub)).toEqual([forge.agent.npub]);
  });

  it("a nightly, or one lane of it, ends them once", async () => {
    const { id, lane } = await waitingNightly();
    const first = await post(paths.cancelNightlyLane(id, lane));
    expect(first.json).toMatchObject({ nightly_run_id: id, lane_status: "failed" });
    const again = await post(paths.cancelNightlyLane(id, lane));
    expect([again.status, again.json]).toEqual([200, { ...first.json, already: true }]);
    expect((await post(paths.cancelNightly(id))).json.cancelled_lane_count).toBe(1);
    expect((await post(paths.cancelNightly(id))).json.cancelled_lane_count).toBe(0);
    expect((await get(paths.nightly(id))).status).toBe("failed");
    const told = [...(await acts("cancel_lane")), ...(await acts("cancel_run"))];
    const details = told.filter((act) => act.run_id === id).map((act) => act.detail);
    expect(details).toEqual([`nightly #${id} (lane steady)`, `nightly #${id} (lanes 1)`]);
  });
});

describe("an action that is asked for again", () => {
  it("reruns a lane once while its rerun goes on", async () => {
    const one = await waitingBranch();
    await post(paths.cancelBranch(one.id));
    const first = await post(paths.rerunLane(one.id, one.lane));
    const again = await post(paths.rerunLane(one.id, one.lane));
    expect(again.json).toEqual({ ...first.json, already: true });
    const { ci_runs: runs } = await get(paths.branch(one.id));
    expect(runs).toHaveLength(2);
    expect(runs[0]).toMatchObject({ rerun_of_run_id: one.run, partial: true });
    expect(runs[0].lanes[0].rerun_of_lane_run_id).toBe(one.lane);
    // Who names a lane by its name alone means the newest, which is the rerun itself.
    const itself = await post(paths.rerunLane(one.id, runs[0].lanes[0].id));
    expect(itself.json).toEqual({ ...first.json, already: true });
    const acted = (await acts("rerun_lane")).filter((act) => act.lane_run_id === one.lane);
    expect(acted).toHaveLength(1);
  });

  it("reruns a suite once while its rerun goes on, and never a run that is no rerun", async () => {
    const one = await waitingBranch();
    const still = await post(paths.rerunSuite(one.id));
    expect([still.status, still.json.error]).toEqual([409, `run #${one.run} is still queued`]);
    await post(paths.cancelBranch(one.id));
    const first = await post(paths.rerunSuite(one.id));
    expect((await post(paths.rerunSuite(one.id))).json).toEqual({ ...first.json, already: true });
    const { ci_runs: runs } = await get(paths.branch(one.id));
    expect(runs.map((run: Answer) => run.rerun_of_run_id)).toEqual([one.run, null]);
  });

  it("requeues and recovers nothing that waits already, which keeps its place", async () => {
    const one = await waitingBranch();
    const before = (await get(paths.branch(one.id))).ci_runs[0].lanes[0];
    const answer = await post(paths.requeueLane(one.id, one.lane));
    expect(answer.json).toMatchObject({ lane_status: "queued", already: true });
    expect((await post(paths.recoverRun(one.id, one.run))).json.recovered_lane_count).toBe(1);
    const after = (await get(paths.branch(one.id))).ci_runs[0].lanes[0];
    expect([after.retry_count, after.created_at]).toEqual([0, before.created_at]);
  });
});

describe("an action that two ask for at once", () => {
  /** Two answers, of which one may say that there was nothing left to do. */
  const twice = (path: string) => Promise.all([post(path), post(path)]);
  const recorded = async (action: string, by: object) =>
    (await acts(action)).filter((act) => Object.entries(by).every(([k, v]) => act[k] === v));

  it.each([
    ["cancel_lane", (one: Waiting) => paths.cancelLane(one.id, one.lane)],
    ["fail_lane", (one: Waiting) => paths.failLane(one.id, one.lane)],
    ["cancel_run", (one: Waiting) => paths.cancelRun(one.id, one.run)],
  ])("%s is done and recorded once", async (action, path) => {
    const one = await waitingBranch();
    const answers = await twice(path(one));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    const made = await recorded(action, { run_id: one.run });
    expect(made).toMatchObject([{ npub: forge.agent.npub, branch_id: one.id }]);
  });

  it.each([
    ["rerun_lane", (one: Waiting) => paths.rerunLane(one.id, one.lane)],
    ["rerun_suite", (one: Waiting) => paths.rerunSuite(one.id)],
    ["requeue_lane", (one: Waiting) => paths.requeueLane(one.id, one.lane)],
    ["recover_run", (one: Waiting) => paths.recoverRun(one.id, one.run)],
  ])("%s of what ended is done and recorded once", async (action, path) => {
    const one = await waitingBranch();
    await post(paths.cancelBranch(one.id));
    const answers = await twice(path(one));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(await recorded(action, { run_id: one.run })).toMatchObject([
      { npub: forge.agent.npub, branch_id: one.id },
    ]);
    const { ci_runs: runs } = await get(paths.branch(one.id));
    const again = action.startsWith("rerun");
    expect(runs).toHaveLength(again ? 2 : 1);
    expect(runs[0]).toMatchObject({ status: "queued", rerun_of_run_id: again ? one.run : null });
    expect(runs[0].lanes[0]).toMatchObject({
      rerun_of_lane_run_id: again ? one.lane : null,
      retry_count: again ? 0 : 1,
    });
  });

  it("runs a nightly again once", async () => {
    const { id } = await waitingNightly();
    await post(paths.cancelNightly(id));
    const [first, second] = await twice(paths.rerunNightly(id));
    expect(first?.json.rerun_run_id).toBe(second?.json.rerun_run_id);
    expect(await recorded("rerun_nightly", { run_id: id })).toHaveLength(1);
  });

  it("pauses and resumes once", async () => {
    for (const [path, action] of [
      [paths.pauseCi(), "ci_paused"],
      [paths.resumeCi(), "ci_resumed"],
    ] as const) {
      const answers = await twice(path);
      expect(answers.map(({ status }) => status)).toEqual([200, 200]);
      expect(await recorded(action, {})).toMatchObject([{ npub: forge.agent.npub }]);
    }
  });

  it("wakes each time, which is recorded with who asked; of landings' wakes but one", async () => {
    for (let times = 0; times < 3; times += 1) await post(`${paths.wake()}?for=landing`);
    expect(await recorded("wake", {})).toMatchObject([
      { npub: forge.agent.npub, detail: "by a landing" },
    ]);
    await twice(paths.wake());
    expect(await recorded("wake", { detail: null })).toHaveLength(2);
  });
});

describe("a lane at work", () => {
  afterEach(() => {
    forge.settings.ciConcurrency = 0;
  });

  it("is left at it by recover and requeue, however often, and begun anew once it was cancelled", async () => {
    forge.settings.ciConcurrency = 1;
    await forge.push("at-work", { "ci/forge-lanes.toml": slowManifest });
    const running = (d: Answer) => d.ci_runs[0]?.lanes[0]?.status === "running";
    const detail = await forge.until("at-work", token, running);
    const id: number = detail.branch.branch_id;
    const [run] = detail.ci_runs;
    for (let times = 0; times < 2; times += 1) {
      const { json } = await post(paths.recoverRun(id, run.id));
      expect(json.recovered_lane_count).toBe(0);
    }
    expect((await get(paths.branch(id))).ci_runs[0].lanes[0]).toMatchObject({
      ...{ status: "running", retry_count: 0, started_at: run.lanes[0].started_at },
    });
    const lane: number = run.lanes[0].id;
    const requeue = async () => (await post(paths.requeueLane(id, lane))).json;
    expect(await requeue()).toMatchObject({ lane_status: "running", already: true });
    await post(paths.cancelLane(id, lane));
    expect(await requeue()).toMatchObject({ lane_status: "queued" });
    const begunAnew = (d: Answer) => running(d) && d.ci_runs[0].lanes[0].retry_count === 1;
    const { started_at } = (await forge.until("at-work", token, begunAnew)).ci_runs[0].lanes[0];
    // What was begun by the first asking is not ended by the second.
    expect(await requeue()).toMatchObject({ lane_status: "running", already: true });
    expect((await get(paths.branch(id))).ci_runs[0].lanes[0]).toMatchObject({
      ...{ status: "running", retry_count: 1, started_at },
    });
    const mine = (await acts("requeue_lane")).filter((act) => act.lane_run_id === lane);
    expect(mine).toHaveLength(1);
    await post(paths.cancelBranch(id));
  });
});

describe("a branch that was merged", () => {
  afterEach(() => {
    forge.settings.ciConcurrency = 0;
  });

  it("can have a lane and its suite run again to look at them, and stays merged", async () => {
    forge.settings.ciConcurrency = 2;
    await forge.push("landed", { "landed.txt": "1\n" });
    const ended = (status: string, runs: number) => (d: Answer) =>
      d.ci_runs.length === runs && d.ci_runs.every((run: Answer) => run.status === status);
    const detail = await forge.until("landed", token, ended("success", 1));
    const id: number = detail.branch.branch_id;
    expect((await post(`/api/forge/branch/${id}/merge`, {})).status).toBe(200);
    const tip = await forge.git(["ls-remote", "forge", "refs/heads/main"]);
    expect((await post(paths.rerunLane(id, detail.ci_runs[0].lanes[0].id))).status).toBe(200);
    expect((await post(paths.rerunSuite(id))).status).toBe(200);
    const after = await forge.until("landed", token, ended("success", 3));
    expect(after.branch).toMatchObject({ branch_state: "merged", ci_status: "success" });
    expect(await forge.git(["ls-remote", "forge", "refs/heads/main"])).toBe(tip);
  });
});

describe("a nightly's rerun", () => {
  it("is refused while it goes on, and is a whole nightly that names it, once", async () => {
    const { id } = await waitingNightly();
    const still = await post(paths.rerunNightly(id));
    expect([still.status, still.json.error]).toEqual([409, `nightly #${id} is still queued`]);
    await post(paths.cancelNightly(id));
    const first = await post(paths.rerunNightly(id));
    expect(first.json).toEqual({
      status: "ok",
      nightly_run_id: id,
      rerun_run_id: expect.any(Number),
    });
    expect((await post(paths.rerunNightly(id))).json).toEqual({ ...first.json, already: true });
    const rerun: Nightly = await get(paths.nightly(first.json.rerun_run_id));
    const original: Nightly = await get(paths.nightly(id));
    expect(rerun).toMatchObject({
      rerun_of_run_id: id,
      summary: `Manual rerun of nightly #${id}`,
      source_head_sha: original.source_head_sha,
    });
    expect(rerun.note).toContain(forge.agent.npub);
    const names = (nightly: Nightly) => nightly.lanes.map((lane: Answer) => lane.lane_id);
    expect(names(rerun)).toEqual(names(original));
    expect(rerun.lanes.map((lane: Answer) => lane.rerun_of_lane_run_id)).toEqual(
      original.lanes.map((lane: Answer) => lane.id),
    );
    const acted = (await acts("rerun_nightly")).filter((act) => act.run_id === id);
    expect(acted).toHaveLength(1);
    forge.settings.ciConcurrency = 2;
    await post(paths.wake());
    await untilNightly(forge, token, first.json.rerun_run_id);
    forge.settings.ciConcurrency = 0;
    // Whoever asks once that has ended wants another one.
    const another = await post(paths.rerunNightly(id));
    expect([another.status, another.json.already]).toEqual([200, undefined]);
    expect(another.json.rerun_run_id).toBeGreaterThan(first.json.rerun_run_id);
    expect((await get(paths.nightly(another.json.rerun_run_id))).rerun_of_run_id).toBe(id);
    await post(paths.cancelNightly(another.json.rerun_run_id));
  });
});

describe("on a closed branch", () => {
  it("every action answers, and none harms", async () => {
    const one = await waitingBranch();
    const closed = await post(paths.close(one.id), {});
    expect(closed.status).toBe(200);
    const actions = [
      paths.requeueLane(one.id, one.lane),
      paths.failLane(one.id, one.lane),
      paths.rerunLane(one.id, one.lane),
      paths.recoverRun(one.id, one.run),
      paths.cancelRun(one.id, one.run),
      paths.rerunSuite(one.id),
      paths.cancelBranch(one.id),
    ];
    for (const path of actions) {
      expect([path, (await post(path)).status]).toEqual([path, 200]);
    }
    expect((await get(paths.branch(one.id))).branch.branch_state).toBe("closed");
  });
});

describe("whoever may not land", () => {
  const everyAction = (one: Waiting, nightly: { id: number; lane: number }) => [
    ...[paths.wake(), paths.pauseCi(), paths.resumeCi(), paths.resetHealth()],
    ...[paths.rerunSuite(one.id), paths.cancelBranch(one.id)],
    ...[paths.recoverRun(one.id, one.run), paths.cancelRun(one.id, one.run)],
    ...[paths.rerunLane(one.id, one.lane), paths.requeueLane(one.id, one.lane)],
    ...[paths.failLane(one.id, one.lane), paths.cancelLane(one.id, one.lane)],
    ...[paths.startNightly(), paths.rerunNightly(nightly.id), paths.cancelNightly(nightly.id)],
    ...[paths.recoverNightly(nightly.id), paths.rerunNightlyLane(nightly.id, nightly.lane)],
    ...[paths.requeueNightlyLane, paths.failNightlyLane, paths.cancelNightlyLane].map((path) =>
      path(nightly.id, nightly.lane),
    ),
  ];

  it.each(["a reader", "a deactivated key"])("recovers nothing: %s", async (who) => {
    const owners = await forge.login(forge.owner.nsec);
    const key = newKey();
    const allow = (active: boolean) =>
      forge.api("POST", "/api/admin/allowlist", { npub: key.npub, active }, owners);
    await allow(true);
    const stranger = await forge.login(key.nsec);
    if (who !== "a reader") await allow(false);
    const one = await waitingBranch();
    for (const path of everyAction(one, await waitingNightly())) {
      const body = path === paths.resetHealth() ? { target: "device" } : {};
      const refused = await forge.api("POST", path, body, stranger);
      expect([path, refused.status]).toEqual([path, 403]);
    }
    const { ci_runs: runs } = await get(paths.branch(one.id));
    expect(runs).toMatchObject([{ id: one.run, status: "queued", lanes: [{ retry_count: 0 }] }]);
    const trail = await forge.api("GET", `${paths.audit()}?npub=${key.npub}`, undefined, owners);
    expect(trail.json.entries.map((act: Answer) => act.action)).toEqual(["login"]);
  });
});

describe("what there is not", () => {
  const nowhere = 404_404;
  it.each([
    [paths.cancelBranch(nowhere), "branch not found"],
    [paths.cancelRun(nowhere, nowhere), "branch run not found"],
    [paths.rerunNightly(nowhere), "nightly run not found"],
    [paths.cancelNightly(nowhere), "nightly run not found"],
    [paths.cancelNightlyLane(nowhere, nowhere), "nightly lane not found"],
  ])("%s is told", async (path, error) => {
    const answer = await post(path);
    expect([answer.status, answer.json]).toEqual([404, { error }]);
    expect((await forge.api("POST", path)).status).toBe(401);
  });
});
