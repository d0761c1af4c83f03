import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

// That what documents name exists is seen to in named-things.test.ts.
describe("documents", () => {
  it("begin with the two commands", () => {
    const readme = readFileSync("README.md", "utf8");
    const [first] = readme.match(/```sh\n[\s\S]*?```/) ?? [];
    expect(first).toContain("npm ci && npm run demo");
    expect(first).toContain("npm test");
    expect(readFileSync(".ci/run", "utf8")).toMatch(/^npm ci\nnpm test$/m);
  });

  it("tell whoever works here the same, whichever client reads them", () => {
    expect(readFileSync(".claude/CLAUDE.md", "utf8").trim()).toBe("@../AGENTS.md");
    const lines = readFileSync("AGENTS.md", "utf8").trimEnd().split("\n");
    expect(lines.length).toBeLessThan(80);
    expect(readFileSync(".gitignore", "utf8").split("\n")).toContain("AGENTS.private.md");
  });
});
