import { describeClient } from "../support/client-suite.ts";

describeClient("claude-code", {
  // It offers tools of servers by name alone, and describes them when they are asked for.
  opens: (tool) => ({ call: "ToolSearch", given: { query: `select:${tool}`, max_results: 5 } }),
});
