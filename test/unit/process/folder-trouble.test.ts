import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { folderTrouble } from "../../../src/process/folder-trouble.ts";

const dir = mkdtempSync(join(tmpdir(), "flk-trouble-"));
afterAll(() => rmSync(dir, { recursive: true }));

it("sees nothing wrong with a folder that has room, nor with one that is not there yet", () => {
  expect(folderTrouble([join(dir, "not yet"), dir], 1)).toBeUndefined();
});

it("counts less room than is wanted as none", () => {
  expect(folderTrouble([dir], Number.MAX_SAFE_INTEGER)).toMatchObject({
    kind: "full",
    words: expect.stringMatching(/^the disk of \S+ is full \(\d+\.\d MiB left\)$/),
  });
});

it.skipIf(process.getuid?.() === 0)("names a folder that this user may not write", () => {
  chmodSync(dir, 0o500);
  expect(folderTrouble([dir], 1)).toEqual({
    kind: "not_writable",
    words: `${dir} may not be written by this user`,
  });
});
