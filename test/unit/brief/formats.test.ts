import { expect, it } from "vitest";
import { formatFrom, inFormat, projectFolders } from "../../../src/brief/formats.ts";

const text = 'A "brief"\nwith lines\n';
const nested = { hookSpecificOutput: { hookEventName: "SessionStart", additionalContext: text } };

it.each([
  ["claude", nested],
  ["codex", nested],
  ["gemini", nested],
  ["copilot", { additionalContext: text }],
  ["cursor", { additional_context: text }],
  ["json", { text, sections: [] }],
] as const)("gives %s exactly the keys it knows, on one line", (format, expected) => {
  const said = inFormat(text, format, { sections: [] });
  expect(JSON.parse(said)).toEqual(expected);
  expect(said.trimEnd()).not.toContain("\n");
});

it("leaves text as it is", () => {
  expect(inFormat(text, "text", {})).toBe(text);
});

it.each([
  [{}, "text"],
  [{ CLAUDE_PROJECT_DIR: "/p" }, "claude"],
  [{ CLAUDE_PROJECT_DIR: "/p", COPILOT_CLI: "1" }, "copilot"],
  [{ CLAUDE_PROJECT_DIR: "/p", GEMINI_PROJECT_DIR: "/p" }, "gemini"],
  [{ CLAUDE_PROJECT_DIR: "/p", CURSOR_VERSION: "3.1" }, "cursor"],
  [{ CLAUDE_PROJECT_DIR: " ", COPILOT_CLI: "" }, "text"],
])("knows the client by its environment %j", (env, format) => {
  expect(formatFrom(env)).toBe(format);
});

it("looks at the asked client's own project folder first", () => {
  const env = { CLAUDE_PROJECT_DIR: "/c", GEMINI_PROJECT_DIR: "/g" };
  expect(projectFolders(env, "gemini")[0]).toBe("/g");
  expect(projectFolders(env, "claude")[0]).toBe("/c");
  expect(projectFolders({}, "claude")).toEqual([]);
});
