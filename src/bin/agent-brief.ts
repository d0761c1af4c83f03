#!/usr/bin/env node
// A client shows its model nothing of a session-start command that fails, so this one never does:
// whatever happens is told in what it prints, and the exit code is 0.
import { launch } from "./launch.ts";

const nothing = () => process.exit(0);
for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.once(name, nothing);
process.stdout.on("error", nothing);

function tell(words: string): void {
  process.exitCode = 0;
  process.stdout.write(`The session brief could not be made: agent-brief ${words}\n`);
}

try {
  await launch({
    launcher: import.meta.url,
    args: process.argv.slice(2),
    entry: "brief",
    exitCode: 0,
    tooOld: tell,
  });
} catch (error) {
  tell(`failed. ${error instanceof Error ? error.message.split("\n")[0] : ""}`);
}
