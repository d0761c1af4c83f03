import { Client as V1Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as V1Transport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ForgeScene, withForge } from "../../support/cli.ts";
import { RawMcp, type RawMessage, serverCommand, spawnMcp } from "../../support/mcp.ts";

let scene: ForgeScene;

beforeAll(async () => {
  scene = await withForge();
});

afterAll(() => scene[Symbol.asyncDispose]());

type View = Record<string, unknown>;
type Call = (name: string, given?: Record<string, unknown>) => Promise<View>;

/** One client of a revision, for as long as a test needs it. */
interface Speaker extends AsyncDisposable {
  readonly revision: string | undefined;
  readonly call: Call;
  readonly tools: () => Promise<readonly string[]>;
}

async function v2(era: "modern" | "legacy"): Promise<Speaker> {
  const on = await spawnMcp(scene.repo, scene.env, { era });
  return {
    revision: on.client.getNegotiatedProtocolVersion(),
    call: async (name, given = {}) => viewOf(await on.client.callTool({ name, arguments: given })),
    tools: async () => (await on.client.listTools()).tools.map((tool) => tool.name),
    [Symbol.asyncDispose]: () => on[Symbol.asyncDispose](),
  };
}

async function v1(): Promise<Speaker> {
  const client = new V1Client({ name: "v1-client", version: "1.0.0" });
  let revision: string | undefined;
  const started = new V1Transport({ ...serverCommand(), cwd: scene.repo, env: { ...scene.env } });
  const transport: Parameters<V1Client["connect"]>[0] = Object.assign(started, {
    setProtocolVersion: (version: string) => {
      revision = version;
    },
  });
  await client.connect(transport);
  return {
    revision,
    call: async (name, given = {}) => viewOf(await client.callTool({ name, arguments: given })),
    tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

async function raw(revision: string): Promise<Speaker> {
  const on = new RawMcp(scene.repo, scene.env);
  const begun = await on.request("initialize", {
    protocolVersion: revision,
    capabilities: {},
    clientInfo: { name: "lines", version: "1" },
  });
  on.send({ jsonrpc: "2.0", method: "notifications/initialized" });
  const result = (message: RawMessage) => message.result as Record<string, unknown>;
  return {
    revision: String(result(begun).protocolVersion),
    call: async (name, given = {}) =>
      viewOf(result(await on.request("tools/call", { name, arguments: given }))),
    tools: async () =>
      (result(await on.request("tools/list")).tools as { name: string }[]).map(({ name }) => name),
    [Symbol.asyncDispose]: () => on[Symbol.asyncDispose](),
  };
}

function viewOf(result: Record<string, unknown>): View {
  return (result.structuredContent ?? { text: textOf(result) }) as View;
}

function textOf(result: Record<string, unknown>): string {
  return (result.content as { text: string }[])[0]?.text ?? "";
}

const speakers: readonly (readonly [string, string, () => Promise<Speaker>])[] = [
  ["the v2 client", "2026-07-28", () => v2("modern")],
  ["the v2 client, pinned to the older handshake", "2025-11-25", () => v2("legacy")],
  ["the v1 client", "2025-11-25", v1],
  ["bare lines of 2025-03-26", "2025-03-26", () => raw("2025-03-26")],
  ["bare lines of 2024-11-05", "2024-11-05", () => raw("2024-11-05")],
];

describe.each(speakers)("%s", (name, revision, open) => {
  const branch = `feature/${name.replaceAll(/[^a-z0-9]+/gi, "-")}`;

  it(`speaks ${revision}, sees a red lane, reads why, fixes and lands`, async () => {
    await using on = await open();
    expect(on.revision).toBe(revision);
    expect((await on.tools()).length).toBe(13);
    await scene.branch(branch, { broken: `${branch} is why\n`, [`${branch}.txt`]: name });

    const failed = await on.call("land_branch", { max_seconds: 60 });
    expect(failed).toMatchObject({
      state: "ci_failed",
      branch,
      forge: "local",
      worktree: scene.repo,
      lanes: [{ lane: "unit", log: expect.stringContaining(`${branch} is why`) }],
    });
    const log = await on.call("lane_logs", {});
    expect(log.text).toContain(`${branch} is why`);
    expect(await on.call("merge_branch", {})).toMatchObject({
      state: "refused",
      code: "ci_not_green",
    });

    await scene.git("rm", "-q", "broken");
    await scene.git("commit", "-qm", "fix");
    const head = await scene.git("rev-parse", "HEAD");
    const landed = await on.call("land_branch", { max_seconds: 60 });
    expect(landed).toMatchObject({ state: "landed", branch, target: "main", head });
    await scene.git("fetch", "-q", "forge");
    await scene.git("merge-base", "--is-ancestor", head, "refs/remotes/forge/main");
    expect(await on.call("branch_status", {})).toMatchObject({
      state: "merged",
      merge_commit: landed.merge_commit,
    });
    expect(await on.call("land_branch", {})).toMatchObject({ state: "landed", already: true });
  });
});
