import { once } from "node:events";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { initForge } from "../../../src/local/init.ts";
import { answerOf, errorOf } from "../../support/bad-input.ts";
import { aRepository, launcher, runToEnd, type Scene, serveForeground } from "../../support/cli.ts";
import { spawnMcp } from "../../support/mcp.ts";

let scene: Scene;

beforeAll(async () => {
  scene = await aRepository();
});

afterAll(() => scene[Symbol.asyncDispose]());

const someCommands = [
  [],
  ["recover", "wake"],
  ["target", "restore"],
  ["whoami"],
  ["stop"],
  ["env", "list"],
];

describe("where there is nothing to land", () => {
  it.each([
    ["no repository", "not_a_repository", someCommands, async () => freshFolder("plain")],
    ["no forge", "no_forge", someCommands, async () => git(await freshFolder("no-forge"))],
    [
      "a bare repository",
      "not_a_repository",
      [[], ["init"]],
      async () => git(await freshFolder("bare"), "--bare"),
    ],
  ] as const)("%s: commands say so with 8", async (_what, code, commands, make) => {
    const cwd = await make();
    const told = await Promise.all(commands.map((args) => errorOf(scene, args, { cwd })));
    expect(told.map(({ code: exit, error }) => [exit, error.code])).toEqual(
      commands.map(() => [8, code]),
    );
    expect(await readdir(scene.dir)).not.toContain("state");
  });

  it("and so do the tools", async () => {
    const cwd = await freshFolder("tools");
    await using mcp = await spawnMcp(cwd, scene.env);
    for (const name of ["land_branch", "branch_status", "wait_for_ci", "recover_ci"]) {
      const given = name === "recover_ci" ? { action: "wake" } : {};
      const answer = await mcp.client.callTool({ name, arguments: given });
      expect(answer.isError).toBe(true);
      expect(answer.structuredContent).toMatchObject({ error: { code: "not_a_repository" } });
    }
  });

  it("a folder that is not there, is a file, or was removed under the shell", async () => {
    for (const place of ["missing", "repo/readme.txt"]) {
      const told = await errorOf(scene, ["-C", join(scene.dir, place), "status"]);
      expect(told).toMatchObject({ code: 8, error: { code: "not_a_repository" } });
    }
    const cwd = await freshFolder("removed");
    const args = ["-c", `rm -r "$PWD" && exec "$0" "$@"`, process.execPath, launcher, "status"];
    const ran = await runToEnd("sh", args, { cwd, env: scene.env });
    expect(ran.code).toBe(8);
    expect(ran.err).toMatch(/does not exist any more\. \(not_a_repository\)\n.*\nNext: /);
  });
});

describe("a repository that a local forge cannot hold is refused by init, with the remedy", () => {
  const commits = async (dir: string) => {
    await writeFile(join(dir, "a.txt"), "a\n");
    await run(dir, "add", "-A");
    await run(dir, "commit", "-qm", "a");
    return dir;
  };
  const cloned = async (name: string, ...options: string[]) => {
    await run(scene.repo, "config", "uploadpack.allowFilter", "true");
    await run(scene.dir, "clone", "-q", ...options, `file://${scene.repo}`, name);
    return join(scene.dir, name);
  };
  it.each([
    ["empty", /Commit something/, async () => git(await freshFolder("empty"))],
    [
      "sha256",
      /--object-format=sha1/,
      async () => commits(await git(await freshFolder("sha256"), "--object-format=sha256")),
    ],
    ["shallow", /git fetch --unshallow/, () => cloned("shallow", "--depth=1")],
    ["partial", /without `--filter`/, () => cloned("partial", "--filter=blob:none")],
    [
      "LFS",
      /git lfs migrate export/,
      async () => {
        const dir = await git(await freshFolder("lfs"));
        await writeFile(join(dir, ".gitattributes"), "*.txt filter=lfs\n");
        // Where git-lfs is not installed the filter is unknown, and git takes the file as it is.
        return commits(dir);
      },
    ],
  ] as const)("%s", async (_what, remedy, make) => {
    const cwd = await make();
    const { code, error } = await errorOf(scene, ["init"], { cwd });
    expect({ code, error }).toMatchObject({ code: 6, error: { code: "unsupported_repository" } });
    expect(error.next).toMatch(remedy);
    expect(await run(cwd, "remote")).not.toContain("forge");
    expect(await readdir(scene.dir)).not.toContain("state");
  });
});

it("a state folder that cannot be made is told, with the way out", async () => {
  const file = join(scene.dir, "file");
  await writeFile(file, "");
  const env = { ...scene.env, XDG_STATE_HOME: join(file, "below") };
  const ran = await runToEnd(process.execPath, [launcher, "init"], { cwd: scene.repo, env });
  expect(ran.code).toBe(1);
  expect(ran.err).toMatch(/cannot be made.*\(unsupported\)\nState: .*\nNext: .*XDG_STATE_HOME/);
  expect(await run(scene.repo, "remote")).toBe("");
});

it("spaces, quotes and other scripts in the paths of repository and state are no matter", async () => {
  const odd = join(scene.dir, 'ö d\'d "$(touch pwned)"; 日本');
  const repo = join(odd, "my repo");
  const stateHome = join(odd, "st ate");
  const env = { ...scene.env, XDG_STATE_HOME: stateHome };
  await run(scene.dir, "clone", "-q", "-o", "elsewhere", scene.repo, repo);
  await run(repo, "switch", "-qc", "work", "main");
  await run(repo, "commit", "-q", "--allow-empty", "-m", "work");
  await writeFile(join(repo, "ü.txt"), "ü\n");
  await run(repo, "add", "-A");
  await run(repo, "commit", "-qm", "work");
  const { stateDir } = await initForge({ worktreeDir: repo, env, stateHome, options: {} });
  const forge = await serveForeground(env, stateDir);
  const land = (args: readonly string[]) =>
    runToEnd(process.execPath, [launcher, ...args], { cwd: repo, env });
  const answer = await answerOf({ land }, []);
  forge.stdin?.end();
  await once(forge, "exit");
  expect(answer).toMatchObject({ exit: 0, state: "landed", worktree: repo });
  expect(await readdir(repo)).not.toContain("pwned");
});

describe("arguments of the wrong type", () => {
  it("end every command with 2, whatever is wrong with them", async () => {
    const wrong = [
      ["--max-seconds", "1e99"],
      ["frobnicate"],
      ["list", "--limit", "1.5"],
      ["recover", "explode"],
      ["logs", "--offset", "-1"],
      ["wait", "--head", "HEAD"],
      ["describe", "--summary", "x", "--steps", "{"],
      ["init", "--ci", "maybe"],
      ["env", "set", "A=B"],
    ];
    const told = await Promise.all(wrong.map((args) => errorOf(scene, args)));
    expect(told.map(({ code, error }) => [code, error.code])).toEqual(
      wrong.map(() => [2, "bad_argument"]),
    );
    for (const { error } of told) expect(error.message.length).toBeLessThan(400);
  });

  it.each([
    ["serve", "--port", "99999"],
    ["mcp", "--tools", "no_such_tool"],
  ])("land %s %s %s", async (...args) => {
    const ran = await scene.land(args);
    expect(ran.code).toBe(2);
    expect(ran.out).toBe("");
    expect(ran.err).toMatch(/\(bad_argument\)\n(State: .*\n)?Next: /);
  });
});

async function freshFolder(name: string): Promise<string> {
  const dir = join(scene.dir, name);
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir);
  return dir;
}

async function git(dir: string, ...options: string[]): Promise<string> {
  await run(dir, "init", "-q", "-b", "main", ...options);
  return dir;
}

async function run(cwd: string, ...args: string[]): Promise<string> {
  const ran = await runToEnd("git", args, { cwd, env: scene.env });
  if (ran.code !== 0) throw new Error(`git ${args.join(" ")}: ${ran.err}`);
  return ran.out.trim();
}
