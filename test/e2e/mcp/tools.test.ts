import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { catalogue } from "../../../src/operations/catalogue.ts";
import { type ForgeScene, withForge } from "../../support/cli.ts";
import { type Connected, RawMcp, spawnMcp } from "../../support/mcp.ts";

let scene: ForgeScene;
let on: Connected;

beforeAll(async () => {
  scene = await withForge();
  on = await spawnMcp(scene.repo, scene.env);
});

afterAll(async () => {
  await on[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
});

async function call(name: string, given: Record<string, unknown> = {}) {
  const result = await on.client.callTool({ name, arguments: given });
  const [part] = result.content as { text: string }[];
  const view = (result.structuredContent ?? {}) as Record<string, unknown>;
  const isError = result.isError === true;
  if (!isError && result.structuredContent !== undefined) expectDocumented(name, view);
  return { view, text: part?.text ?? "", isError };
}

/** An answer is of the shape that its operation, and so docs/tools.md, says; no key more. */
function expectDocumented(name: string, view: Record<string, unknown>): void {
  const operation = catalogue.find(({ faces }) => faces.tool === name);
  expect(operation?.result.parse(view)).toEqual(view);
}

it("goes the way step by step", async () => {
  const head = await scene.branch("feature/steps", { "steps.txt": "1\n" });
  expect((await call("branch_status")).view).toMatchObject({
    state: "unpushed",
    branch: "feature/steps",
    local: { head, uncommitted: 0 },
  });
  expect((await call("land_branch", { dry_run: true })).view).toMatchObject({
    state: "planned",
    plan: expect.arrayContaining([expect.stringContaining("push")]),
  });
  expect((await call("fetch_target")).view).toMatchObject({ target: "main", ahead: 1, behind: 0 });
  expect((await call("rebase_branch")).view).toMatchObject({ state: "up_to_date", head });
  expect((await call("push_branch")).view).toMatchObject({ state: "pushed", head });
  expect((await call("push_branch")).view).toMatchObject({ state: "up_to_date" });
  expect((await call("wait_for_ci", { max_seconds: 30 })).view).toMatchObject({
    state: "green",
    head,
    lanes: [{ lane: "unit", status: "success" }],
  });
  const described = await call("describe_branch", {
    summary: "Adds a step.",
    steps: [
      {
        title: "One",
        intent: "To step.",
        affected_files: ["steps.txt"],
        evidence_snippets: ["+1"],
      },
    ],
  });
  expect(described.view).toMatchObject({ state: "described", head, steps: 1 });
  const listed = await call("list_branches");
  expect(listed.view).toMatchObject({
    branches: [{ branch: "feature/steps", ci: expect.stringMatching(/green|success/), head }],
  });
  expect((await call("merge_branch")).view).toMatchObject({ state: "merged", verified: true });
  expect((await call("merge_branch")).view).toMatchObject({ state: "merged", already: true });
  expect((await call("inspect_queue")).view).toMatchObject({ running: 0, waiting: 0, lanes: [] });
});

it("shows a conflict with files and hunks, goes back, and continues after it is resolved", async () => {
  await scene.branch("feature/left", { "readme.txt": "left\n" });
  expect((await call("land_branch", { max_seconds: 60 })).view).toMatchObject({ state: "landed" });
  const head = await scene.branch("feature/right", { "readme.txt": "right\n" });
  const conflict = await call("land_branch", { max_seconds: 60 });
  expect(conflict.view).toMatchObject({
    state: "conflict",
    files: [{ path: "readme.txt" }],
    hunks: expect.stringContaining("<<<<<<<"),
  });
  expect(conflict.text).toContain("readme.txt");
  expect((await call("rebase_branch", { abort: true })).view).toMatchObject({
    state: "aborted",
    head,
  });
  expect((await call("rebase_branch")).view).toMatchObject({ state: "conflict" });
  await scene.write({ "readme.txt": "both\n" });
  await scene.git("add", "readme.txt");
  expect((await call("rebase_branch", { continue: true })).view).toMatchObject({
    state: "rebased",
  });
  expect((await call("land_branch", { max_seconds: 60 })).view).toMatchObject({ state: "landed" });
});

it("closes a branch, by its number and head where it is not one's own", async () => {
  const head = await scene.branch("feature/close", { "close.txt": "1\n" });
  const { number } = (await call("push_branch")).view;
  await scene.git("switch", "-q", "main");
  await scene.git("branch", "-qD", "feature/close");
  expect((await call("close_branch", { branch: number })).view).toMatchObject({
    error: { code: "head_required", head },
  });
  expect((await call("close_branch", { branch: number, head })).view).toMatchObject({
    state: "closed",
    number,
  });
  expect((await call("branch_status", { branch: number })).view).toMatchObject({ state: "closed" });
});

it("recovers CI where it can, and says truthfully what it cannot", async () => {
  await scene.branch("feature/recover", { broken: "red\n" });
  expect((await call("land_branch", { max_seconds: 60 })).view).toMatchObject({
    state: "ci_failed",
  });
  const rerun = await call("recover_ci", { action: "rerun_lane", lane: "unit" });
  expect(rerun.view).toMatchObject({ action: "rerun_lane", branch: "feature/recover" });
  expect((await call("wait_for_ci", { max_seconds: 30 })).view).toMatchObject({ state: "failed" });
  expect((await call("recover_ci", { action: "wake" })).isError).toBe(false);
});

it("tells a client that cannot ask a person how one can force", async () => {
  await scene.branch("feature/force", { broken: "red\n" });
  await call("land_branch", { max_seconds: 60 });
  const { number } = (await call("branch_status")).view;
  const forced = await call("merge_branch", { force: true, reason: "I want to" });
  expect(forced.view).toMatchObject({
    state: "refused",
    code: "force_refused",
    next: expect.stringContaining(`land merge --force ${number}`),
  });
});

it("returns by itself with what to do, where CI takes longer than it may wait", async () => {
  await scene.branch("feature/slow", { "slow.txt": "1\n" });
  const waiting = await call("land_branch", { max_seconds: 0 });
  expect(waiting.view).toMatchObject({ state: "waiting", next: expect.any(String) });
  expect((await call("land_branch", { max_seconds: 60 })).view).toMatchObject({ state: "landed" });
});

it("names each bad argument, and what is wrong with where it is", async () => {
  expect((await call("land_branch", { branch: 3 })).view).toMatchObject({
    error: { code: "bad_argument", message: expect.stringContaining("`branch`") },
  });
  expect((await call("branch_status", { branch: "no-such" })).view).toMatchObject({
    error: { code: "not_found", message: expect.stringContaining("no-such") },
  });
  expect((await call("branch_status", { branch: "9999" })).view).toMatchObject({
    error: { code: "not_found" },
  });
  const elsewhere = await mkdtemp(join(tmpdir(), "land-mcp-"));
  try {
    expect((await call("branch_status", { worktree: elsewhere })).view).toMatchObject({
      error: { code: "not_a_repository", next: expect.any(String) },
    });
    await scene.git("init", "-q", elsewhere);
    expect((await call("branch_status", { worktree: elsewhere })).view).toMatchObject({
      error: { code: "no_forge", next: expect.stringContaining("land init") },
    });
  } finally {
    await rm(elsewhere, { recursive: true });
  }
});

it("survives what is no message, and ends with its input", async () => {
  const bare = new RawMcp(scene.repo, scene.env);
  bare.send({ hello: "world" });
  bare.send({ jsonrpc: "2.0", id: 99, method: "nonsense" });
  const begun = await bare.request("initialize", {
    protocolVersion: "2024-11-05",
    capabilities: {},
    clientInfo: { name: "bare", version: "1" },
  });
  expect(begun).toMatchObject({ result: { serverInfo: { name: "forge-landing-kit" } } });
  await bare[Symbol.asyncDispose]();
});

// Last, since from then on the target itself is red.
it("forces for the owner, through a question that a person answers", async () => {
  await scene.branch("feature/owner", { broken: "red\n" });
  await using asking = await spawnMcp(scene.repo, scene.env, {
    client: { capabilities: { elicitation: {} } },
  });
  await asking.client.callTool({ name: "land_branch", arguments: { max_seconds: 60 } });
  const status = await asking.client.callTool({ name: "branch_status", arguments: {} });
  const { number } = status.structuredContent as { number: string };
  asking.client.setRequestHandler("elicitation/create", () => ({
    action: "accept" as const,
    content: { number },
  }));
  const forced = await asking.client.callTool({
    name: "merge_branch",
    arguments: { force: true, reason: "the red is known" },
  });
  expect(forced.structuredContent).toMatchObject({ state: "merged", forced: true });
});
