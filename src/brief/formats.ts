/** What a client's session-start hook reads from standard output. */
export const formats = ["text", "json", "claude", "codex", "copilot", "gemini", "cursor"] as const;
export type Format = (typeof formats)[number];

type Env = Readonly<Record<string, string | undefined>>;

/** Which client started us, by what it puts into the environment; `text` where none did. */
export function formatFrom(env: Env): Format {
  // Several clients set Claude Code's variable beside their own.
  if (isSet(env.COPILOT_CLI)) return "copilot";
  if (isSet(env.GEMINI_PROJECT_DIR)) return "gemini";
  if (isSet(env.CURSOR_VERSION)) return "cursor";
  return isSet(env.CLAUDE_PROJECT_DIR) ? "claude" : "text";
}

/** The folders that clients name as the project, the asked format's own first. */
export function projectFolders(env: Env, format: Format): readonly string[] {
  const names = ["CLAUDE_PROJECT_DIR", "GEMINI_PROJECT_DIR", "CURSOR_PROJECT_DIR"];
  const own = names.filter((name) => name.startsWith(format.toUpperCase()));
  return [...own, ...names].map((name) => env[name]).filter((folder) => isSet(folder));
}

/**
 * The brief as a client wants it: exactly the keys that it knows, since some refuse any other.
 * `facts` are for programs and go with `json` alone.
 */
export function inFormat(text: string, format: Format, facts: object): string {
  switch (format) {
    case "text":
      return text;
    case "json":
      return asLine({ text, ...facts });
    case "claude":
    case "codex":
    case "gemini":
      return asLine({
        hookSpecificOutput: { hookEventName: "SessionStart", additionalContext: text },
      });
    case "copilot":
      return asLine({ additionalContext: text });
    case "cursor":
      return asLine({ additional_context: text });
  }
}

function asLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value.trim() !== "";
}
