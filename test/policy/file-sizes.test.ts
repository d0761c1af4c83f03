import { readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { root, sourcesBelow } from "../support/sources.ts";

const mostLines = 400;

describe("file sizes", () => {
  it.each(["src", "test", "scripts"])(`keeps every file of %s at ${mostLines} lines`, (folder) => {
    const long = sourcesBelow(folder).filter((source) => source.lines > mostLines);
    expect(long.map((source) => `${source.path}: ${source.lines} lines`)).toEqual([]);
  });
});

const notOurs = new Set(["node_modules", "dist", "coverage", ".git"]);

/** Every file of the checkout that is not installed or built. */
function ownFiles(folder = root): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (notOurs.has(entry.name)) return [];
    return entry.isDirectory() ? ownFiles(path) : entry.isFile() ? [path] : [];
  });
}

/** What a text must not name: where it was written, and where its author's packages came from. */
const telltales: readonly { what: string; pattern: RegExp }[] = [
  { what: "home folder of who wrote it", pattern: ownHome(homedir()) },
  { what: "folder of a machine", pattern: /(?<![\w.$}-])\/(root|work|workspace)\/\w/ },
  {
    what: "package registry of its own",
    pattern: /"resolved":\s"(?!https:\/\/registry\.npmjs\.org\/|tools\/)/,
  },
  { what: "registry setting", pattern: /^\s*(@[\w-]+:)?registry\s*=/m },
];

/** Nothing, where the home folder's name is as short as a container's. */
function ownHome(home: string): RegExp {
  return home.split("/").length > 2 ? new RegExp(`${literal(home)}/\\w`) : /(?!)/;
}

function literal(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}

describe("committed text", () => {
  it.each(telltales)("names no $what", ({ pattern }) => {
    const naming = ownFiles().filter((path) => {
      const bytes = readFileSync(path);
      return !bytes.subarray(0, 8000).includes(0) && pattern.test(bytes.toString("utf8"));
    });
    expect(naming.map((path) => relative(root, path))).toEqual([]);
  });
});
