import { access, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answerOf, errorOf, expectClean, writeProgram } from "../../support/bad-input.ts";
import { type ForgeScene, launcher as land, runToEnd, withForge } from "../../support/cli.ts";
import { type Connected, spawnMcp } from "../../support/mcp.ts";

let scene: ForgeScene;
let mcp: Connected;

beforeAll(async () => {
  scene = await withForge();
  mcp = await spawnMcp(scene.repo, scene.env);
});

afterAll(async () => {
  await mcp[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
});

type Facts = Record<string, unknown> & { state?: string; code?: string };

/** What a tool answers; an error's own facts where it is one. */
async function tool(name: string, given: Record<string, unknown> = {}): Promise<Facts> {
  const answer = await mcp.client.callTool({ name, arguments: given });
  expectClean({ out: JSON.stringify(answer), err: "" });
  const { error, ...facts } = answer.structuredContent as Facts & { error?: Facts };
  return error ?? facts;
}

/** Everything a command could have changed here. */
async function everything(): Promise<string> {
  const parts = await Promise.all([
    scene.git("status", "--porcelain=v2", "--branch"),
    scene.git("for-each-ref", "refs/heads", "refs/stash"),
  ]);
  return parts.join("\n");
}

/** Tools, and `land`, that must be refused here with one code, and change nothing. */
async function refused(
  code: string,
  tools: readonly (string | readonly [string, Record<string, unknown>])[],
): Promise<void> {
  const before = await everything();
  for (const one of tools) {
    const [name, given] = typeof one === "string" ? [one, {}] : one;
    expect([name, (await tool(name, given)).code]).toEqual([name, code]);
  }
  expect(await answerOf(scene, [])).toMatchObject({ exit: 6, state: "refused", code });
  expect(await everything()).toBe(before);
}

describe("a work tree that is not ready", () => {
  it("tracked changes are refused, never stashed; untracked files are only listed", async () => {
    await scene.branch("dirty", { "dirty.txt": "d\n" });
    await scene.write({ "readme.txt": "changed\n", "new file.txt": "n\n" });
    await refused("uncommitted_changes", ["push_branch", "rebase_branch"]);
    expect(await tool("branch_status")).toMatchObject({
      state: "unpushed",
      next: expect.stringMatching(/not committed: readme\.txt/),
    });
    await scene.git("checkout", "-q", "readme.txt");
    const plan = await tool("land_branch", { dry_run: true });
    expect(plan).toMatchObject({ state: "planned", untracked: ["new file.txt"] });
    await rm(join(scene.repo, "new file.txt"));
  });

  it("an operation of the person's own is theirs to end", async () => {
    await scene.branch("left", { "both.txt": "left\n" });
    await scene.branch("right", { "both.txt": "right\n" });
    await scene.git("merge", "-q", "left").catch(() => {});
    await refused("operation_in_progress", ["push_branch", ["rebase_branch", { abort: true }]]);
    await scene.git("merge", "--abort");
    await scene.git("rebase", "-q", "left").catch(() => {});
    await refused("operation_in_progress", [
      "branch_status",
      ["rebase_branch", { continue: true }],
    ]);
    await scene.git("rebase", "--abort");
  });

  it("a detached head, and the target itself: nothing waits for what cannot come", async () => {
    await scene.git("switch", "-q", "--detach", "main");
    await refused("detached_head", ["push_branch", "wait_for_ci"]);
    await scene.git("switch", "-q", "main");
    await refused("on_target", [
      "push_branch",
      "rebase_branch",
      "wait_for_ci",
      "merge_branch",
      "close_branch",
    ]);
    expect(await tool("branch_status")).toMatchObject({
      next: expect.stringContaining("git switch -c"),
    });
  });

  it("a history of its own, before and after somebody pushed it", async () => {
    await scene.git("switch", "-q", "--orphan", "lonely");
    await scene.write({ "lonely.txt": "l\n" });
    await scene.git("add", "-A");
    await scene.git("commit", "-qm", "lonely");
    await refused("unrelated_histories", ["push_branch", "rebase_branch"]);
    await scene.git("push", "-q", "forge", "lonely");
    const told = await tool("merge_branch");
    expect(told).toMatchObject({ state: "refused", code: "unrelated_histories" });
    expect(await tool("branch_status")).toMatchObject({
      state: "open",
      problem: expect.stringContaining("shares no history"),
    });
    expect(await tool("close_branch")).toMatchObject({ state: "closed" });
    await scene.git("switch", "-q", "main");
  });

  it("a branch that is nowhere, or named as no branch can be", async () => {
    for (const branch of ["nowhere", "#4711", "4711"]) {
      expect([branch, (await tool("branch_status", { branch })).code]).toEqual([
        branch,
        "not_found",
      ]);
    }
    expect(await tool("land_branch", { branch: "a b" })).toMatchObject({ code: "bad_argument" });
    expect((await errorOf(scene, ["status", "-x"])).error.next).toContain("`--`");
    expect(await errorOf(scene, ["status", "--", "-x"])).toMatchObject({ code: 1 });
    const bytes = "printf 'ref: refs/heads/bad\\377name\\n' > .git/HEAD";
    await runToEnd("sh", ["-c", bytes], { cwd: scene.repo, env: scene.env });
    await scene.git("commit", "-q", "--allow-empty", "-m", "no UTF-8");
    await refused("unsupported_repository", ["push_branch", "rebase_branch"]);
    await scene.git("switch", "-q", "main");
  });
});

describe("a person's own settings", () => {
  const set = (name: string, value: string) => scene.git("config", name, value);
  const unset = (name: string) => scene.git("config", "--unset", name);

  it("hooks of all repositories stay out of the forge, and one that fails is told", async () => {
    const hooks = join(scene.dir, "hooks");
    for (const name of ["update", "pre-receive", "post-receive"]) {
      await writeProgram(join(hooks, name), "echo not yours >&2; exit 1");
    }
    const env = { ...scene.env, GIT_CONFIG_GLOBAL: join(scene.dir, "gitconfig") };
    await writeFile(env.GIT_CONFIG_GLOBAL, `[core]\n\thooksPath = ${hooks}\n`);
    await writeProgram(join(hooks, "pre-push"), "echo no pushing on fridays >&2; exit 1");
    const head = await scene.branch("hooked", { "hooked.txt": "h\n" });
    const told = await answerOf(
      { land: (args) => runToEnd(process.execPath, [land, ...args], { cwd: scene.repo, env }) },
      [],
    );
    expect(told).toMatchObject({ exit: 6, state: "refused", code: "push_rejected" });
    expect(told.why).toContain("no pushing on fridays");
    expect(await scene.git("rev-parse", "hooked")).toBe(head);
    await rm(join(hooks, "pre-push"));
    const ran = await runToEnd(process.execPath, [land], { cwd: scene.repo, env });
    expect(ran.code).toBe(0);
    expect(ran.out).toContain(`landed · target main · head ${head}`);
  });

  it("signing that asks for a passphrase takes nothing with it, and asks nobody", async () => {
    const key = join(scene.dir, "key");
    const made = ["-q", "-t", "ed25519", "-N", "a passphrase", "-f", key];
    await runToEnd("ssh-keygen", made, { cwd: scene.dir, env: scene.env });
    const head = await scene.branch("signed", { "signed.txt": "s\n" });
    await set("gpg.format", "ssh");
    await set("user.signingKey", `${key}.pub`);
    await set("commit.gpgSign", "true");
    const { code, error } = await errorOf(scene, []);
    expect({ code, error }).toMatchObject({ code: 1, error: { code: "git_failed" } });
    expect(error.message).toMatch(/^Signing a commit failed/);
    expect(error.state).toContain("taken back");
    expect(await scene.git("status", "--porcelain=v2", "--branch")).toContain(head);
    await unset("commit.gpgSign");
  });

  it.each([
    ["push.gpgSign", "true"],
    ["protocol.file.allow", "never"],
  ])("%s = %s is named at once, not taken for a forge that is away", async (name, value) => {
    await scene.git("switch", "-q", "signed");
    await set(name, value);
    const told = await answerOf(scene, ["--max-seconds", "0"]);
    expect(told).toMatchObject({ exit: 6, state: "refused", code: "push_rejected" });
    expect(`${told.why} ${told.next}`).toContain(name);
    await unset(name);
  });
});

describe("where one stands", () => {
  it("a folder that only the branch has outlives the rebase that it is in", async () => {
    await scene.branch("deep", { "only/here/a.txt": "a\n" });
    const cwd = join(scene.repo, "only", "here");
    const script = `"$0" "$1" rebase >/dev/null && "$0" "$1" --json && ls`;
    const args = ["-c", script, process.execPath, land];
    const ran = await runToEnd("sh", args, { cwd, env: scene.env });
    expect(ran).toMatchObject({ code: 0, out: expect.stringContaining('"state":"landed"') });
    expect(ran.out).toMatch(/\na\.txt\n$/);
  });

  it("a linked worktree and a second clone with odd names work in every tool", async () => {
    const linked = join(scene.dir, "wt 'ü\" $(x)");
    await scene.git("worktree", "add", "-q", "-b", "linked", linked, "main");
    const clone = join(scene.dir, "klön; 日本");
    await scene.git("clone", "-q", scene.repo, clone);
    expect(await answerOf(scene, ["status"], { cwd: clone })).toMatchObject({ exit: 8 });
    await answerOf(scene, ["init", "--join"], { cwd: clone });
    const git = (cwd: string, ...args: string[]) => runToEnd("git", args, { cwd, env: scene.env });
    await git(clone, "switch", "-qc", "cloned", "forge/main");
    for (const top of [linked, clone]) {
      const cwd = join(top, "sub folder");
      await mkdir(cwd);
      await writeFile(join(cwd, `${top === linked}.txt`), "x\n");
      await git(cwd, "add", "-A");
      await git(cwd, "commit", "-qm", "from elsewhere");
      const branch = top === linked ? "linked" : "cloned";
      for (const name of ["rebase_branch", "push_branch", "wait_for_ci", "inspect_queue"]) {
        expect(await tool(name, { worktree: cwd })).toMatchObject({ worktree: top, branch });
      }
      expect(await answerOf(scene, [], { cwd })).toMatchObject({ exit: 0, state: "landed" });
      expect(await tool("branch_status", { worktree: cwd })).toMatchObject({ state: "merged" });
      await access(join(cwd, `${top === linked}.txt`));
    }
  });
});
