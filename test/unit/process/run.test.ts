import { mkdtemp, readFile, rm, symlink } from "node:fs/promises";
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

it("passes on its input, and minds no program that does not read it", async () => {
  const options = { cwd: dir, env: { PATH: process.env.PATH }, timeoutMs: 60_000 };
  const read = await run("/bin/cat", [], { ...options, input: "a line\n" });
  expect(Buffer.from(read.stdout).toString()).toBe("a line\n");
  const much = "x".repeat(1 << 20);
  const unread = await run("/bin/sh", ["-c", "exit 4"], { ...options, input: much });
  expect(unread).toMatchObject({ exitCode: 4, notStarted: undefined });
});

it("says in words why a program never ran", async () => {
  const why = async (file: string, args: readonly string[], cwd = dir) => {
    const finished = await run(file, args, { cwd, env: {}, timeoutMs: 60_000 });
    expect(finished).toMatchObject({ exitCode: undefined, signal: undefined, timedOut: false });
    return finished.notStarted;
  };
  expect(await why("/nowhere/at/all", [])).toBe("spawn /nowhere/at/all ENOENT");
  // A link to itself cannot even be looked at, as a folder behind one that is closed to us.
  await symlink("round", join(dir, "round"));
  for (const folder of ["gone", "round"].map((name) => join(dir, name))) {
    expect(await why("/bin/true", [], folder)).toBe(`${folder} is no folder that can be used`);
  }
  expect(await why("/bin/true", ["nul \0 byte"])).toContain("null bytes");
  expect(await why("/bin/true", ["x".repeat(1 << 20)])).toBe("spawn E2BIG");
});

it("ends a program that is called off, also one that is called off before it begins", async () => {
  const env = { PATH: process.env.PATH };
  const called = new AbortController();
  const running = run("/bin/sh", ["-c", "echo on > begun; exec sleep 1000"], {
    ...{ cwd: dir, env, timeoutMs: 60_000, signal: called.signal },
  });
  await expect.poll(() => readFile(join(dir, "begun"), "utf8").catch(() => "")).toBe("on\n");
  called.abort();
  expect(await running).toMatchObject({ signal: "SIGTERM", cancelled: true, timedOut: false });
  const late = { cwd: dir, env, timeoutMs: 60_000, signal: AbortSignal.abort() };
  expect(await run("/bin/sleep", ["1000"], late)).toMatchObject({ cancelled: true });
});
