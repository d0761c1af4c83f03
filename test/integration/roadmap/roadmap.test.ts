import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readRoadmap, roadmapSource } from "../../../src/roadmap/read.ts";
import { aRepository, type Scene } from "../../support/cli.ts";
import { runInProcess } from "../../support/cli-in-process.ts";
import { connectInMemory } from "../../support/mcp.ts";

const usual = "todos/pika-git.md";
const text = `# Ours
## Phase 1
### ABC · One · open
- **ABC-1** (open) Who? Nobody knows \`merge_branch\`.
- **ABC-2** (done) Works. See \`readme.txt\`.
`;
const broken = `${text}- **ABC-1** (soon) Again.\n`;
const withRoadmap = (files: Readonly<Record<string, string>> = { [usual]: text }) =>
  aRepository({ "readme.txt": "one\n", ...files });

const land = (scene: Scene, ...args: string[]) =>
  runInProcess(["roadmap", ...args], {
    readRoadmap: (path, signal) =>
      readRoadmap({ folder: path ?? scene.repo, env: scene.env }, signal),
  });

describe("land roadmap", () => {
  it("lists what is open of the work tree's roadmap, from any folder of any worktree", async () => {
    await using scene = await withRoadmap();
    const linked = join(scene.dir, "linked tree");
    await scene.git("worktree", "add", "-q", linked, "-b", "side");
    await writeFile(join(linked, usual), text.replace("Who?", "Who there?"));
    expect(await land(scene)).toMatchObject({
      code: 0,
      err: "",
      out: `Ours · ${usual}\n1 open, 1 done\n\nABC · One · open (1 open, 1 done)\n  ABC-1 (open) Who?\n`,
    });
    const there = await land(scene, "-C", join(linked, "todos"));
    expect(there.out).toContain("ABC-1 (open) Who there?");
    expect((await land(scene, "--all")).out).toContain("Nobody knows `merge_branch`.");
  });

  it("answers the same as one JSON document", async () => {
    await using scene = await withRoadmap();
    const { code, out } = await land(scene, "--json");
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      file: usual,
      shown: "open",
      counts: { open: 1, doing: 0, done: 1, dropped: 0 },
      workstreams: [{ id: "ABC", line: 3, items: [{ id: "ABC-1", status: "open", line: 4 }] }],
      problems: [],
    });
    expect(JSON.parse((await land(scene, "--json", "--all")).out)).toMatchObject({
      workstreams: [{ items: [{}, { id: "ABC-2", see: ["readme.txt"] }] }],
    });
  });

  it("tells what is wrong with its line and ends with 1, and lists the rest", async () => {
    await using scene = await withRoadmap({ [usual]: broken });
    const told = await land(scene);
    expect(told.code).toBe(1);
    expect(told.err).toBe(
      `${usual}:6: ABC-1 has the status "soon"; it may be open, doing, done, dropped.\n` +
        `${usual}:6: ABC-1 is there already, at line 4.\n`,
    );
    expect(told.out).toContain("ABC-1 (open) Who?");
    const json = await land(scene, "--json");
    expect(json).toMatchObject({ code: 1, err: "" });
    expect(JSON.parse(json.out).problems).toHaveLength(2);
  });
});

describe("where the roadmap is", () => {
  it("may be said by git config, for all worktrees", async () => {
    await using scene = await withRoadmap({ "docs/plan.md": text });
    await scene.git("config", "land.roadmap", "./docs//plan.md");
    expect((await land(scene)).out).toContain("docs/plan.md");
  });

  it.each([
    "/etc/passwd",
    "../x.md",
    "docs/../../x.md",
    ".git/config",
    "a/.GIT/x",
    "",
    ".",
    "a\nb.md",
  ])("may not be %j", async (path) => {
    await using scene = await withRoadmap();
    await scene.git("config", "land.roadmap", path);
    const { code, err } = await land(scene);
    expect(code).toBe(1);
    expect(err).toContain("no file of the work tree");
    expect(err).toContain("git config land.roadmap docs/roadmap.md");
  });

  it("is told where there is none, or no repository", async () => {
    await using scene = await withRoadmap({});
    expect(await land(scene)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/todos\/pika-git\.md is not there[\s\S]*Next: Write one/),
    });
    expect(await land(scene, "-C", scene.dir)).toMatchObject({ code: 8 });
  });

  it("is never outside by way of a link, and never waits for what is no file", async () => {
    await using scene = await withRoadmap({ "docs/plan.md": text });
    await writeFile(join(scene.dir, "secret.md"), text);
    await mkdir(join(scene.repo, "todos"));
    await symlink(join(scene.dir, "secret.md"), join(scene.repo, usual));
    expect((await land(scene)).err).toContain("leads out of the work tree");
    await symlink("../docs/plan.md", join(scene.repo, "todos/inside.md"));
    await scene.git("config", "land.roadmap", "todos/inside.md");
    expect((await land(scene)).code).toBe(0);
    await scene.git("config", "land.roadmap", "docs");
    expect((await land(scene)).err).toContain("is no ordinary file");
  });

  it("may be neither huge nor binary", async () => {
    await using scene = await withRoadmap({ [usual]: "x".repeat(300_000), "b.md": "a\0b" });
    expect((await land(scene)).err).toContain("is larger than 256 KiB");
    await scene.git("config", "land.roadmap", "b.md");
    expect((await land(scene)).err).toContain("is no text");
  });
});

it("offers the roadmap and what is open to MCP clients, while there is one", async () => {
  await using scene = await withRoadmap();
  const offered = async (folder: string) => {
    const roadmap = roadmapSource({ folder, env: scene.env });
    const openWorktree = () => Promise.reject(new Error("not part of this test"));
    const on = await connectInMemory({ openWorktree, roadmap });
    const { resources } = await on.client.listResources();
    return { on, uris: resources.map(({ uri }) => uri) };
  };
  const none = await offered(scene.dir);
  await using _none = none.on;
  expect(none.uris).toEqual([]);

  const { on, uris } = await offered(join(scene.repo, "todos"));
  await using _on = on;
  expect(uris).toEqual(["forge://roadmap", "forge://roadmap/open"]);
  const read = async (uri: string) => {
    const [content] = (await on.client.readResource({ uri })).contents;
    return content !== undefined && "text" in content ? content.text : "";
  };
  expect(await read("forge://roadmap")).toBe(text);
  expect(JSON.parse(await read("forge://roadmap/open"))).toMatchObject({
    file: usual,
    workstreams: [{ id: "ABC", items: [{ id: "ABC-1" }] }],
  });
  await scene.git("rm", "-q", usual);
  await expect(read("forge://roadmap")).rejects.toMatchObject({ code: -32602 });
});
