import { chmod, mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { expect } from "vitest";
import type { Ran, Scene } from "./cli.ts";

/** An error as the command line tells it with `--json`, and its exit code. */
export interface Told {
  readonly code: number | null;
  readonly error: { code: string; message: string; state?: string; next?: string };
}

/** Runs a command that must end with an error: one JSON document that says all there is to know. */
export async function errorOf(
  scene: Pick<Scene, "land">,
  args: readonly string[],
  how?: { cwd?: string; stdin?: string },
): Promise<Told> {
  const ran = await scene.land(["--json", ...args], how);
  expectClean(ran);
  const answer = ran.json() as { error?: Told["error"]; exit_code?: number };
  if (answer.error === undefined) throw new Error(`no error: ${ran.out}`);
  expect(answer.exit_code).toBe(ran.code);
  expect(answer.error.message).not.toBe("");
  expect(answer.error.next ?? "").not.toBe("");
  return { code: ran.code, error: answer.error };
}

/** The facts of a command's answer, and its exit code. */
export async function answerOf(
  scene: Pick<Scene, "land">,
  args: readonly string[],
  how?: { cwd?: string; stdin?: string },
): Promise<Record<string, unknown> & { exit: number | null }> {
  const ran = await scene.land(["--json", ...args], how);
  expectClean(ran);
  return { ...ran.json(), exit: ran.code };
}

/** No stack trace, no key, and no blame of this kit for what somebody else did. */
export function expectClean({ out, err }: Pick<Ran, "out" | "err">): void {
  expect(out + err).not.toMatch(/\n\s+at .+:\d+|nsec1[a-z0-9]{20}|bug of this kit|\[object /);
}

/** Writes a program that the shell runs, with its folder. */
export async function writeProgram(path: string, script: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}
