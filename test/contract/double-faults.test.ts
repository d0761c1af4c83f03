import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Reference, startReference } from "../support/reference/index.ts";
import { askForge } from "./ask.ts";
import { tokenFor } from "./logins.ts";
import type { Call } from "./world.ts";

describe.each(["seed", "head"] as const)("the double of %s can be made to", (revision) => {
  let forge: Reference;
  let token: string;
  const ask = (call: Call) =>
    askForge({ origin: forge.baseUrl, prefix: forge.prefix }, call, async () => token);
  const get = (path: string) => ask({ method: "GET", path, as: "writer" });
  const detail = async (name: string) => {
    const found = await get(`/api/forge/branch/resolve?branch_name=${name}`);
    if (found.status !== 200) return undefined;
    return (await get(`/api/forge/branch/${found.json.branch_id}`)).json;
  };
  beforeEach(async () => {
    forge = await startReference({ revision, autoCi: "success" });
    const asker = { ask, origin: forge.baseUrl, prefix: forge.prefix };
    token = await tokenFor(asker, forge.writer.nsec);
  });
  afterEach(() => forge?.[Symbol.asyncDispose]());

  it("take a push in late, saying what the previous head's CI said", async () => {
    const first = await forge.push("topic", { "a.txt": "1\n" });
    forge.faults.lateIngestion = 4;
    const second = await forge.push("topic", { "a.txt": "2\n" });
    for (let reads = 0; reads < 2; reads += 1) {
      const seen = await detail("topic");
      expect([seen.branch.head_sha, seen.branch.ci_status]).toEqual([first, "success"]);
    }
    await forge.settled();
    expect((await detail("topic")).branch.head_sha).toBe(second);
  });

  it("know a new head and still say what the previous one's CI said", async () => {
    const first = await forge.push("topic", { "a.txt": "1\n" });
    forge.autoCi("failed");
    forge.faults.previousSuccess = 2;
    const second = await forge.push("topic", { "a.txt": "2\n" });
    const seen = await detail("topic");
    expect([seen.branch.head_sha, seen.branch.ci_status]).toEqual([second, "success"]);
    expect(seen.ci_runs[0].source_head_sha).toBe(first);
    await forge.settled();
    expect((await detail("topic")).branch.ci_status).toBe("failed");
  });

  it("answer 502, as HTML, so many times", async () => {
    forge.faults.badGateway = 2;
    for (const status of [502, 502, 200]) expect((await get("/api/me")).status).toBe(status);
  });

  it("say errors in HTML, where it is wanted", async () => {
    forge.faults.htmlErrors = true;
    forge.faults.only = /resolve/;
    const answer = await get("/api/forge/branch/resolve?branch_name=none");
    expect([answer.status, answer.headers["content-type"]]).toEqual([404, "text/html"]);
    expect((await get("/api/forge/branch/404404")).json).toEqual({ error: "branch not found" });
  });

  it("send requests on to another host", async () => {
    forge.faults.redirectTo = "https://evil.example";
    const answer = await get("/api/me");
    const wanted = `https://evil.example${forge.prefix}/api/me`;
    expect([answer.status, answer.headers.location]).toEqual([307, wanted]);
  });

  it("expire tokens in the middle", async () => {
    forge.faults.expireTokensAfter = 1;
    expect((await get("/api/me")).status).toBe(200);
    expect((await get("/api/me")).status).toBe(401);
  });

  it("hold a merge before and after it happened", async () => {
    for (const when of ["before", "after"] as const) {
      await forge.push(when, { [when]: "1\n" });
      forge.faults.holdMerges = when;
      const tip = await forge.tip(forge.defaultBranch);
      const answer = ask({
        method: "POST",
        path: `/branch/${forge.branch(when).id}/merge`,
        as: "writer",
      });
      await forge.held("merge");
      expect((await forge.tip(forge.defaultBranch)) === tip).toBe(when === "before");
      forge.release();
      expect((await answer).status).toBe(200);
      expect(await forge.tip(forge.defaultBranch)).not.toBe(tip);
    }
  });

  it("merge and never say so", async () => {
    await forge.push("topic", { "a.txt": "1\n" });
    forge.faults.cutMergeAnswers = 1;
    const path = `/branch/${forge.branch("topic").id}/merge`;
    await expect(ask({ method: "POST", path, as: "writer" })).rejects.toThrow();
    expect(forge.branch("topic").state).toBe("merged");
    expect((await ask({ method: "POST", path, as: "writer" })).status).toBe(409);
  });

  it("answer slowly", async () => {
    forge.faults.hold = /GET .*\/api\/me/;
    const answer = get("/api/me");
    await forge.held("request");
    expect((await get("/api/forge/branch/404404")).status).toBe(404);
    forge.release();
    expect((await answer).status).toBe(200);
  });

  it("cut streams, refuse them, or leave them open and silent", async () => {
    forge.autoCi("running");
    await forge.push("topic", { "a.txt": "1\n" });
    const path = `/branch/${forge.branch("topic").id}/ci/stream`;
    const url = forge.baseUrl + forge.prefix + path;
    forge.faults.streams = "refuse";
    expect((await get(path)).status).toBe(502);
    forge.faults.streams = "drop";
    await expect(fetch(url).then((answer) => answer.text())).rejects.toThrow();
    forge.faults.streams = "hang";
    const stop = new AbortController();
    const open = await fetch(url, { signal: stop.signal });
    const end = open.text();
    await forge.ci("topic", "success");
    await forge.clock.advance(60_000);
    const first = await Promise.race([end.then(() => "ended"), get("/api/me").then(() => "open")]);
    expect(first).toBe("open");
    stop.abort();
    await expect(end).rejects.toThrow();
  });

  it("keep streams alive by its clock, with each change told", async () => {
    forge.autoCi(null);
    await forge.push("topic", { "a.txt": "1\n" });
    const path = `/branch/${forge.branch("topic").id}/ci/stream`;
    const open = await fetch(forge.baseUrl + forge.prefix + path);
    await forge.clock.advance(15_000);
    await forge.ci("topic", "running");
    await forge.ci("topic", "success");
    const text = await open.text();
    expect(text.match(/^event: ci-update$/gm)?.length).toBeGreaterThan(2);
    expect(text).toContain(": keep-alive\n\n");
  });

  it("fail at storing a token", async () => {
    forge.faults.failTokenStorage = 1;
    const asker = { ask, origin: forge.baseUrl, prefix: forge.prefix };
    await expect(tokenFor(asker, forge.writer.nsec)).rejects.toThrow(/401.*persist/);
  });

  it("hear of pushes by its hooks, which keep the target", async () => {
    const head = await forge.push("topic", { "a.txt": "1\n" });
    const push = (ref: string) =>
      promisify(execFile)("git", [`--git-dir=${forge.bare}`, "push", forge.bare, `${head}:${ref}`]);
    await push("refs/heads/other");
    await forge.settled();
    expect(forge.branch("other").head).toBe(head);
    await expect(push(`refs/heads/${forge.defaultBranch}`)).rejects.toThrow(/disabled/);
  });

  it("have nobody who may log in", async () => {
    await using empty = await startReference({ revision, nobody: true });
    const at = { origin: empty.baseUrl, prefix: empty.prefix };
    for (const path of ["/auth/challenge", "/auth/verify"]) {
      const call = { method: "POST", path, body: { event: "x" } };
      const answer = await askForge(at, call, async () => "");
      expect([answer.status, answer.json]).toEqual([403, { error: "auth not enabled" }]);
    }
  });

  it("find pushes by its poll where it has no hooks", async () => {
    await using silent = await startReference({ revision, webhookSecret: null });
    await silent.push("topic", { "a.txt": "1\n" });
    expect(() => silent.branch("topic")).toThrow();
    await silent.clock.advance(60_000);
    expect(silent.branch("topic").state).toBe("open");
  });

  it("mirror for real, and say a failed push with 200", async () => {
    const dir = await mkdtemp(join(tmpdir(), "land-mirror-"));
    try {
      await promisify(execFile)("git", ["init", "-q", "--bare", join(dir, "there")]);
      for (const [name, status] of [
        ["there", "success"],
        ["nowhere", "failed"],
      ] as const) {
        await using mirrored = await startReference({ revision, mirror: join(dir, name) });
        const own = { origin: mirrored.baseUrl, prefix: mirrored.prefix };
        const call = (one: Call) => askForge(own, one, async () => "");
        const admin = await tokenFor({ ...own, ask: call }, mirrored.admin.nsec);
        const path = "/api/admin/mirror/sync";
        const answer = await call({ method: "POST", path, as: { token: admin } });
        expect([answer.status, answer.json.status]).toEqual([200, status]);
      }
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});
