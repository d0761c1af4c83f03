import { describe, expect, it } from "vitest";
import { folderOf, resolveImport, type Source, sourcesBelow } from "../support/sources.ts";

const sources = sourcesBelow("src");

/**
 * Which folders of `src/` each folder may import, lowest first. `server` and the agent half meet in
 * `bin` alone, which may import everything.
 */
const collecting = ["domain", "text", "process", "git", "local", "forges"] as const;
const mayImport: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  text: [],
  process: [],
  config: ["domain"],
  contract: ["domain"],
  git: ["domain", "process"],
  identity: ["domain", "text"],
  local: ["domain", "text", "contract", "process", "git", "identity"],
  forges: ["domain", "text", "contract", "git", "identity", "local"],
  landing: ["domain", "text", "git", "forges"],
  "manifest-offer": ["domain", "git"],
  brief: collecting,
  roadmap: ["domain", "text", "git", "local"],
  setup: ["domain", "process", "local"],
  doctor: collecting,
  operations: ["domain", "text", "git", "identity", "local", "forges", "landing"],
  mcp: ["domain", "text", "operations", "roadmap"],
  cli: ["domain", "text", "operations", "doctor", "manifest-offer", "brief", "roadmap", "setup"],
  server: ["domain", "text", "contract", "process", "git"],
};

/** Modules and globals that only some places may use. Places are prefixes of paths. */
const fenced: readonly { what: RegExp; places: readonly string[]; why: string }[] = [
  {
    what: /^(node:)?child_process$|^execa$/,
    places: ["src/process/", "src/bin/continue-with.ts"],
    why: "processes start through src/process",
  },
  { what: /^simple-git$/, places: ["src/git/"], why: "git is called through src/git" },
  { what: /^(node:)?sqlite$/, places: ["src/server/store/"], why: "SQL lives in the store" },
  { what: /^process\.env$/, places: ["src/config/"], why: "config reads the environment, once" },
  { what: /^process\.(exit|exitCode|abort)$/, places: ["src/bin/"], why: "bin alone exits" },
  {
    what: /^console$|^process\.stdout$/,
    places: ["src/cli/", "src/bin/", "src/mcp/stdio"],
    why: "standard output belongs to the answer",
  },
];

function offences(of: (source: Source) => readonly string[]): string[] {
  return sources.flatMap((source) => of(source).map((words) => `${source.path}: ${words}`));
}

describe("fences", () => {
  it("knows every folder of src", () => {
    const folders = new Set(sources.map((source) => folderOf(source.path)));
    expect([...folders].filter((folder) => folder !== "bin" && !(folder in mayImport))).toEqual([]);
  });

  it("lets folders import only what their row names", () => {
    expect(
      offences((source) => {
        const from = folderOf(source.path);
        const allowed = mayImport[from];
        if (allowed === undefined) return [];
        return localImports(source)
          .map(folderOf)
          .filter((to) => to !== from && !allowed.includes(to))
          .map((to) => `imports ${to}/`);
      }),
    ).toEqual([]);
  });

  it("lets the landing see a forge's port alone, never a connector", () => {
    expect(
      offences((source) =>
        folderOf(source.path) === "landing"
          ? localImports(source).filter(
              (path) => folderOf(path) === "forges" && path !== "src/forges/forge.ts",
            )
          : [],
      ),
    ).toEqual([]);
  });

  it.each(fenced)("keeps $what in $places, since $why", ({ what, places }) => {
    expect(
      offences((source) =>
        places.some((place) => source.path.startsWith(place))
          ? []
          : [...source.imports, ...source.uses].filter((use) => what.test(use)),
      ),
    ).toEqual([]);
  });

  it("imports only files that exist, and only inside src (the launcher's rule apart)", () => {
    const known = new Set(sources.map((source) => source.path));
    const alsoFine = ["package.json", "tools/toolchain/pinned-node.mjs"];
    expect(
      offences((source) =>
        source.imports
          .map((module) => resolveImport(source.path, module))
          .filter((path) => path !== undefined && !known.has(path) && !alsoFine.includes(path))
          .map((path) => `imports ${path}`),
      ),
    ).toEqual([]);
  });

  it("has no circle of imports", () => {
    expect(findCircle(new Map(sources.map((one) => [one.path, localImports(one)])))).toEqual([]);
  });

  it("has no folder that is named for being useful", () => {
    const named = /(^|\/)(utils?|helpers?|misc|common|internal)(\/|\.tsx?$)/;
    expect(sources.map((source) => source.path).filter((path) => named.test(path))).toEqual([]);
  });
});

function localImports(source: Source): string[] {
  return source.imports
    .map((module) => resolveImport(source.path, module))
    .filter((path) => path?.startsWith("src/") === true)
    .filter((path) => path !== undefined);
}

/** A circle as its files in order; empty where there is none. */
function findCircle(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const finished = new Set<string>();
  const visit = (path: string, trail: readonly string[]): string[] => {
    if (finished.has(path)) return [];
    const at = trail.indexOf(path);
    if (at !== -1) return [...trail.slice(at), path];
    for (const next of imports.get(path) ?? []) {
      const circle = visit(next, [...trail, path]);
      if (circle.length > 0) return circle;
    }
    finished.add(path);
    return [];
  };
  for (const path of imports.keys()) {
    const circle = visit(path, []);
    if (circle.length > 0) return circle;
  }
  return [];
}

describe("the fences' own reading", () => {
  it("finds a circle, and none in a diamond", () => {
    const circle = new Map([
      ["a", ["b"]],
      ["b", ["c"]],
      ["c", ["b"]],
    ]);
    expect(findCircle(circle)).toEqual(["b", "c", "b"]);
    expect(
      findCircle(
        new Map([
          ["a", ["b", "c"]],
          ["b", ["d"]],
          ["c", ["d"]],
        ]),
      ),
    ).toEqual([]);
  });

  it("sees imports of each kind and uses of the environment", () => {
    const own = sources.find((source) => source.path === "src/config/environment.ts");
    expect(own?.uses).toContain("process.env");
    expect(sources.find((source) => source.path === "src/git/git.ts")?.imports).toContain(
      "../process/run.ts",
    );
  });
});
