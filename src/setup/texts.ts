import { blockOf } from "./block-edit.ts";
import type { Launch } from "./shapes.ts";

/** What an agent is told of the forge in every session; conditional, since it reads it everywhere. */
export const workflow = `## Landing through the forge

This holds where the repository has a forge: a git remote named \`forge\`, or git config \`land.forge\`.

- Land a branch with the \`land_branch\` tool, or with \`land\` on the command line. After any end but \`landed\`, do what its answer says and call it again; it goes on from there.
- Never push the target branch, never merge without green CI, never rename or rewrite remotes.
- The skill \`land\` has the details; the skill \`recover-ci\` is for CI that is stuck.`;

/** Our block for AGENTS.md and its like. */
export const workflowBlock = blockOf(workflow);

/** The same as an instructions file of VS Code and Copilot CLI. */
export const instructionsFile = `---
applyTo: "**"
---

${workflowBlock}
`;

/** What every version of the plugin's text holds. */
export const pluginMark = "// forge-landing-kit: `land setup` writes this file";

/** OpenCode's plugin: the brief once per session, in the system prompt. */
export function opencodePlugin(brief: Launch, gone: string): string {
  const words = [brief.command, ...brief.args, "--format", "text"];
  return `${pluginMark}; \`land setup opencode --undo\` removes it.
import { execFile } from "node:child_process";

const [program, ...args] = ${JSON.stringify(words)};
const gone = ${JSON.stringify(gone)};

function brief(directory) {
  return new Promise((settle) => {
    const options = { cwd: directory, timeout: 20000, maxBuffer: 1048576 };
    const child = execFile(program, args, options, (error, out) => {
      const text = String(out).trim();
      settle(text !== "" ? text : error ? gone : "");
    });
    child.stdin?.on("error", () => {});
    child.stdin?.end();
  });
}

export const AgentBrief = async ({ directory }) => {
  const briefs = new Map();
  return {
    "experimental.chat.system.transform": async ({ sessionID }, output) => {
      const session = sessionID ?? "";
      if (!briefs.has(session)) briefs.set(session, brief(directory));
      const text = await briefs.get(session);
      if (text !== "") output.system.push(text);
    },
  };
};
`;
}
