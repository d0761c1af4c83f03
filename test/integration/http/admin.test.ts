import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { forgeStatusAnswer } from "../../../src/contract/admin.ts";
import { callerOf, prefixes } from "../../support/access.ts";
import { startTestForge, type TestForge } from "../../support/server.ts";

let forge: TestForge;
let owner: string;
let agent: string;
beforeAll(async () => {
  forge = await startTestForge();
  owner = await forge.login(forge.owner.nsec);
  agent = await forge.login(forge.agent.nsec);
});
afterAll(() => forge?.close());

const part = ["last_activity_at", "last_checked_at", "last_error_at", "state", "summary"];

describe.each(prefixes)("below %s the forge's status", (prefix) => {
  const status = () => callerOf(forge, owner, prefix).get("/api/admin/forge-status");

  it("has every key of the contract, with what is true here", async () => {
    // A forge answers before its first look at the queue.
    const lookedAt = async () => (await status()).json.forge_health.ci.last_checked_at;
    await expect.poll(lookedAt, { timeout: 20_000 }).not.toBeNull();
    const answer = await status();
    expect(answer.status).toBe(200);
    const { json } = answer;
    expect(forgeStatusAnswer.safeParse(json).success).toBe(true);
    expect(Object.keys(json).sort()).toEqual([
      "forge_health",
      "mirror_history",
      "mirror_runtime",
      "mirror_status",
    ]);
    const health = json.forge_health;
    expect(health).toMatchObject({ enabled: true, issues: [] });
    for (const name of ["poller", "generation_worker", "ci"]) {
      expect(Object.keys(health[name]).sort()).toEqual(part);
      expect(health[name].state).toMatch(/^(idle|active)$/);
    }
    expect(health.poller.last_checked_at).toMatch(/^\d{4}-.*\.\d{3}Z$/);
    expect(health.ci.last_checked_at).toMatch(/^\d{4}-.*\.\d{3}Z$/);
    expect(health.mirror).toEqual({
      state: "disabled",
      background_enabled: false,
      background_interval_secs: null,
      last_success_at: null,
      last_failure_at: null,
      summary: null,
    });
    expect(json.mirror_runtime).toMatchObject({ configured: false, active_run: null });
    expect([json.mirror_status, json.mirror_history]).toEqual([null, []]);
  });

  it("tells that something happened, and that landing stands still", async () => {
    const name = `busy-${prefix.slice(1)}`;
    await forge.push(name, { [name]: "x\n" });
    await forge.until(name, agent, (detail) => detail.branch.ci_status === "success");
    const busy = (await status()).json.forge_health;
    expect(busy.poller).toMatchObject({ state: "active", last_activity_at: expect.any(String) });
    expect(busy.ci).toMatchObject({ state: "active", summary: "running 0 · queued 0" });
    const bare = forge.config.repositoryDir;
    const [before, other] = [
      await forge.git(["rev-parse", "main"], bare),
      await forge.git(["rev-parse", name], bare),
    ];
    await forge.git(["update-ref", "refs/heads/main", other], bare);
    await callerOf(forge, owner, prefix).post("/api/forge/ci/wake");
    const { issues } = (await status()).json.forge_health;
    expect(issues).toEqual([
      { severity: "error", code: "target_moved_outside", message: expect.any(String) },
    ]);
    await callerOf(forge, owner, prefix).post("/api/forge/target", { action: "restore" });
    expect(await forge.git(["rev-parse", "main"], bare)).toBe(before);
    expect((await status()).json.forge_health.issues).toEqual([]);
    const trail = (
      await callerOf(forge, owner, prefix).get("/api/forge/audit?action=target_restored")
    ).json.entries;
    expect(trail[0]).toMatchObject({ name: "owner", detail: `to ${before.slice(0, 12)}` });
  });

  it("offers no mirror until there is one", async () => {
    const answer = await callerOf(forge, owner, prefix).post("/api/admin/mirror/sync");
    expect([answer.status, answer.json]).toEqual([
      409,
      { error: expect.stringMatching(/^mirror sync is unavailable; /) },
    ]);
  });

  it("is the owner's", async () => {
    for (const [method, path] of [
      ["GET", "/api/admin/forge-status"],
      ["POST", "/api/admin/mirror/sync"],
    ] as const) {
      expect((await forge.api(method, prefix + path, undefined, agent)).status).toBe(403);
      expect((await forge.api(method, prefix + path)).status).toBe(401);
    }
  });
});
