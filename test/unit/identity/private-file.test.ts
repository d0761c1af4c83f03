import fileSystem, { chmod, mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import {
  createPrivateFile,
  ensurePrivateFolder,
  writePrivateFile,
} from "../../../src/identity/private-file.ts";
import { temporaryFolder } from "../../support/agent-half.ts";

/** How every file was opened, and its mode before a byte was in it. */
const opened: { flags: number; mode: number; modeAtOpen: number; size: number }[] = [];

const realOpen = fileSystem.open;
let umask = 0;
beforeAll(() => {
  // The most generous one: only the mode asked for protects the file.
  umask = process.umask(0);
  vi.spyOn(fileSystem, "open").mockImplementation(async (path, flags, mode) => {
    const file = await realOpen(path, flags, mode);
    const { mode: modeAtOpen, size } = await file.stat();
    opened.push({ flags: Number(flags), mode: Number(mode), modeAtOpen: modeAtOpen & 0o777, size });
    return file;
  });
  // What others imported by name follows.
  syncBuiltinESMExports();
});
afterAll(() => {
  process.umask(umask);
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

test("is 0600 from its first byte, whatever the umask", async () => {
  const dir = await temporaryFolder();
  opened.length = 0;
  await writePrivateFile(join(dir, "a"), "secret");
  await createPrivateFile(join(dir, "b"), "secret");
  expect(opened).toHaveLength(2);
  const { O_CREAT, O_EXCL } = (await import("node:fs")).constants;
  for (const { flags, mode, modeAtOpen, size } of opened) {
    expect(flags & (O_CREAT | O_EXCL)).toBe(O_CREAT | O_EXCL);
    expect({ mode, modeAtOpen, size }).toEqual({ mode: 0o600, modeAtOpen: 0o600, size: 0 });
  }
  expect((await stat(join(dir, "a"))).mode & 0o777).toBe(0o600);
});

test("replaces a file that others could read", async () => {
  const dir = await temporaryFolder();
  const file = join(dir, "a");
  await writeFile(file, "old", { mode: 0o644 });
  await writePrivateFile(file, "new");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readFile(file, "utf8")).toBe("new");
});

test("replaces a link instead of writing through it", async () => {
  const dir = await temporaryFolder();
  await writeFile(join(dir, "elsewhere"), "mine");
  await symlink(join(dir, "elsewhere"), join(dir, "a"));
  await writePrivateFile(join(dir, "a"), "secret");
  expect(await readFile(join(dir, "elsewhere"), "utf8")).toBe("mine");
});

test("is created by exactly one of many, whole", async () => {
  const dir = await temporaryFolder();
  const file = join(dir, "a");
  const texts = Array.from({ length: 8 }, (_, i) => `${i}`.repeat(5000));
  const created = await Promise.all(texts.map((text) => createPrivateFile(file, text)));
  expect(created.filter(Boolean)).toHaveLength(1);
  expect(await readFile(file, "utf8")).toBe(texts[created.indexOf(true)]);
});

test("a folder is its owner's alone, also one that was not", async () => {
  const dir = await temporaryFolder();
  await mkdir(join(dir, "open"));
  await chmod(join(dir, "open"), 0o755);
  await ensurePrivateFolder(join(dir, "open"));
  await ensurePrivateFolder(join(dir, "new", "deep"));
  for (const name of ["open", "new", "new/deep"]) {
    expect((await stat(join(dir, name))).mode & 0o777).toBe(0o700);
  }
});
