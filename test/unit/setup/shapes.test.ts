import { describe, expect, it } from "vitest";
import {
  type Client,
  clients,
  mcpEntry,
  serversKeyOf,
  sessionStartHooks,
  waitSecondsOf,
} from "../../../src/setup/shapes.ts";

const launch = { command: "/n/node", args: ["/k/land.js"] };

describe("shapes", () => {
  it("wait half a minute less than the client's limit, or the one our entry sets", () => {
    const waits = Object.fromEntries(clients.map((client) => [client, waitSecondsOf(client)]));
    expect(waits).toEqual({
      "claude-code": 1770,
      codex: 570,
      gemini: 570,
      copilot: 150,
      cursor: 30,
      vscode: 270,
      opencode: 570,
    } satisfies Record<Client, number>);
    expect(mcpEntry("codex", launch).tool_timeout_sec).toBe(600);
    expect(mcpEntry("gemini", launch).timeout).toBe(600_000);
    expect(mcpEntry("opencode", launch).timeout).toBe(600_000);
  });

  it.each(clients)("start `land mcp --wait` for %s", (client) => {
    const { command, args = [] } = mcpEntry(client, launch) as {
      command: string | string[];
      args?: string[];
    };
    const words = Array.isArray(command) ? command : [command, ...args];
    expect(words).toEqual(["/n/node", "/k/land.js", "mcp", "--wait", `${waitSecondsOf(client)}`]);
  });

  it("know where each client lists its servers", () => {
    expect(clients.map(serversKeyOf)).toEqual([
      "mcpServers",
      "mcp_servers",
      "mcpServers",
      "mcpServers",
      "mcpServers",
      "servers",
      "mcp",
    ]);
  });

  it("give hooks a time-out in the client's own unit", () => {
    const text = (client: Client) => JSON.stringify(sessionStartHooks(client, "x", 20));
    expect(text("claude-code")).toContain('"timeout":20}');
    expect(text("gemini")).toContain('"timeout":20000');
    expect(text("cursor")).toBe(
      '{"version":1,"hooks":{"sessionStart":[{"command":"x","timeout":20}]}}',
    );
    expect(sessionStartHooks("opencode", "x")).toBeUndefined();
  });
});
