import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { catalogue } from "../../src/operations/catalogue.ts";
import { connectInMemory, type Era } from "../support/mcp.ts";
import { sourcesBelow } from "../support/sources.ts";

const listed = async (era: Era) => {
  const nowhere = async () => {
    throw new Error("nothing is called here");
  };
  await using on = await connectInMemory({ openWorktree: nowhere }, era);
  return await on.client.listTools();
};
const names = [
  "land_branch",
  "list_branches",
  "branch_status",
  "fetch_target",
  "rebase_branch",
  "push_branch",
  "wait_for_ci",
  "lane_logs",
  "merge_branch",
  "close_branch",
  "inspect_queue",
  "recover_ci",
  "describe_branch",
];

describe.each<Era>(["modern", "legacy"])("the list of tools for a %s client", (era) => {
  it("names the thirteen", async () => {
    expect((await listed(era)).tools.map(({ name }) => name)).toEqual(names);
  });

  it("takes at most 8,000 bytes in all", async () => {
    expect(Buffer.byteLength(JSON.stringify(await listed(era)))).toBeLessThanOrEqual(8000);
  });

  it("carries nothing that only costs", async () => {
    for (const tool of (await listed(era)).tools) {
      const sent = Object.entries(tool).filter(([, held]) => held !== undefined);
      expect(sent.map(([key]) => key).sort()).toEqual([
        "annotations",
        "description",
        "inputSchema",
        "name",
      ]);
      expect(JSON.stringify(tool)).not.toMatch(/\$schema|"title":"|9007199254740991/);
    }
  });

  it("hints at what each tool does, and that none reaches out into the world", async () => {
    for (const { name, annotations } of (await listed(era)).tools) {
      expect(annotations, name).toEqual({
        readOnlyHint: expect.any(Boolean),
        destructiveHint: expect.any(Boolean),
        idempotentHint: expect.any(Boolean),
        openWorldHint: false,
      });
    }
  });
});

describe("each tool", () => {
  const tools = catalogue.filter((operation) => operation.faces.tool !== undefined);

  it("has a file of its own, named like it, and so has each command that is no tool", () => {
    const defining = sourcesBelow("src/operations")
      .filter((source) => /defineOperation\(\{/.test(readFileSync(source.path, "utf8")))
      .map((source) => source.path.replace(/^.*\/(.*)\.ts$/, "$1").replaceAll("-", "_"));
    const names = tools.map((operation) => operation.faces.tool);
    expect(defining.filter((name) => names.includes(name)).sort()).toEqual(names.sort());
    expect(defining).toHaveLength(catalogue.length);
  });

  it.each(tools)("$faces.tool is told in few words", ({ summary, input }) => {
    expect(summary).toMatch(/^[A-Z].*\.$/);
    expect(Buffer.byteLength(summary)).toBeLessThanOrEqual(300);
    for (const argument of Object.values(input.shape) as { description?: string }[]) {
      expect(Buffer.byteLength(argument.description ?? "")).toBeLessThanOrEqual(60);
    }
  });

  it.each(tools)("$faces.tool never calls reading destructive", ({ hints }) => {
    expect(hints.readOnly && hints.destructive).toBe(false);
  });

  it.each(tools)("$faces.tool takes a worktree", ({ input }) => {
    expect(Object.keys(input.shape)).toContain("worktree");
  });

  it.each(names)("%s shows the schema that was last agreed on", async (name) => {
    const tool = (await listed("modern")).tools.find((one) => one.name === name);
    const file = `./tool-schemas/${name}.snap`;
    const agreed = existsSync(new URL(file, import.meta.url));
    await expect(`${JSON.stringify(tool, null, 2)}\n`).toMatchFileSnapshot(file);
    expect(agreed, "a new schema was written just now: look at it, then run this again").toBe(true);
  });
});
