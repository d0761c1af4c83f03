/** An MCP client that waits for CI of a branch in the current folder; made to be killed. */

import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { connect, serverCommand } from "../support/mcp.ts";

const transport = new StdioClientTransport({
  ...serverCommand(),
  env: process.env as Record<string, string>,
});
const client = await connect(transport, "modern");
await client.callTool(
  { name: "wait_for_ci", arguments: { max_seconds: 600 } },
  { timeout: 600_000, onprogress: ({ message }) => console.error(message) },
);
