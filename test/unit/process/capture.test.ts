import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Captures } from "../../../src/process/capture.ts";
import { identityOf, isStillThere } from "../../../src/process/identity.ts";

let dir: string;
const captures = new Captures();
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "flk-capture-"));
});
afterEach(async () => {
  await captures.endAll();
  await rm(dir, { recursive: true, force: true });
});

const shell = (script: string, how: { signal?: AbortSignal; maxBytes?: number } = {}) =>
  captures.run("/bin/sh", ["-c", script], {
    cwd: dir,
    env: { PATH: process.env.PATH },
    maxBytes: 10_000,
    signal: new AbortController().signal,
    ...how,
  });
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

it("keeps what is printed, apart from what is complained", async () => {
  const captured = await shell("echo out; echo err >&2; exit 3");
  expect(captured).toMatchObject({ ended: "exited", exitCode: 3 });
  expect(text(captured.stdout)).toBe("out\n");
  expect(text(captured.stderr)).toBe("err\n");
});

it("has nothing on standard input, and no terminal to ask at", async () => {
  const captured = await shell(
    "read -r x && echo got; (echo hi > /dev/tty) 2>/dev/null || echo none",
  );
  expect(text(captured.stdout)).toBe("none\n");
});

it("says why a program did not start, and never throws", async () => {
  const options = { cwd: dir, env: {}, maxBytes: 10, signal: new AbortController().signal };
  expect(await captures.run("/no/such/program", [], options)).toMatchObject({
    ended: "not_started",
    why: expect.stringContaining("ENOENT"),
  });
  expect(await captures.run("sh", ["a\0b"], options)).toMatchObject({ ended: "not_started" });
});

it("ends a program that prints too much, without reading all of it", async () => {
  const captured = await shell("echo $$ > pid; yes 0123456789", { maxBytes: 100_000 });
  expect(captured.ended).toBe("overflowed");
  expect(captured.stdout.length).toBe(100_000);
});

it("keeps only the end of what is complained, however much it is", async () => {
  const captured = await shell("yes complaint | head -c 50000000 >&2; echo last >&2");
  expect(captured.ended).toBe("exited");
  expect(captured.stderr.length).toBeLessThanOrEqual(16 * 1024);
  expect(text(captured.stderr)).toMatch(/complaint\nlast\n$/);
});

it("answers at once when told to stop, with what there is, and ends the whole group", async () => {
  const stop = new AbortController();
  const fifo = "mkfifo ready; sleep 1000 & echo $! > child; echo begun; echo x > ready; wait";
  const running = shell(`trap '' TERM; ${fifo}`, { signal: stop.signal });
  const ready = await shell("until [ -p ready ]; do :; done; cat ready");
  expect(text(ready.stdout)).toBe("x\n");
  const child = identityOf(Number(await readFile(join(dir, "child"), "utf8")));
  stop.abort();
  const captured = await running;
  expect(captured.ended).toBe("stopped");
  expect(text(captured.stdout)).toBe("begun\n");
  await captures.endAll();
  await expect.poll(() => isStillThere(child)).toBe(false);
});

it("waits for nobody who was left in the background, and leaves nobody", async () => {
  const captured = await shell("sleep 1000 & echo $!");
  expect(captured).toMatchObject({ ended: "exited", exitCode: 0 });
  const left = identityOf(Number(text(captured.stdout)));
  await captures.endAll();
  await expect.poll(() => isStillThere(left)).toBe(false);
});
