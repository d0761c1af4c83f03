import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { run } from "../../../src/process/run.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "flk-run-"));
});
afterEach(async () => {
  const left = await readFile(join(dir, "left"), "utf8").catch(() => "");
  if (left !== "") process.kill(Number(left), "SIGKILL");
  await rm(dir, { recursive: true, force: true });
});

/** What a script leaves running, out of its process group and with its output open. */
const leaveOneBehind =
  "setsid sh -c 'echo $$ > left; exec sleep 1000' & until [ -s left ]; do :; done;";
const shell = (script: string, timeoutMs: number) =>
  run("/bin/sh", ["-c", script], { cwd: dir, env: { PATH: process.env.PATH }, timeoutMs });

it("does not wait for what a program that has ended left behind", async () => {
  const finished = await shell(`${leaveOneBehind} echo done; exit 3`, 60_000);
  expect(finished).toMatchObject({ exitCode: 3, timedOut: false, cancelled: false });
  expect(Buffer.from(finished.stdout).toString()).toBe("done\n");
});

it("ends at the deadline, whoever holds the output", async () => {
  const finished = await shell(`${leaveOneBehind} exec sleep 1000`, 500);
  expect(finished).toMatchObject({ exitCode: undefined, timedOut: true });
});

it("takes a failed program's output as it is, however it was made to be looked through", async () => {
  const line = `\\033]0;${"a".repeat(40)}`;
  const begun = performance.now();
  const finished = await shell(`yes "$(printf '${line}')" | head -c 3000000 >&2; exit 1`, 60_000);
  expect(finished).toMatchObject({ exitCode: 1, timedOut: false });
  expect(finished.stderr).toHaveLength(1024 * 1024);
  expect(performance.now() - begun).toBeLessThan(10_000);
});

it("ends a program that prints without end, and keeps what came first", async () => {
  const finished = await run("/bin/sh", ["-c", "echo first; exec yes"], {
    ...{ cwd: dir, env: { PATH: process.env.PATH }, timeoutMs: 60_000, maxOutputBytes: 100_000 },
  });
  expect(finished).toMatchObject({ exitCode: undefined, signal: "SIGTERM", timedOut: false });
  expect(finished.stdout).toHaveLength(100_000);
  expect(Buffer.from(finished.stdout.subarray(0, 6)).toString()).toBe("first\n");
});
