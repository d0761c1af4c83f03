import { describe, expect, it } from "vitest";
import { type About, aboutOf, bundlePaths, bundleText } from "../../../scripts/bundles.ts";
import { waitSecondsOf } from "../../../src/setup/shapes.ts";

const about: About = {
  name: "some-kit",
  version: "4.5.6",
  description: "Does it: at length, and with more words than a registry takes.",
  license: "ISC",
  keywords: ["one", "two"],
  author: "Somebody",
  mcpName: "org.example/some-kit",
  node: ">=99",
};

/** One file of a bundle of that package, as JSON. */
function made(path: string, of: About = about): Record<string, unknown> {
  return JSON.parse(bundleText(path, of));
}

describe("what package.json says", () => {
  const { node, author, mcpName, ...rest } = about;

  it("is taken over", () => {
    expect(aboutOf(JSON.stringify({ ...rest, author, mcpName, engines: { node } }))).toEqual(about);
  });

  it("is refused where a bundle would miss something", () => {
    const { version, ...unversioned } = rest;
    expect(version).toBe("4.5.6");
    expect(() => aboutOf(JSON.stringify({ ...unversioned, engines: { node } }))).toThrow("version");
  });
});

describe("the bundles' files", () => {
  it.each([
    ".claude-plugin/plugin.json",
    ".codex-plugin/plugin.json",
    ".cursor-plugin/plugin.json",
    "gemini-extension.json",
    "manifest.json",
  ])("%s tells of the package", (path) => {
    const { name, version, description } = about;
    expect(made(path)).toMatchObject({ name, version, description });
  });

  it("follow the version alone where that alone changes", () => {
    const versioned = bundlePaths.filter(
      (path) => bundleText(path, about) !== bundleText(path, { ...about, version: "4.5.7" }),
    );
    expect(versioned).toEqual([
      ".claude-plugin/plugin.json",
      ".codex-plugin/plugin.json",
      "gemini-extension.json",
      ".cursor-plugin/plugin.json",
      "server.json",
      "manifest.json",
    ]);
  });

  it("start the server with each client's own wait", () => {
    const { args } = (made("gemini-extension.json").mcpServers as never as Servers).land;
    expect(args).toEqual([
      `${"$"}{extensionPath}/dist/land.js`,
      ...["mcp", "--wait", String(waitSecondsOf("gemini"))],
    ]);
  });

  it("are only those that are named", () => {
    expect(() => bundleText("hooks/other.json", about)).toThrow("hooks/other.json");
  });
});

interface Servers {
  readonly land: { readonly args: readonly string[] };
}

describe("the registry's entry", () => {
  it("names one package at one version, twice the same", () => {
    const entry = made("server.json");
    expect(entry).toMatchObject({ name: about.mcpName, version: about.version });
    expect(entry.packages).toMatchObject([{ identifier: about.name, version: about.version }]);
  });

  it("is short enough for the registry", () => {
    expect(made("server.json").description).toBe("Does it");
  });
});
