import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const documents = ["README.md", ...readdirSync("docs").map((name) => `docs/${name}`)].filter(
  (path) => path.endsWith(".md"),
);

/** Paths of this repository that a text names in code marks or links. */
function namedPaths(text: string): string[] {
  const inCode = [...text.matchAll(/`((?:src|test|docs|scripts|tools|skills)\/[\w./-]+)`/g)];
  const linked = [...text.matchAll(/\]\(((?:\.\.\/)?[\w./-]+)\)/g)];
  return [...inCode, ...linked].map((match) => match[1] ?? "");
}

describe("documents", () => {
  it.each(documents)("%s names only paths that exist", (document) => {
    const paths = namedPaths(readFileSync(document, "utf8"));
    const missing = paths.filter((path) => !existsSync(path) && !existsSync(`docs/${path}`));
    expect(missing).toEqual([]);
  });

  it("begin with the two commands", () => {
    const readme = readFileSync("README.md", "utf8");
    const [first] = readme.match(/```sh\n[\s\S]*?```/) ?? [];
    expect(first).toContain("npm ci && npm run demo");
    expect(first).toContain("npm test");
    expect(readFileSync(".ci/run", "utf8")).toMatch(/^npm ci\nnpm test$/m);
  });
});
