import type { Launch } from "./shapes.ts";

/** How a hook's answer is to be shaped. `copilot_or_vscode`: both read the same file. */
export type HookFormat = "claude" | "codex" | "gemini" | "copilot_or_vscode" | "cursor";

/**
 * A hook's command line that runs the brief: a POSIX shell whatever the client's own shell is, told
 * in the client's shape where the program is gone, and never a failure. Absolute programs are looked
 * for where they are, others in PATH.
 */
export function hookCommand(launch: Launch, format: HookFormat, gone: string): string {
  const words = [launch.command, ...launch.args].map(quoted).join(" ");
  const which = format === "copilot_or_vscode" ? '"$f"' : format;
  const run = [words, ...whereabouts(format), "--format", which].join(" ");
  const choose =
    format === "copilot_or_vscode" ? 'f=claude; [ "$COPILOT_CLI" = 1 ] && f=copilot; ' : "";
  const told = answerOf(format, gone);
  const script = `${choose}if ${presenceOf(launch)}; then ${run}; else printf "%s\\n" ${doubleQuoted(told)}; fi`;
  return `sh -c ${quoted(script)}`;
}

/** A word for a POSIX shell, quoted where it needs to be. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Cursor runs a user's hooks in its own folder and names the project in a variable. */
function whereabouts(format: HookFormat): string[] {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's, not ours.
  return format === "cursor" ? ["-C", '"${CURSOR_PROJECT_DIR:-.}"'] : [];
}

function presenceOf(launch: Launch): string {
  if (!launch.command.startsWith("/"))
    return `command -v ${quoted(launch.command)} >/dev/null 2>&1`;
  const [script] = launch.args;
  const program = `[ -x ${quoted(launch.command)} ]`;
  return script === undefined ? program : `${program} && [ -f ${quoted(script)} ]`;
}

function answerOf(format: HookFormat, text: string): string {
  const nested = { hookEventName: "SessionStart", additionalContext: text };
  switch (format) {
    case "cursor":
      return JSON.stringify({ additional_context: text });
    case "copilot_or_vscode":
      return JSON.stringify({ additionalContext: text, hookSpecificOutput: nested });
    default:
      return JSON.stringify({ hookSpecificOutput: nested });
  }
}

function doubleQuoted(text: string): string {
  return `"${text.replace(/[\\"$`]/g, "\\$&")}"`;
}
