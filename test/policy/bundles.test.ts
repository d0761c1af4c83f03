import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { visit } from "jsonc-parser";
import { describe, expect, it } from "vitest";
import { aboutOf, bundlePaths, bundleText } from "../../scripts/bundles.ts";
import { catalogue } from "../../src/operations/catalogue.ts";
import { bundle, desktopServer, type Host, hookIn, hosts, serverOf } from "../support/bundles.ts";
import { codePieces } from "../support/named-things.ts";
import { root } from "../support/sources.ts";

const read = (path: string) => readFileSync(join(root, path), "utf8");
const packageText = read("package.json");
const about = aboutOf(packageText);
const jsonPaths = bundlePaths.filter((path) => path.endsWith(".json"));

/** Every value under a key `version` that is not a hooks document's own. */
function versionsIn(text: string): string[] {
  const found: string[] = [];
  JSON.parse(text, (key, value: unknown) => {
    if (key === "version" && typeof value === "string") found.push(value);
    return value;
  });
  return found;
}

describe("versions", () => {
  it("are those of package.json in every file that tells one", () => {
    const told = jsonPaths.map((path) => ({ path, versions: versionsIn(read(path)) }));
    const wrong = told.filter(({ versions }) => versions.some((one) => one !== about.version));
    expect(wrong).toEqual([]);
    expect(told.filter(({ versions }) => versions.length > 0)).toHaveLength(6);
  });

  it("differ as soon as package.json has another", () => {
    const next = { ...about, version: `${about.version}-next` };
    const old = jsonPaths.filter((path) => bundleText(path, next) !== read(path));
    expect(old).toContain("server.json");
    expect(old).toHaveLength(6);
  });

  it("and the registry's name are what package.json is published with", () => {
    const { mcpName } = JSON.parse(packageText) as { mcpName?: string };
    expect(mcpName).toBe(bundle("server.json").name);
  });
});

describe("each file", () => {
  it.each(jsonPaths)("%s has no key twice", (path) => {
    const seen: Set<string>[] = [];
    const twice: string[] = [];
    visit(read(path), {
      onObjectBegin: () => void seen.push(new Set()),
      onObjectEnd: () => void seen.pop(),
      onObjectProperty(key) {
        if (seen.at(-1)?.has(key) === true) twice.push(key);
        seen.at(-1)?.add(key);
      },
    });
    expect(twice).toEqual([]);
  });
});

describe("the package on npm", () => {
  const packed = new Set(packedPaths());

  it("holds every file of the bundles, and what `mcpb pack` leaves out", () => {
    expect([...bundlePaths, ".mcpbignore"].filter((path) => !packed.has(path))).toEqual([]);
  });

  it("holds every path that they name", () => {
    const named = new Set(jsonPaths.flatMap((path) => namedPaths(read(path))));
    expect([...named].sort()).toEqual(
      expect.arrayContaining([
        "dist/agent-brief.js",
        "dist/land.js",
        "hooks/claude.json",
        "skills",
      ]),
    );
    const missing = [...named].filter(
      (path) => !packed.has(path) && ![...packed].some((one) => one.startsWith(`${path}/`)),
    );
    expect(missing).toEqual([]);
  });

  it("has the skills where plugins look for them, each in a folder of its name", () => {
    const skills = readdirSync(join(root, "skills"));
    expect(skills).toContain("land");
    for (const skill of skills) {
      expect([...packed]).toContain(`skills/${skill}/SKILL.md`);
      expect(read(`skills/${skill}/SKILL.md`)).toMatch(new RegExp(`^name: ${skill}$`, "m"));
    }
  });
});

/** What `npm pack` would put into the package. */
function packedPaths(): string[] {
  const args = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const out = execFileSync("npm", args, { cwd: root, encoding: "utf8", stdio: "pipe" });
  const [made] = Object.values(JSON.parse(out)) as { files: { path: string }[] }[];
  return (made?.files ?? []).map(({ path }) => path);
}

/** Paths in the package that a bundle's file names, bare or behind a client's name of its folder. */
function namedPaths(text: string): string[] {
  const named: string[] = [];
  JSON.parse(text, (_, value: unknown) => {
    if (typeof value !== "string") return value;
    for (const [, path] of value.matchAll(/(?:^\.|\})\/([\w./-]*\w)/g)) named.push(path ?? "");
    if (/^(dist|docs)\/[\w./-]+$/.test(value)) named.push(value);
    return value;
  });
  return named;
}

describe("docs/bundles.md", () => {
  it("names every file of the bundles, and none that is not there", () => {
    const table = read("docs/bundles.md")
      .split("\n")
      .filter((line) => line.startsWith("| "));
    const cells = table.flatMap((row) => codePieces(row.split("|")[2] ?? ""));
    const named = cells.map(({ text }) => text).sort();
    expect(named).toEqual([...bundlePaths, ".mcpbignore"].sort());
  });
});

describe("servers and hooks", () => {
  it.each(Object.keys(hosts) as Host[])("%s starts the server with its own wait", (host) => {
    const { command, args } = serverOf(host);
    expect([command, ...args]).toEqual([
      "node",
      expect.stringMatching(/\/dist\/land\.js$/),
      ...["mcp", "--wait", expect.stringMatching(/^\d+$/)],
    ]);
  });

  it("name the same tools for a desktop as the server has", () => {
    const { tools } = bundle<{ tools: { name: string }[] }>("manifest.json");
    const shown = catalogue.flatMap(({ faces }) => (faces.tool === undefined ? [] : [faces.tool]));
    expect(tools.map(({ name }) => name)).toEqual(shown);
    expect(desktopServer("/some/where").args).toContain("/some/where");
  });

  it("leave no project setting at the top of this repository", () => {
    const top = readdirSync(root);
    expect(top.filter((name) => [".mcp.json", "mcp.json", "plugin.json"].includes(name))).toEqual(
      [],
    );
  });

  it("do nothing in other clients where the file is Gemini's", () => {
    const ran = execFileSync("sh", ["-c", hookIn("hooks/hooks.json")], { encoding: "utf8" });
    expect(ran).toBe("");
  });
});
