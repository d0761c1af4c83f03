import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { absoluteFolders, programIn } from "../../../src/process/search-path.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "flk-path-"));
  for (const name of ["first", "second", "third"]) mkdirSync(join(dir, name));
  mkdirSync(join(dir, "first", "tool"));
  for (const name of ["second", "third"]) writeFileSync(join(dir, name, "tool"), "#!/bin/sh\n");
  chmodSync(join(dir, "third", "tool"), 0o755);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe("absoluteFolders", () => {
  it("leaves out whatever depends on where a program is started", () => {
    expect(absoluteFolders(".::/usr/bin:node_modules/.bin:/bin:")).toEqual(["/usr/bin", "/bin"]);
  });

  it.each([undefined, "", ".:bin"])("falls back to the usual ones for %j", (searchPath) => {
    expect(absoluteFolders(searchPath)).toContain("/usr/bin");
  });
});

describe("programIn", () => {
  it("passes over folders and files that cannot be run", () => {
    const searchPath = ["first", "second", "third"].map((name) => join(dir, name)).join(":");
    expect(programIn(searchPath, "tool")).toBe(join(dir, "third", "tool"));
    expect(programIn(searchPath, "another")).toBeUndefined();
  });
});
