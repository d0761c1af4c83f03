import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { spawnMcp } from "../../support/mcp.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "land-skills-"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

it("offers the kit's own skills wherever it was started", async () => {
  const env = { PATH: process.env.PATH ?? "", HOME: folder, XDG_CACHE_HOME: join(folder, "cache") };
  await using on = await spawnMcp(folder, env);
  const { resources } = await on.client.listResources();
  const uris = resources.map(({ uri }) => uri);
  expect(uris).toEqual(
    expect.arrayContaining(["skill://land/SKILL.md", "skill://recover-ci/SKILL.md"]),
  );
  const { contents } = await on.client.readResource({ uri: "skill://land/SKILL.md" });
  expect(JSON.stringify(contents)).toContain("# Land a branch");
});
