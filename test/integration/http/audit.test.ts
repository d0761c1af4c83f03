import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callerOf, describedBranch, prefixes } from "../../support/access.ts";
import { type ApiAnswer, newKey, startTestForge, type TestForge } from "../../support/server.ts";

let forge: TestForge;
let owner: string;
let agent: string;
const named = newKey();
let lark: string;
beforeAll(async () => {
  forge = await startTestForge();
  owner = await forge.login(forge.owner.nsec);
  agent = await forge.login(forge.agent.nsec);
  await as(owner).post("/api/admin/keys", { npub: named.npub, name: "lark" });
  lark = await forge.login(named.nsec);
});
afterAll(() => forge?.close());

const as = (token: string) => callerOf(forge, token, "/git");
const audit = async (query = "") => (await as(agent).get(`/api/forge/audit${query}`)).json.entries;
const green = (name: string) =>
  forge.until(name, agent, (detail) => detail.branch.ci_status === "success");
const settled = (name: string) =>
  forge.until(name, agent, (detail) => /success|failed/.test(detail.branch.ci_status));

describe("the audit trail", () => {
  it("tells which agent landed what, with the head and the commit", async () => {
    const head = await forge.push("by-lark", { "lark.txt": "lark\n" });
    const { branch } = await green("by-lark");
    const merged = await as(lark).post(`/api/forge/branch/${branch.branch_id}/merge`, {
      head_sha: head,
    });
    expect(merged.status).toBe(200);
    const [entry] = await audit("?branch=by-lark&action=merge");
    expect(entry).toEqual({
      id: expect.any(Number),
      at: expect.stringMatching(/Z$/),
      npub: named.npub,
      name: "lark",
      action: "merge",
      branch_id: branch.branch_id,
      branch_name: "by-lark",
      run_id: null,
      lane_run_id: null,
      head_sha: head,
      subject: null,
      result: "ok",
      detail: `as ${merged.json.merge_commit_sha.slice(0, 12)}`,
    });
    const detail = await as(agent).get(`/api/forge/branch/${branch.branch_id}`);
    expect(detail.json.branch).toMatchObject({ merged_by: named.npub, closed_by: null });
  });

  it("tells a force from a merge, and who was refused one", async () => {
    const head = await forge.push("red", { fail: "yes\n" });
    const { branch } = await settled("red");
    const force = (token: string, reason: string) =>
      as(token).post(`/api/forge/branch/${branch.branch_id}/merge`, { force: true, reason });
    expect((await force(lark, "mine")).status).toBe(403);
    expect((await force(owner, "the lane is broken")).status).toBe(200);
    const [done, refused] = await audit("?branch=red&action=force");
    expect(done).toMatchObject({
      npub: forge.owner.npub,
      name: "owner",
      result: "ok",
      head_sha: head,
      detail: expect.stringMatching(/^as [0-9a-f]{12}: the lane is broken$/),
    });
    expect(refused).toMatchObject({ name: "lark", result: "refused", head_sha: head });
  });

  it("tells who closed, and that nobody closed what was deleted", async () => {
    await forge.push("closed", { c: "c\n" });
    const { branch } = await forge.until("closed", agent, () => true);
    await as(lark).post(`/api/forge/branch/${branch.branch_id}/close`, { reason: "not now" });
    expect(await audit("?branch=closed&action=close")).toEqual([
      expect.objectContaining({ name: "lark", action: "close", detail: "not now" }),
    ]);
    const closed = await as(agent).get(`/api/forge/branch/${branch.branch_id}`);
    expect(closed.json.branch).toMatchObject({ merged_by: null, closed_by: named.npub });
    await forge.push("deleted", { d: "d\n" });
    await forge.until("deleted", agent, () => true);
    await forge.git(["push", "-q", "forge", ":deleted"]);
    await forge.until("deleted", agent, (detail) => detail.branch.branch_state === "closed");
    const [entry] = await audit("?branch=deleted&action=close");
    expect(entry).toMatchObject({ npub: null, name: null, detail: "the branch was deleted" });
  });

  it("has each recovery of CI, with its run and lane", async () => {
    await forge.push("recovered", { fail: "yes\n" });
    const { branch, ci_runs } = await settled("recovered");
    const id = branch.branch_id;
    const [run] = ci_runs;
    const lane = run.lanes[0].id;
    expect((await as(lark).post(`/branch/${id}/ci/rerun/${lane}`)).status).toBe(200);
    expect((await as(lark).post(`/branch/${id}/ci/rerun`)).status).toBe(200);
    const entries = await audit("?branch=recovered");
    expect(entries).toEqual([
      expect.objectContaining({ action: "rerun_suite", run_id: run.id, lane_run_id: null }),
      expect.objectContaining({ action: "rerun_lane", run_id: run.id, lane_run_id: lane }),
    ]);
    for (const entry of entries) {
      expect(entry).toMatchObject({ name: "lark", head_sha: branch.head_sha, branch_id: id });
    }
  });

  it("has logins, tutorials and changes of keys, without their secrets", async () => {
    const key = newKey();
    await as(owner).post("/api/admin/keys", { npub: key.npub, name: "wren" });
    const token = await forge.login(key.nsec);
    await describedBranch(forge, token, "described");
    await as(token).post("/api/forge/tokens/revoke", { all: true });
    await as(owner).post("/api/admin/allowlist", { npub: key.npub, active: false });
    const acts = (await audit(`?npub=${key.npub}`)).map(
      ({ action, name }: { action: string; name: string }) => [action, name],
    );
    expect(acts).toEqual([
      ["token_revoked", "wren"],
      ["tutorial", "wren"],
      ["login", "wren"],
    ]);
    const about = (await audit(`?npub=${forge.owner.npub}`)).filter(
      ({ subject }: { subject: string }) => subject === key.npub,
    );
    expect(about.map(({ action }: { action: string }) => action)).toEqual([
      "key_deactivated",
      "key_approved",
    ]);
    expect(about[0].detail).toContain("upsert_inactive_forge_writer");
    const whole = (await as(owner).get("/api/forge/audit?limit=200")).text;
    for (const secret of [token, owner, agent, lark, key.nsec]) {
      expect(whole).not.toContain(secret);
    }
  });

  it("keeps the name that a key had", async () => {
    const key = newKey();
    await as(owner).post("/api/admin/keys", { npub: key.npub, name: "before" });
    await forge.login(key.nsec);
    await as(owner).post("/api/admin/keys", { npub: key.npub, name: "after" });
    const [login] = await audit(`?npub=${key.npub}`);
    expect(login.name).toBe("before");
  });
});

describe.each(prefixes)("below %s the trail", (prefix) => {
  const get = (query: string) => callerOf(forge, agent, prefix).get(`/api/forge/audit${query}`);

  it("is read page by page, newest first, nothing twice", async () => {
    const ids: number[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const page: ApiAnswer["json"] = (
        await get(`?limit=3${cursor === "" ? "" : `&cursor=${cursor}`}`)
      ).json;
      expect(page.entries.length).toBeLessThanOrEqual(3);
      ids.push(...page.entries.map((entry: { id: number }) => entry.id));
      cursor = page.next_cursor;
    }
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => b - a));
    expect(ids.length).toBe((await get("?limit=200")).json.entries.length);
  });

  it("is found by a branch's id too", async () => {
    const [entry] = (await get("?branch=by-lark")).json.entries;
    const byId = (await get(`?branch=${entry.branch_id}`)).json.entries;
    expect(byId).toContainEqual(entry);
  });

  it("is a reader's", async () => {
    expect((await forge.api("GET", `${prefix}/api/forge/audit`)).status).toBe(401);
  });

  it.each([
    ["?limit=0", 400],
    ["?limit=x", 400],
    ["?cursor=x", 400],
    ["?cursor=-1", 400],
    ["?npub=nobody", 400],
    ["?branch='%20OR%201=1", 200],
    [`?branch=${"9".repeat(30)}`, 200],
  ])("answers %s with %i", async (query, status) => {
    const answer = await get(query);
    expect(answer.status).toBe(status);
    if (status === 200) expect(answer.json.entries).toEqual([]);
  });
});
