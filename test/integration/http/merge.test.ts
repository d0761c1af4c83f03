import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { oneLaneManifest, startTestForge, type TestForge } from "../../support/server.ts";

let forge: TestForge;
let agent: string;
let owner: string;
beforeAll(async () => {
  forge = await startTestForge();
  agent = await forge.login(forge.agent.nsec);
  owner = await forge.login(forge.owner.nsec);
});
afterAll(() => forge?.close());
beforeEach(async () => {
  await forge.git(["fetch", "-q", "forge"]);
  await forge.git(["branch", "-f", "base", "forge/main"]);
});

// biome-ignore lint/suspicious/noExplicitAny: answers as they travel.
const settled = (detail: any) => !["queued", "running"].includes(detail.branch.ci_status);
const merge = (id: number, body?: unknown, token = agent, path = "/api/forge") =>
  forge.api("POST", `${path}/branch/${id}/merge`, body, token);
const pushed = async (branch: string, files: Record<string, string>, from = "base") => {
  const head = await forge.push(branch, files, from);
  const detail = await forge.until(branch, agent, settled);
  expect(detail.branch.head_sha).toBe(head);
  return { head, id: detail.branch.branch_id as number };
};
const target = () =>
  forge.git(["ls-remote", "forge", "refs/heads/main"]).then((l) => l.slice(0, 40));

describe("a merge", () => {
  it("lands a green head that is named, once", async () => {
    const { head, id } = await pushed("topic", { "topic.txt": "1\n" });
    const answer = await merge(id, { head_sha: head });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      status: "ok",
      branch_id: id,
      merge_commit_sha: await target(),
      deleted: null,
    });
    await forge.git(["fetch", "-q", "forge"]);
    expect(await forge.git(["rev-parse", "forge/main^2"])).toBe(head);
    const again = await merge(id);
    expect([again.status, again.json.code]).toEqual([409, "branch_not_open"]);
    expect(again.json.error).toMatch(/^only open branches can be merged/);
  });

  it("takes the stored head where none is named, below the other path and prefix", async () => {
    const { id } = await pushed("unnamed", { "unnamed.txt": "1\n" });
    expect((await merge(id, undefined, agent, "/news")).status).toBe(200);
  });

  it("refuses another head", async () => {
    const { head, id } = await pushed("moving", { "moving.txt": "1\n" });
    const answer = await merge(id, { head_sha: "0".repeat(40) });
    expect(answer.status).toBe(409);
    expect(answer.json).toMatchObject({ code: "head_moved", head_sha: head });
  });

  it("refuses a head that is not green", async () => {
    const { head, id } = await pushed("red", { fail: "x\n" });
    const before = await target();
    const answer = await merge(id, { head_sha: head });
    expect([answer.status, answer.json.code]).toEqual([409, "ci_not_green"]);
    expect(await target()).toBe(before);
  });

  it("refuses a green head that changes lanes; the branch's detail says so before", async () => {
    const changed = { "ci/forge-lanes.toml": oneLaneManifest.replace("test ! -e fail", "true") };
    const { head, id } = await pushed("fewer-lanes", changed);
    const detail = async () =>
      (await forge.api("GET", `/api/forge/branch/${id}`, undefined, agent)).json.branch;
    expect(await detail()).toMatchObject({ ci_status: "success", changed_lanes: ["check"] });
    forge.settings.allowCiChange = true;
    expect(await detail()).not.toHaveProperty("changed_lanes");
    forge.settings.allowCiChange = false;
    const answer = await merge(id, { head_sha: head });
    expect([answer.status, answer.json.code]).toEqual([409, "ci_changed"]);
    expect(answer.json.lanes).toEqual(["check"]);
    const other = await pushed("other-lanes", {
      "ci/forge-lanes.toml": `${oneLaneManifest}\n# the same lanes`,
    });
    const unchanged = await forge.api("GET", `/api/forge/branch/${other.id}`, undefined, agent);
    expect(unchanged.json.branch).not.toHaveProperty("changed_lanes");
    // A head that the target left behind has to be rebased first, whatever its lanes.
    expect((await merge(other.id)).status).toBe(200);
    expect(await detail()).not.toHaveProperty("changed_lanes");
  });

  it("refuses a head that the target's tip is no part of", async () => {
    const left = await pushed("left", { "left.txt": "1\n" });
    const right = await pushed("right", { "right.txt": "1\n" });
    expect((await merge(left.id, { head_sha: left.head })).status).toBe(200);
    const answer = await merge(right.id, { head_sha: right.head });
    expect(answer.status).toBe(409);
    expect(answer.json).toMatchObject({ code: "target_moved", target_sha: await target() });
  });

  it("is forced by the owner's key alone, with a reason", async () => {
    const { head, id } = await pushed("forced", { fail: "x\n" });
    const byAgent = await merge(id, { head_sha: head, force: true, reason: "because" });
    expect([byAgent.status, byAgent.json.code]).toEqual([403, "force_refused"]);
    const silent = await merge(id, { head_sha: head, force: true, reason: " " }, owner);
    expect(silent.status).toBe(400);
    const byOwner = await merge(id, { head_sha: head, force: true, reason: "an emergency" }, owner);
    expect([byOwner.status, byOwner.json.merge_commit_sha]).toEqual([200, await target()]);
  });
});

describe("closing", () => {
  it("deletes the branch and keeps its record", async () => {
    const { head, id } = await pushed("unwanted", { "unwanted.txt": "1\n" });
    const wrong = await forge.api(
      "POST",
      `/api/forge/branch/${id}/close`,
      { head_sha: "0".repeat(40) },
      agent,
    );
    expect([wrong.status, wrong.json.code]).toEqual([409, "head_moved"]);
    const path = `/api/forge/branch/${id}/close`;
    expect((await forge.api("POST", path, { head_sha: head, reason: "no" }, agent)).json).toEqual({
      status: "ok",
      branch_id: id,
      merge_commit_sha: null,
      deleted: true,
    });
    expect(await forge.git(["ls-remote", "forge", "refs/heads/unwanted"])).toBe("");
    const again = await forge.api("POST", path, undefined, agent);
    expect([again.status, again.json.code]).toEqual([409, "branch_not_open"]);
    expect(again.json.error).toMatch(/^only open branches can be closed/);
  });
});

describe("a tutorial", () => {
  const tutorial = (head: string) => ({
    head_sha: head,
    executive_summary: "What it does",
    steps: [
      {
        title: "One",
        intent: "Why",
        affected_files: ["a"],
        evidence_snippets: ["@@ -1 +1 @@"],
        body_markdown: "",
      },
    ],
  });

  it("is stored for the head it describes alone", async () => {
    const { head, id } = await pushed("described", { "described.txt": "1\n" });
    const path = `/api/forge/branch/${id}/tutorial`;
    const stale = await forge.api("PUT", path, tutorial("0".repeat(40)), agent);
    expect([stale.status, stale.json.code, stale.json.head_sha]).toEqual([409, "head_moved", head]);
    expect((await forge.api("PUT", path, { ...tutorial(head), steps: [] }, agent)).status).toBe(
      422,
    );
    const done = await forge.api("POST", path, tutorial(head), agent);
    expect([done.status, done.json]).toEqual([200, { status: "ok", branch_id: id }]);
    const { json } = await forge.api("GET", `/api/forge/branch/${id}`, undefined, agent);
    expect(json.branch.tutorial_status).toBe("ready");
  });
});
