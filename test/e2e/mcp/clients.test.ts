import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type ForgeScene, manifestOf, withForge } from "../../support/cli.ts";
import {
  type Connected,
  connect,
  type Era,
  RawMcp,
  serverCommand,
  spawnMcp,
} from "../../support/mcp.ts";

let scene: ForgeScene;

beforeAll(async () => {
  scene = await withForge({
    // Waits while the branch says so, for as long as a lane may; nothing here waits for its end.
    "ci/forge-lanes.toml": manifestOf({ unit: ["sh", "-c", "test ! -e wait || sleep 20"] }),
    "readme.txt": "one\n",
  });
});

afterAll(() => scene[Symbol.asyncDispose]());

it("lets two clients land the same branch at once: it lands once, and both learn that", async () => {
  const head = await scene.branch("feature/twice", { "twice.txt": "1\n" });
  await using one = await spawnMcp(scene.repo, scene.env);
  await using two = await spawnMcp(scene.repo, scene.env, { era: "legacy" });
  const landed = await Promise.all([one, two].map(landOnce));
  expect(landed[0]).toMatchObject({ state: "landed", head });
  expect(landed[1]).toMatchObject({ state: "landed", merge_commit: landed[0]?.merge_commit });
  await scene.git("fetch", "-q", "forge");
  const merges = await scene.git("rev-list", "--merges", "refs/remotes/forge/main");
  expect(merges).toBe(landed[0]?.merge_commit);
});

async function landOnce({ client }: Connected): Promise<Record<string, unknown>> {
  const given = { name: "land_branch", arguments: { max_seconds: 60 } };
  return (await client.callTool(given)).structuredContent as Record<string, unknown>;
}

it("tells a waiting client what goes on, and lets it leave in the middle", async () => {
  await scene.branch("feature/leaves", { wait: "yes\n" });
  await using staying = await spawnMcp(scene.repo, scene.env);
  const stop = new AbortController();
  const heard: string[] = [];
  const call = staying.client.callTool(
    { name: "land_branch", arguments: { max_seconds: 60 } },
    {
      signal: stop.signal,
      onprogress: ({ message }) => {
        heard.push(message ?? "");
        if (message?.includes("running unit") === true) stop.abort();
      },
    },
  );
  await expect(call).rejects.toThrow();
  expect(heard).toEqual(expect.arrayContaining([expect.stringMatching(/^pushed /)]));
  // The same server goes on, and what was begun is not lost.
  const status = await staying.client.callTool({ name: "branch_status", arguments: {} });
  expect(status.structuredContent).toMatchObject({ state: "open", ci: "pending" });

  const gone = new RawMcp(scene.repo, scene.env);
  await gone.request("initialize", {
    protocolVersion: "2024-11-05",
    capabilities: {},
    clientInfo: { name: "gone", version: "1" },
  });
  void gone.request("tools/call", { name: "wait_for_ci", arguments: { max_seconds: 60 } });
  // Ends its input with the call in flight, and waits for the server's own end.
  await gone[Symbol.asyncDispose]();
  await staying.client.callTool({ name: "close_branch", arguments: {} });
});

it("shows and does only what its start allows", async () => {
  await using on = await spawnMcp(scene.repo, scene.env, {
    args: ["--read-only", "--tools", "branch_status,land_branch"],
  });
  const { tools } = await on.client.listTools();
  expect(tools.map(({ name }) => name)).toEqual(["branch_status"]);
  await expect(on.client.callTool({ name: "land_branch", arguments: {} })).rejects.toThrow();
});

it.each<Era>(["modern", "legacy"])("serves a %s client over HTTP", async (era) => {
  const { command, args } = serverCommand(["--http"]);
  const token = "a-token-of-this-test";
  const server = spawn(command, args, {
    cwd: scene.repo,
    env: { ...scene.env, LAND_MCP_TOKEN: token },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(server, "exit");
  try {
    const url = await addressIn(server.stderr);
    const client = await connect(
      new StreamableHTTPClientTransport(url, {
        requestInit: { headers: { authorization: `Bearer ${token}` } },
      }),
      era,
    );
    const status = await client.callTool({ name: "branch_status", arguments: {} });
    expect(status.structuredContent).toMatchObject({ worktree: scene.repo, forge: "local" });
    expect((await fetch(url, { method: "POST", body: "{}" })).status).toBe(401);
    await client.close();
  } finally {
    server.kill("SIGTERM");
    await ended;
  }
});

/** The address that the server prints once it listens. */
async function addressIn(stderr: NodeJS.ReadableStream): Promise<URL> {
  for await (const line of createInterface({ input: stderr })) {
    const url = /http:\/\/\S+/.exec(line)?.[0];
    if (url !== undefined) {
      stderr.resume();
      return new URL(url);
    }
  }
  throw new Error("the server said no address");
}
