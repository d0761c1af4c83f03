import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callerOf, describedBranch, prefixes, tutorialOf } from "../../support/access.ts";
import { newKey, startTestForge, type TestForge } from "../../support/server.ts";

let now = new Date("2026-05-05T10:00:00.000Z");
const clock = {
  now: () => {
    now = new Date(now.getTime() + 1);
    return now;
  },
};
let forge: TestForge;
let agent: string;
let owner: string;
const ids: Record<string, number> = {};
const heads: Record<string, string> = {};

beforeAll(async () => {
  now = new Date();
  forge = await startTestForge({ server: { clock } });
  agent = await forge.login(forge.agent.nsec);
  owner = await forge.login(forge.owner.nsec);
  for (const name of ["one", "two", "three"]) {
    const { id, head } = await describedBranch(forge, agent, name);
    ids[name] = id;
    heads[name] = head;
  }
});
afterAll(() => forge?.close());

const news = (token = owner) => callerOf(forge, token, "/news");
const git = (token = owner) => callerOf(forge, token, "/git");
/** Branch names of a list. */
const names = async (caller: ReturnType<typeof git>, query = "") =>
  (await caller.get(`/api/inbox${query}`)).json.items.map(
    (item: { branch_name: string }) => item.branch_name,
  );
/** A reader of its own, whose inbox holds what is described. */
const reader = async (name: string) => {
  const key = newKey();
  await git().post("/api/admin/keys", { npub: key.npub, name });
  return forge.login(key.nsec);
};

describe("an inbox", () => {
  it("has at /news the reference's earlier keys, the longest waiting first", async () => {
    const { status, json } = await news().get("/api/inbox");
    expect(status).toBe(200);
    expect(Object.keys(json).sort()).toEqual(["items", "page", "total"]);
    expect(json).toMatchObject({ total: 3, page: 1 });
    expect(json.items[0]).toEqual({
      review_id: ids.one,
      branch_id: ids.one,
      pr_id: null,
      repo: "test/repo",
      branch_name: "one",
      pr_number: null,
      title: "Change one",
      url: null,
      state: "open",
      updated_at: expect.stringMatching(/Z$/),
      generation_status: "ready",
      reason: "generation_ready",
      inbox_created_at: expect.stringMatching(/Z$/),
    });
    expect(await names(news())).toEqual(["one", "two", "three"]);
    expect((await news().get("/api/inbox/count")).json).toEqual({ count: 3 });
  });

  it("has at /git the later ones, what needs a review first, the newest first", async () => {
    const { json } = await git().get("/api/inbox");
    expect(Object.keys(json).sort()).toEqual(["items", "page", "review_needed", "total"]);
    expect(json).toMatchObject({ total: 3, review_needed: 3, page: 1 });
    expect(json.items[0]).toEqual({
      review_id: ids.three,
      branch_id: ids.three,
      repo: "test/repo",
      branch_name: "three",
      title: "Change three",
      state: "open",
      updated_at: expect.stringMatching(/Z$/),
      generation_status: "ready",
      reason: "new_commits",
      inbox_created_at: expect.stringMatching(/Z$/),
      needs_review: true,
      last_reviewed_at: null,
    });
    expect(await names(git())).toEqual(["three", "two", "one"]);
  });

  it("counts and lists what was reviewed after the rest", async () => {
    const token = await reader("reviewer");
    const marked = await git(token).post(`/api/inbox/reviewed/${ids.three}`);
    expect([marked.status, marked.json]).toEqual([200, { marked: 1 }]);
    expect(await names(git(token))).toEqual(["two", "one", "three"]);
    const { json } = await git(token).get("/api/inbox");
    expect(json).toMatchObject({ total: 3, review_needed: 2 });
    expect(json.items[2]).toMatchObject({
      needs_review: false,
      last_reviewed_at: expect.any(String),
    });
    expect((await git(token).get("/api/inbox/count")).json).toEqual({ count: 2 });
    expect((await news(token).get("/api/inbox/count")).json).toEqual({ count: 3 });
    expect((await git(token).post("/api/inbox/reviewed/999999")).json).toEqual({ marked: 0 });
    // What one reader saw is nothing to another.
    expect((await git().get("/api/inbox/count")).json).toEqual({ count: 3 });
  });

  it.each(prefixes)("below %s has neighbours in the order of its list", async (prefix) => {
    const token = await reader(`neighbour ${prefix.slice(1)}`);
    const caller = callerOf(forge, token, prefix);
    await caller.post(`/api/inbox/reviewed/${ids.two}`);
    const order = (await caller.get("/api/inbox")).json.items.map(
      (item: { branch_id: number }) => item.branch_id,
    );
    for (const [at, id] of order.entries()) {
      const answer = await caller.get(`/api/inbox/neighbors/${id}`);
      expect(answer.json).toEqual({
        prev: order[at - 1] ?? null,
        next: order[at + 1] ?? null,
        position: at + 1,
        total: order.length,
      });
    }
    const missing = await caller.get("/api/inbox/neighbors/999999");
    expect([missing.status, missing.json]).toEqual([404, { error: "inbox item not found" }]);
  });

  it("lets go what is dismissed, until a new tutorial comes", async () => {
    const token = await reader("dismisser");
    const dismiss = async (body: unknown) =>
      (await git(token).post("/api/inbox/dismiss", body)).json;
    expect(await dismiss({ branch_ids: [ids.one, ids.one, 999_999] })).toEqual({ dismissed: 1 });
    expect(await dismiss({ branch_ids: [ids.one], pr_ids: [ids.two] })).toEqual({ dismissed: 0 });
    expect(await dismiss({})).toEqual({ dismissed: 0 });
    expect(await names(git(token))).toEqual(["three", "two"]);
    const gone = await git(token).get(`/api/inbox/neighbors/${ids.one}`);
    expect(gone.status).toBe(404);
    expect((await git(token).post(`/api/inbox/reviewed/${ids.one}`)).json).toEqual({ marked: 0 });
    const again = await git(agent).put(
      `/api/forge/branch/${ids.one}/tutorial`,
      tutorialOf(heads.one ?? ""),
    );
    expect(again.status).toBe(200);
    expect(await names(git(token))).toEqual(["one", "three", "two"]);
    // There the wait begins anew, here the first time is kept.
    expect(await names(news(token))).toEqual(["two", "three", "one"]);
    expect(await dismiss({ all: true })).toEqual({ dismissed: 3 });
    expect((await git(token).get("/api/inbox")).json).toEqual({
      items: [],
      total: 0,
      review_needed: 0,
      page: 1,
    });
    // Logging in again brings nothing back.
    expect((await news(token).get("/api/inbox/count")).json).toEqual({ count: 0 });
  });

  it("keeps at /git what was closed, and not at /news", async () => {
    const { id } = await describedBranch(forge, agent, "to-be-closed");
    await git(agent).post(`/api/forge/branch/${id}/close`);
    expect(await names(git())).toContain("to-be-closed");
    expect(await names(news())).not.toContain("to-be-closed");
  });

  it("says that a tutorial is not of the present head", async () => {
    const { id } = await describedBranch(forge, agent, "moved-on");
    const head = await forge.push("moved-on", { "moved-on.txt": "further\n" });
    await forge.until("moved-on", agent, (detail) => detail.branch.head_sha === head);
    const { items } = (await git().get("/api/inbox")).json;
    const item = items.find((each: { branch_id: number }) => each.branch_id === id);
    expect(item).toMatchObject({ generation_status: "pending" });
  });

  it("is given in pages of fifty", async () => {
    const total = (await git().get("/api/inbox")).json.total;
    for (const [query, page, items] of [
      ["?page=0", 1, total],
      ["?page=-9223372036854775808", 1, total],
      ["?page=2", 2, 0],
      ["?page=9223372036854775807", 1_000_000, 0],
    ] as const) {
      const { status, json } = await git().get(`/api/inbox${query}`);
      expect([status, json.page, json.items.length]).toEqual([200, page, items]);
    }
  });
});

describe.each(prefixes)("below %s a bad request", (prefix) => {
  it.each([
    ["GET", "/api/inbox?page=x", undefined, 400],
    ["GET", "/api/inbox/neighbors/x", undefined, 400],
    ["GET", "/api/inbox/neighbors/a%2Fb", undefined, 400],
    ["GET", "/api/inbox/neighbors/-1", undefined, 404],
    ["GET", "/api/inbox/neighbors/9223372036854775807", undefined, 404],
    ["GET", "/api/inbox/neighbors/9223372036854775808", undefined, 400],
    ["POST", "/api/inbox/reviewed/x", undefined, 400],
    ["POST", "/api/inbox/dismiss", undefined, 415],
    ["POST", "/api/inbox/dismiss", { branch_ids: "all" }, 422],
    ["POST", "/api/inbox/dismiss", { branch_ids: [1.5] }, 422],
    ["POST", "/api/inbox/dismiss", { all: "yes" }, 422],
    ["DELETE", "/api/inbox", undefined, 405],
  ])("%s %s with %j is %i", async (method, path, body, status) => {
    expect((await forge.api(method, prefix + path, body, owner)).status).toBe(status);
  });

  it("without a token is 401", async () => {
    for (const path of ["/api/inbox", "/api/inbox/count", "/api/inbox/neighbors/1"]) {
      expect((await forge.api("GET", prefix + path)).status).toBe(401);
    }
  });
});
