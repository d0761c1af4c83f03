import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Revision } from "../../support/reference/index.ts";
import { type ReferenceScene, referenceScene } from "../../support/reference-scene.ts";

const stream: Record<Revision, RegExp> = {
  seed: /\/news\/branch\/\d+\/ci\/stream$/,
  head: /\/git\/branch\/\d+\/ci\/stream\/full$/,
};
const merges = /POST .*\/merge$/;

describe.each<Revision>(["seed", "head"])("landing on the reference, %s", (revision) => {
  let scene: ReferenceScene;
  let mergesBefore = 0;
  beforeAll(async () => {
    scene = await referenceScene({ revision, files: { "a.txt": "a\n" } });
  });
  afterAll(() => scene[Symbol.asyncDispose]());
  beforeEach(() => {
    scene.forge.autoCi("success");
    scene.forge.lanes([{ id: "check" }]);
    mergesBefore = scene.asked(merges);
  });
  /** How often this test asked for a merge. */
  const mergesAsked = () => scene.asked(merges) - mergesBefore;

  it("goes from a commit to a merge that is proved, and says what was not pinned", async () => {
    const head = await scene.commit("feature/one", { "one.txt": "1\n" });
    const { view, text } = await scene.tool("land_branch", { max_seconds: 30 });
    expect(view).toMatchObject({
      state: "landed",
      branch: "feature/one",
      target: "master",
      head,
      unpinned: expect.stringContaining("exactly the files"),
    });
    expect(text).toContain("takes no expected head");
    expect(await scene.onTarget(String(view.merge_commit))).toBe(true);
    expect(scene.forge.branch("feature/one")).toMatchObject({ state: "merged", head });
    expect(mergesAsked()).toBe(1);
    const again = await scene.tool("land_branch", { max_seconds: 30 });
    expect(again.view).toMatchObject({ state: "landed", already: true });
  });

  it("rebases onto a target that moved, and lands the head that CI tested", async () => {
    await scene.commit("feature/behind", { "behind.txt": "1\n" });
    await scene.forge.moveTarget({ "other.txt": "2\n" });
    const { view } = await scene.tool("land_branch", { max_seconds: 30 });
    expect(view).toMatchObject({ state: "landed", unpinned: expect.stringContaining("exactly") });
    expect(view.head).toBe(await scene.git("rev-parse", "HEAD"));
    const [run] = scene.forge.runs("feature/behind");
    expect(run).toMatchObject({ head: view.head, status: "success" });
  });

  it("follows the branch's stream without a login, and is woken by it", async () => {
    scene.forge.autoCi(null);
    await scene.commit("feature/slow", { "slow.txt": "1\n" });
    const past = new Set(scene.forge.requests);
    const landing = scene.tool("land_branch", { max_seconds: 60 });
    const streamed = await scene.forge.seen(
      (request) => !past.has(request) && stream[revision].test(request.path),
    );
    expect(streamed.headers.authorization).toBeUndefined();
    await scene.forge.ci("feature/slow", "success");
    expect((await landing).view).toMatchObject({ state: "landed" });
  });

  it("tells which lane failed with its log; one lane rerun never makes the branch green", async () => {
    scene.forge.lanes([{ id: "lint" }, { id: "unit" }]);
    scene.forge.autoCi(({ laneId }) =>
      laneId === "unit" ? { status: "failed", log: "Error: it broke\n" } : "success",
    );
    await scene.commit("feature/red", { "red.txt": "1\n" });
    const failed = await scene.tool("land_branch", { max_seconds: 30 });
    expect(failed.view).toMatchObject({
      state: "ci_failed",
      lanes: [{ lane: "unit", log: expect.stringContaining("it broke") }],
    });
    scene.forge.autoCi("success");
    const rerun = await scene.tool("recover_ci", { action: "rerun_lane", lane: "unit" });
    expect(rerun.view).toMatchObject({ done: expect.stringContaining("runs again") });
    await scene.forge.settled();
    expect(scene.forge.runs("feature/red")).toMatchObject([
      { status: "success", lanes: [{ laneId: "unit" }] },
      { status: "failed" },
    ]);
    const again = await scene.tool("land_branch", { max_seconds: 5 });
    expect(again.view).toMatchObject({ state: "ci_failed" });
    expect(await scene.tool("merge_branch")).toMatchObject({
      view: { state: "refused", code: "ci_not_green" },
    });
    expect(mergesAsked()).toBe(0);
  });

  it("names the files of a conflict, which the forge does not", async () => {
    await scene.commit("feature/conflict", { "a.txt": "ours\n" });
    await scene.forge.moveTarget({ "a.txt": "theirs\n" });
    const { view } = await scene.tool("land_branch", { max_seconds: 30 });
    expect(view).toMatchObject({ state: "conflict" });
    expect(JSON.stringify(view)).toContain("a.txt");
    const aborted = await scene.tool("rebase_branch", { abort: true });
    expect(aborted.view).toMatchObject({ state: "aborted" });
    expect(mergesAsked()).toBe(0);
  });

  it("refuses to merge what was tested before the target moved", async () => {
    await scene.commit("feature/old", { "old.txt": "1\n" });
    expect((await scene.tool("push_branch")).view).toMatchObject({ state: "pushed" });
    await scene.forge.settled();
    expect((await scene.tool("wait_for_ci", { max_seconds: 20 })).view).toMatchObject({
      state: "green",
    });
    await scene.forge.moveTarget({ "another.txt": "2\n" });
    expect((await scene.tool("merge_branch")).view).toMatchObject({
      state: "refused",
      code: "target_moved",
    });
    expect(mergesAsked()).toBe(0);
  });

  it("lands a branch that was closed and pushed again, under its new number", async () => {
    await scene.commit("feature/again", { "again.txt": "1\n" });
    await scene.tool("push_branch");
    await scene.forge.settled();
    const first = scene.forge.branch("feature/again").id;
    expect((await scene.tool("close_branch")).view).toMatchObject({ state: "closed" });
    await scene.commit("feature/again", { "two.txt": "2\n" });
    const { view } = await scene.tool("land_branch", { max_seconds: 30 });
    expect(view).toMatchObject({ state: "landed" });
    expect(Number(view.number)).toBeGreaterThan(first);
  });

  it("force is the admin's, after a person typed the number", async () => {
    scene.forge.autoCi("failed");
    await scene.commit("feature/force", { "force.txt": "1\n" });
    await scene.tool("push_branch");
    await scene.forge.settled();
    const id = String(scene.forge.branch("feature/force").id);
    const force = ["merge", "--force", "--reason", "fire"];
    expect(await scene.land(force)).toMatchObject({ code: 6 });
    expect(await scene.land(force, [id])).toMatchObject({ code: 6 });
    expect(mergesAsked()).toBe(0);
    await scene.logIn(scene.forge.admin, `${scene.dir}/admin`);
    const asAdmin = [...force, "--state-dir", `${scene.dir}/admin`];
    const forced = await scene.land(asAdmin, [id]);
    expect(forced).toMatchObject({ code: 0, out: expect.stringContaining("by force") });
  });
});
