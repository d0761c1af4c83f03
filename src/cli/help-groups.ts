import type { Command } from "commander";

/** Where the overview of `land --help` puts each command. */
const groups: Readonly<Record<string, readonly string[]>> = {
  "Landing:": ["list", "status", "fetch", "rebase", "push", "wait", "logs", "merge", "close"],
  "CI:": ["queue", "recover", "nightly", "env"],
  "Review:": ["describe", "url"],
  "The forge:": ["init", "doctor", "target", "mirror", "serve", "stop"],
  "Who may, and who did:": ["login", "whoami", "logout", "members", "tokens", "audit"],
  "Agents:": ["setup", "mcp", "roadmap"],
  "The reference client's words for `land recover`:": [
    "fail-lane",
    "requeue-lane",
    "recover-run",
    "wake-ci",
  ],
  "For a forge on a server, started by sshd:": ["authorized-keys", "git-shell"],
};

/** Makes the list of commands one line or two for each; `land COMMAND --help` has the rest. */
export function groupCommands(program: Command): void {
  for (const command of program.commands) {
    const group = Object.entries(groups).find(([, names]) => names.includes(command.name()));
    if (group !== undefined) command.helpGroup(group[0]);
    command.summary(firstSentence(command.description()));
  }
  program.addHelpText("after", "\n`land COMMAND --help` has the rest; docs/cli.md has all of it.");
}

function firstSentence(text: string): string {
  return text.split(/\.(?:\s|$)/, 1)[0] ?? text;
}
