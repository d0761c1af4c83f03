import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { type HookFormat, hookCommand } from "../../../src/setup/hook-command.ts";

const execute = promisify(execFile);

/** Runs a hook as a client does: by a shell. */
async function sh(command: string, env: Record<string, string> = {}) {
  const { stdout } = await execute("/bin/sh", ["-c", command], {
    env: { PATH: "/usr/bin:/bin", ...env },
  });
  return stdout;
}

/** A program that says how it was called, at a place that no shell likes. */
async function aProgram() {
  const dir = await mkdtemp(join(tmpdir(), "hook-"));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const odd = join(dir, `it's a "dir" $HOME`);
  await mkdir(odd);
  const program = join(odd, "program");
  await writeFile(program, '#!/bin/sh\nfor word; do echo "[$word]"; done\n');
  await chmod(program, 0o755);
  const script = join(odd, "script.js");
  await writeFile(script, "");
  return { dir: odd, launch: { command: program, args: [script] }, script };
}

const formats: readonly HookFormat[] = ["claude", "codex", "gemini", "copilot_or_vscode", "cursor"];

describe("hook command", () => {
  it("runs the program wherever it lies", async () => {
    const { launch, script } = await aProgram();
    const out = await sh(hookCommand(launch, "claude", "gone"));
    expect(out).toBe(`[${script}]\n[--format]\n[claude]\n`);
  });

  it("speaks to Copilot CLI and VS Code in their own shapes", async () => {
    const { launch } = await aProgram();
    const command = hookCommand(launch, "copilot_or_vscode", "gone");
    expect(await sh(command, { COPILOT_CLI: "1" })).toContain("[copilot]");
    expect(await sh(command)).toContain("[claude]");
  });

  it("names Cursor's project, whose hooks run elsewhere", async () => {
    const { launch } = await aProgram();
    const command = hookCommand(launch, "cursor", "gone");
    expect(await sh(command, { CURSOR_PROJECT_DIR: "/my project" })).toContain(
      "[-C]\n[/my project]",
    );
    expect(await sh(command)).toContain("[-C]\n[.]");
  });

  it.each(formats)(
    "tells in the shape of %s that the program is gone, and does not fail",
    async (format) => {
      const words = 'It\'s gone: `x` "y" $HOME \\ end';
      const missing = [
        { command: "/nowhere/node", args: ["/nowhere/script.js"] },
        { command: "no-such-program", args: [] },
      ];
      for (const launch of missing) {
        const told = JSON.parse(await sh(hookCommand(launch, format, words)));
        expect(JSON.stringify(told)).toContain(JSON.stringify(words));
      }
    },
  );

  it("finds that only the script is gone", async () => {
    const { launch, script } = await aProgram();
    await rm(script);
    expect(await sh(hookCommand(launch, "claude", "gone"))).toContain('"additionalContext":"gone"');
  });
});
