import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { paths } from "../../../src/contract/paths.ts";
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

const post = (path: string, body?: unknown) => forge.api("POST", path, body, agent);
const issues = async () => {
  const { json } = await forge.api("GET", "/api/admin/forge-status", undefined, owner);
  return json.forge_health.issues.map((issue: { code: string }) => issue.code);
};
const acts = async (action: string) => {
  const { json } = await forge.api("GET", `/api/forge/audit?action=${action}`, undefined, owner);
  return json.acts ?? json.audit ?? json.entries;
};
const reasonOf = (detail: { ci_runs: { lanes: { execution_reason: string }[] }[] }) =>
  detail.ci_runs[0]?.lanes[0]?.execution_reason;

describe("the scheduler's pause", () => {
  it("keeps lanes waiting and says so, until it is resumed", async () => {
    const first = (await post(paths.pauseCi())).json;
    expect(first).toMatchObject({ status: "paused", by: forge.agent.npub, running: 0 });
    // Safe to repeat: the first one's author and time stay.
    expect((await post(paths.pauseCi())).json).toMatchObject({ since: first.since });
    expect(await issues()).toEqual(["ci_paused"]);
    await forge.push("waits", { waits: "x\n" });
    await forge.until("waits", agent, (detail) => reasonOf(detail) === "scheduler_paused");
    const { json: queue } = await forge.api("GET", paths.queue(), undefined, agent);
    expect(queue.lanes[0].waits_for).toContain(`paused by ${forge.agent.npub} since`);
    expect((await post(paths.resumeCi())).json).toMatchObject({ status: "running", changed: true });
    await forge.until("waits", agent, (detail) => detail.branch.ci_status === "success");
    expect((await post(paths.resumeCi())).json).toMatchObject({ changed: false, waiting: 0 });
    expect(await issues()).toEqual([]);
    expect(await acts("ci_paused")).toHaveLength(1);
    expect(await acts("ci_resumed")).toHaveLength(1);
  });

  it("is nothing for whoever may not write", async () => {
    for (const path of [paths.pauseCi(), paths.resumeCi(), paths.resetHealth()]) {
      const body = { target: "linux" };
      expect((await forge.api("POST", path, body)).status).toBe(401);
    }
  });
});

describe("a CI target's health", () => {
  it("is reset by hand, and a second time nothing changes", async () => {
    const reset = () => post(paths.resetHealth(), { target: "linux" });
    expect((await reset()).json).toEqual({ status: "ok", target: "linux", changed: false });
    expect(await acts("health_reset")).toHaveLength(1);
    expect((await post(paths.resetHealth(), { target: "" })).status).toBe(422);
  });
});
