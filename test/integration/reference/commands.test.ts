import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Revision } from "../../support/reference/index.ts";
import { type ReferenceScene, referenceScene } from "../../support/reference-scene.ts";

const lanes = [{ id: "lint" }, { id: "unit" }];

/** A branch with a commit of its own, pushed and known, with a run whose lanes wait. */
async function pushed(scene: ReferenceScene, branch: string): Promise<number> {
  scene.forge.autoCi(null);
  await scene.commit(branch, { [`${branch}.txt`]: "1\n" });
  expect(await scene.land(["push"])).toMatchObject({ code: 0 });
  await scene.forge.settled();
  return scene.forge.branch(branch).id;
}

const laneRun = (scene: ReferenceScene, branch: string, name: string) => {
  const lane = scene.forge.runs(branch)[0]?.lanes.find(({ laneId }) => laneId === name);
  if (lane === undefined) throw new Error(`no lane ${name}`);
  return lane;
};

describe.each<Revision>(["seed", "head"])("the reference client's words, %s", (revision) => {
  let scene: ReferenceScene;
  beforeAll(async () => {
    scene = await referenceScene({ revision, lanes, nightlyLanes: lanes });
  });
  afterAll(() => scene[Symbol.asyncDispose]());
  const json = async (...args: string[]) => {
    const { code, out } = await scene.land([...args, "--json"]);
    return { code, view: JSON.parse(out) as Record<string, unknown> };
  };

  it("whoami, url, status: by name, by number and for what is checked out", async () => {
    const id = await pushed(scene, "words");
    const who = await json("whoami");
    expect(who.view).toMatchObject({ npub: scene.forge.writer.npub, can_land: true });
    const page = `${scene.forge.baseUrl}${scene.forge.prefix}/branch/${id}`;
    for (const ref of [[], ["words"], [String(id)]]) {
      expect(await scene.land(["url", ...ref])).toMatchObject({ code: 0, out: `${page}\n` });
      const { view } = await json("status", ...ref);
      expect(view).toMatchObject({ branch: "words", number: String(id), state: "open", url: page });
    }
    expect((await json("status")).view).toMatchObject({ ci: "pending" });
    expect(await scene.land(["status", "999999"])).toMatchObject({ code: 1 });
  });

  it("wait --poll-secs, logs by lane and by lane run, merge, close", async () => {
    await pushed(scene, "waited");
    await scene.forge.ci("waited", { status: "failed", log: "Error: no such luck\n" });
    const waited = await json("wait", "waited", "--poll-secs", "1", "--max-seconds", "20");
    expect(waited).toMatchObject({ code: 5, view: { state: "failed" } });
    const byLane = await scene.land(["logs", "waited", "--lane", "unit"]);
    expect(byLane).toMatchObject({ code: 0, out: expect.stringContaining("no such luck") });
    const { id } = laneRun(scene, "waited", "unit");
    const byRun = await scene.land(["logs", "waited", "--lane-run-id", String(id)]);
    expect(byRun.out).toContain(`lane_run ${id}`);
    expect(await scene.land(["merge", "waited"])).toMatchObject({ code: 6 });
    expect(await json("close", "waited")).toMatchObject({ code: 0, view: { state: "closed" } });
    expect(await json("wait", "waited", "--poll-secs", "often")).toMatchObject({ code: 2 });
  });

  it("names the forge before or after the command; another one is refused unasked", async () => {
    const before = scene.forge.requests.length;
    const { baseUrl } = scene.forge;
    const elsewhere = "http://127.0.0.1:9";
    for (const args of [
      ["--base-url", elsewhere, "status"],
      ["status", "--base-url", elsewhere],
    ]) {
      const refused = await scene.land(args);
      expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("refusing to reuse") });
    }
    expect(scene.forge.requests).toHaveLength(before);
    expect(await scene.land(["status", "words", "--base-url", `${baseUrl}/`])).toMatchObject({
      code: 0,
    });
    await scene.logIn(scene.forge.reader, `${scene.dir}/other`);
    const other = await json("--state-dir", `${scene.dir}/other`, "whoami");
    expect(other.view).toMatchObject({ npub: scene.forge.reader.npub, can_land: false });
  });

  it("fail-lane and requeue-lane take exactly one name of a lane", async () => {
    await pushed(scene, "lanes");
    for (const args of [[], ["--lane", "unit", "--lane-run-id", "1"], ["--lane", " "]]) {
      expect(await scene.land(["fail-lane", "lanes", ...args])).toMatchObject({ code: 2 });
    }
    const both = ["fail-lane", "lanes", "--nightly-run-id", "1", "--lane", "unit"];
    expect(await scene.land(both)).toMatchObject({ code: 2 });
    const failed = await scene.land(["fail-lane", "lanes", "--lane", "unit"]);
    if (revision === "seed") {
      expect(failed).toMatchObject({ code: 1, err: expect.stringContaining("cannot do fail") });
      return;
    }
    expect(failed).toMatchObject({ code: 0, out: expect.stringContaining("is failed now") });
    expect(laneRun(scene, "lanes", "unit").status).toBe("failed");
    const { id } = laneRun(scene, "lanes", "unit");
    const requeued = await scene.land(["requeue-lane", "lanes", "--lane-run-id", String(id)]);
    expect(requeued).toMatchObject({ code: 0, out: expect.stringContaining("is queued now") });
    const unknown = await scene.land(["requeue-lane", "lanes", "--lane", "none"]);
    expect(unknown).toMatchObject({ code: 1, err: expect.stringContaining("lint (queued)") });
  });

  it("recover-run and wake-ci", async () => {
    await pushed(scene, "runs");
    const [run] = scene.forge.runs("runs");
    const recovered = await scene.land(["recover-run", "runs", "--run-id", String(run?.id)]);
    const woken = await scene.land(["wake-ci"]);
    if (revision === "seed") {
      expect([recovered.code, woken.code]).toEqual([1, 1]);
      return;
    }
    expect(recovered).toMatchObject({ code: 0, out: expect.stringContaining("2 lanes of run") });
    expect(woken).toMatchObject({ code: 0, out: expect.stringContaining("now") });
    expect((await scene.land(["recover-run", "runs"])).code).toBe(0);
    const unknown = await scene.land(["recover-run", "runs", "--run-id", "999999"]);
    expect(unknown.code).toBe(1);
  });

  it("acts on nightlies and their lanes", async () => {
    const { id } = await scene.forge.nightly();
    const nightly = ["--nightly-run-id", String(id)];
    const failed = await scene.land(["fail-lane", ...nightly, "--lane", "unit"]);
    if (revision === "seed") {
      expect(failed.code).toBe(1);
      return;
    }
    expect(failed).toMatchObject({ code: 0, out: expect.stringContaining(`nightly #${id}`) });
    const requeued = await scene.land(["requeue-lane", ...nightly, "--lane", "unit"]);
    expect(requeued).toMatchObject({ code: 0, out: expect.stringContaining("is queued now") });
    const recovered = await json("recover-run", ...nightly);
    expect(recovered).toMatchObject({ code: 0, view: { nightly: String(id), action: "recover" } });
    scene.forge.nightlyCi(id, "failed");
    const rerun = await scene.tool("recover_ci", {
      ...{ action: "rerun_lane", nightly: `#${id}`, lane: "lint" },
    });
    expect(rerun.view).toMatchObject({ done: expect.stringContaining("as nightly #") });
    const none = await scene.land(["fail-lane", ...nightly, "--lane", "none"]);
    expect(none).toMatchObject({ code: 1, err: expect.stringContaining("lint (failed)") });
    const unknown = await scene.land(["recover-run", "--nightly-run-id", "999999"]);
    expect(unknown.code).toBe(1);
  });

  it("says what there is no endpoint for, and what else helps", async () => {
    const listed = await scene.land(["list"]);
    expect(listed).toMatchObject({ code: 1, err: expect.stringContaining("by name or number") });
  });
});
