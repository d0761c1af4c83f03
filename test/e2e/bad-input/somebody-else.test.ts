import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answerOf, writeProgram } from "../../support/bad-input.ts";
import { type ForgeScene, manifestOf, runToEnd, withForge } from "../../support/cli.ts";
import { type Connected, spawnMcp } from "../../support/mcp.ts";

let scene: ForgeScene;
let mcp: Connected;
/** Somebody else's clone of the same repository, whose remote is the same forge. */
let others: string;

beforeAll(async () => {
  scene = await withForge({
    // A lane waits for a file in its own cache, where the branch wants it to.
    "ci/forge-lanes.toml": manifestOf({
      unit: [
        "sh",
        "-c",
        'test ! -e gate || until test -e "$XDG_CACHE_HOME/open"; do sleep 0.02; done',
      ],
    }),
    "readme.txt": "one\n",
  });
  others = join(scene.dir, "others");
  const url = await scene.git("remote", "get-url", "forge");
  await scene.git("clone", "-q", "-o", "forge", url, others);
  mcp = await spawnMcp(scene.repo, scene.env);
});

afterAll(async () => {
  await mcp[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
});

async function elsewhere(...args: string[]): Promise<string> {
  const ran = await runToEnd("git", args, { cwd: others, env: scene.env });
  if (ran.code !== 0) throw new Error(`git ${args.join(" ")}: ${ran.err}`);
  return ran.out.trim();
}

async function pushElsewhere(branch: string): Promise<string> {
  await elsewhere("fetch", "-q", "forge");
  const from = await elsewhere("rev-parse", "--verify", "-q", `forge/${branch}`).catch(() => "");
  await elsewhere("switch", "-q", "--detach", from === "" ? "forge/main" : from);
  await elsewhere("commit", "-q", "--allow-empty", "-m", `somebody else's on ${branch}`);
  await elsewhere("push", "-q", "forge", `HEAD:refs/heads/${branch}`);
  return elsewhere("rev-parse", "HEAD");
}

/** Lands the checked-out branch; does something as soon as its lane runs. */
async function landWhile(during: () => Promise<unknown>): Promise<Record<string, unknown>> {
  let done: Promise<unknown> | undefined;
  const answer = await mcp.client.callTool(
    { name: "land_branch", arguments: { max_seconds: 50 } },
    {
      onprogress: ({ message }) => {
        if (message?.includes("running unit") === true) done ??= during();
      },
    },
  );
  await done;
  return answer.structuredContent as Record<string, unknown>;
}

const gate = () => join(scene.stateDir, "cache", "unit", "xdg");
async function openGate(): Promise<void> {
  await mkdir(gate(), { recursive: true });
  await writeFile(join(gate(), "open"), "");
}

describe("somebody else, between two steps", () => {
  it("pushes to the branch right before we do: their commit stays, and is told", async () => {
    const head = await scene.branch("raced", { "raced.txt": "r\n" });
    const theirs = join(scene.dir, "theirs");
    const hook = join(scene.repo, ".git", "hooks", "pre-push");
    // Runs after the landing looked at the remote, and before git moves anything there.
    await writeProgram(
      hook,
      [
        `cd "${others}" && unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_PREFIX`,
        "git switch -q --detach forge/main && git commit -q --allow-empty -m theirs",
        `git push -q forge HEAD:refs/heads/raced; git rev-parse HEAD >"${theirs}"`,
      ].join("\n"),
    );
    const told = await answerOf(scene, []);
    await rm(hook);
    expect(told).toMatchObject({ exit: 6, state: "refused", code: "remote_moved" });
    expect(await scene.git("rev-parse", "raced")).toBe(head);
    const there = await scene.git("ls-remote", "forge", "refs/heads/raced");
    expect(there.split("\t")[0]).toBe(await elsewhere("rev-parse", "HEAD"));
  });

  it("deletes it while CI runs: closed, and the commits are still here", async () => {
    const head = await scene.branch("deleted", { gate: "1\n" });
    const told = await landWhile(() => elsewhere("push", "-q", "forge", ":refs/heads/deleted"));
    expect(told).toMatchObject({ state: "closed", head });
    expect(await scene.git("rev-parse", "deleted")).toBe(head);
    const again = await landWhile(openGate);
    expect(["landed", "closed"]).toContain(again.state);
    await rm(join(gate(), "open"), { force: true });
  });

  it("moves it on while CI runs: what they pushed stays, and nothing of it lands unasked", async () => {
    const head = await scene.branch("moved", { gate: "2\n" });
    let theirs = "";
    const told = await landWhile(async () => {
      theirs = await pushElsewhere("moved");
      await openGate();
    });
    expect(told).toMatchObject({ state: "refused" });
    expect(["remote_moved", "head_moved"]).toContain(told.code);
    expect(await scene.git("rev-parse", "moved")).toBe(head);
    expect(await scene.git("ls-remote", "forge", "refs/heads/moved")).toContain(theirs);
    await scene.git("fetch", "-q", "forge");
    expect(await scene.git("branch", "-r", "--contains", head)).not.toMatch(/forge\/main$/m);
  });

  it("lands it first: landed is what both are told, and once is all it lands", async () => {
    await openGate();
    await scene.branch("twice", { "twice.txt": "t\n" });
    const [one, two] = await Promise.all([answerOf(scene, []), answerOf(scene, [])]);
    expect([one, two]).toMatchObject([
      { exit: 0, state: "landed", merge_commit: two.merge_commit },
      { exit: 0, state: "landed", merge_commit: one.merge_commit },
    ]);
    expect(await answerOf(scene, [])).toMatchObject({ exit: 0, state: "landed", already: true });
    const merges = await scene.git("log", "--merges", "--format=%s", "forge/main");
    expect(merges.split("\n").filter((line) => line.includes("twice"))).toHaveLength(1);
  });
});

it.each(["-x", `it's;"$(q)"`, "日本/ü-💥", "HEAD"])(
  "a branch called %s is a branch like any other",
  async (name) => {
    await scene.git("fetch", "-q", "forge", "refs/heads/main");
    const base = await scene.git("rev-parse", "FETCH_HEAD");
    await scene.git("update-ref", `refs/heads/${name}`, base);
    await scene.git("symbolic-ref", "HEAD", `refs/heads/${name}`);
    await scene.git("reset", "-q", "--hard");
    await scene.git("commit", "-q", "--allow-empty", "-m", `work on ${name}`);
    await scene.write({ [`named/${Buffer.from(name).toString("hex")}`]: "x\n" });
    await scene.git("add", "-A");
    await scene.git("commit", "-q", "-m", name);
    const landed = await landWhile(async () => {});
    expect(landed).toMatchObject({ state: "landed", branch: name });
    const given = { branch: `refs/heads/${name}` };
    const status = await mcp.client.callTool({ name: "branch_status", arguments: given });
    expect(status.structuredContent).toMatchObject({ state: "merged", number: landed.number });
  },
);
