import { afterAll, beforeAll, expect, it } from "vitest";
import { paths } from "../../../src/contract/paths.ts";
import { connectPika } from "../../../src/forges/pika.ts";
import { parseSecretKey } from "../../../src/identity/keys.ts";
import { signerOf } from "../../../src/identity/signer.ts";
import { queueMany } from "../../support/long-queue.ts";
import { type Connected, connectInMemory } from "../../support/mcp.ts";
import { memoryWorktree } from "../../support/operations.ts";
import { startTestForge, type TestForge } from "../../support/server.ts";

const branches = 250;
const lanesEach = 10;
const branchName = (index: number) => `x/${index}-\`$(id)\`<b>${"ü".repeat(90)}`;
const laneName = (index: number) => `${index} \u001b[31m\n"{${"Ω".repeat(400)}`;

let forge: TestForge;
let agent: Connected;
let token: string;

beforeAll(async () => {
  forge = await startTestForge({ settings: { ciConcurrency: 0 } });
  token = await forge.login(forge.agent.nsec);
  const head = await forge.push("first", { "first.txt": "first\n" });
  const mergeBase = await forge.git(["rev-parse", "main"]);
  // Answers once the refs were read, so that nobody is reading them now.
  await forge.api("POST", paths.wake(), {}, token);
  const { storeFile, repositoryDir: canonical } = forge.config;
  const lane = (index: number) => ({
    lane: laneName(index),
    concurrencyGroup: index < 5 ? `group ${"g".repeat(400)}` : null,
    targetKey: index === 9 ? `target ${"t".repeat(400)}` : null,
  });
  const made = { storeFile, canonical, head, mergeBase, branches, lanesEach, branchName, lane };
  queueMany(made);
  // It blocked the forge, which is in this process; a connection may have gone stale meanwhile.
  await forge.api("GET", paths.about()).catch(() => undefined);
  const signer = signerOf(parseSecretKey(forge.agent.nsec));
  const connected = connectPika({ name: "local", baseUrl: forge.origin, signer });
  const state = { branch: branchName(200), head };
  agent = await connectInMemory({
    openWorktree: async () => memoryWorktree(connected, { state, tips: { [state.branch]: head } }),
  });
}, 60_000);
afterAll(async () => {
  await agent[Symbol.asyncDispose]();
  await forge.close();
});

const askFor = async (args: Record<string, unknown>) => {
  const result = await agent.client.callTool({ name: "inspect_queue", arguments: args });
  expect(result.isError ?? false).toBe(false);
  return {
    bytes: Buffer.byteLength(JSON.stringify(result)),
    // biome-ignore lint/suspicious/noExplicitAny: looked at as it travels.
    facts: result.structuredContent as any,
    text: (result.content as { text: string }[])[0]?.text ?? "",
  };
};

it("a client is told the whole queue in 12,000 bytes, however long its names are", async () => {
  for (const args of [{}, { limit: 100 }, { branch: branchName(240) }]) {
    const { bytes, facts, text } = await askFor(args);
    expect(bytes).toBeLessThanOrEqual(12_000);
    expect(facts.lanes.length).toBeGreaterThan(0);
    expect(facts.waiting).toBeGreaterThanOrEqual(branches * lanesEach);
    expect(text).not.toContain("\u001b");
    for (const lane of facts.lanes) {
      expect(lane).toMatchObject({ status: "queued", place: expect.any(Number) });
      expect(lane.reason).not.toBe("");
      expect(lane.waits_for).toEqual(expect.any(String));
      expect(lane.estimate).toEqual(expect.any(String));
    }
  }
});

it("the branch that is checked out comes first where there is no room for all", async () => {
  const { facts } = await askFor({});
  expect(facts.lanes[0].branch).toContain("x/200-");
  expect(facts.left_out + facts.lanes.length).toBe(facts.waiting);
});

it("how things stand is told without the queue", async () => {
  const { status, json } = await forge.api("GET", `${paths.queue()}?limit=0`, undefined, token);
  expect(status).toBe(200);
  expect(json).toMatchObject({ running: 0, limit: 0, frozen: null, lanes: [] });
  expect(json.waiting).toBeGreaterThanOrEqual(branches * lanesEach);
  expect(json).not.toHaveProperty("waiting_by_reason");
});
