import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { acquireLock } from "../../../src/server/store/lock.ts";

let dir: string;
let file: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "flk-lock-"));
  file = join(dir, "state", "forge.lock");
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** Another process that takes the lock, says whether it has it, and stays until it is killed. */
async function otherHolder() {
  const module = new URL("../../../src/server/store/lock.ts", import.meta.url).href;
  const script = `
    import { acquireLock } from ${JSON.stringify(module)};
    console.log(acquireLock(process.argv[1]) === undefined ? "refused" : "held");
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [said] = await once(child.stdout, "data");
  return {
    said: String(said).trim(),
    async kill() {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

it("is held by one at a time, within a process too", () => {
  const lock = acquireLock(file);
  expect(lock).toBeDefined();
  expect(acquireLock(file)).toBeUndefined();
  lock?.release();
  lock?.release();
  const next = acquireLock(file);
  expect(next).toBeDefined();
  next?.release();
});

it("is free again as soon as its holder was killed", async () => {
  const holder = await otherHolder();
  expect(holder.said).toBe("held");
  expect(acquireLock(file)).toBeUndefined();
  await holder.kill();
  const lock = acquireLock(file);
  expect(lock).toBeDefined();
  const late = await otherHolder();
  expect(late.said).toBe("refused");
  await late.kill();
  lock?.release();
});

it("says so where the file is something else", async () => {
  const other = join(dir, "other");
  await writeFile(other, "not a lock at all ".repeat(100));
  expect(() => acquireLock(other)).toThrow(/cannot be used/);
});
