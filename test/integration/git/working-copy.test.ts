import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openWorkingCopy } from "../../../src/git/open-working-copy.ts";
import { makeScene, type Scene } from "../../support/worktrees.ts";

let scene: Scene;
let work: string;

beforeEach(async () => {
  scene = await makeScene();
  work = await scene.clone("work");
});
afterEach(() => scene.remove());

async function hook(name: string, script: string): Promise<void> {
  const file = join(work, ".git/hooks", name);
  await mkdir(join(work, ".git/hooks"), { recursive: true });
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
}

describe("opening", () => {
  test("finds the top from a subfolder and the common dir from a linked worktree", async () => {
    await mkdir(join(work, "sub/deep"), { recursive: true });
    expect((await scene.open(join(work, "sub/deep"))).path).toBe(work);
    await scene.git(work, "worktree", "add", "-q", "-b", "x", "../linked tree");
    const linked = await scene.open(join(scene.dir, "linked tree"));
    expect(linked.path).toBe(join(scene.dir, "linked tree"));
    expect(linked.commonDir).toBe(join(work, ".git"));
    expect((await linked.state()).branch).toBe("x");
    expect(await linked.branch()).toBe("x");
  });

  test.each(["bare", "outside", "missing", "git dir"])("refuses %s", async (what) => {
    const path = {
      bare: scene.forge,
      outside: scene.dir,
      missing: join(scene.dir, "nothing here"),
      "git dir": join(work, ".git"),
    }[what];
    await expect(openWorkingCopy(path ?? "", scene.env)).rejects.toMatchObject({
      code: "not_a_repository",
    });
  });

  test("takes no notice of the variables that hooks export", async () => {
    const copy = await scene.open(work, { GIT_DIR: scene.forge, GIT_INDEX_FILE: "/nowhere" });
    expect(copy.path).toBe(work);
    expect((await copy.state()).branch).toBe("main");
  });
});

describe("state", () => {
  test("lists tracked and untracked files with hostile names", async () => {
    await writeFile(join(work, "a.txt"), "changed\n");
    await writeFile(join(work, " leading and trailing "), "x");
    await writeFile(join(work, "new\nline ä.txt"), "x");
    const state = await (await scene.open(work)).state();
    expect(state.tracked).toEqual(["a.txt"]);
    expect(state.untracked.toSorted()).toEqual([" leading and trailing ", "new\nline ä.txt"]);
    expect(state).toMatchObject({ branch: "main", operation: undefined, conflicts: [] });
  });

  test("names 50 files and counts all", async () => {
    const files = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`f${i}`, "x"]));
    await scene.commit(work, files);
    for (const path of Object.keys(files)) await writeFile(join(work, path), "y");
    const state = await (await scene.open(work)).state();
    expect([state.tracked.length, state.trackedCount]).toEqual([50, 60]);
  });

  test("tells a detached head and a repository without commits", async () => {
    await scene.git(work, "checkout", "-q", "--detach");
    const detached = await scene.open(work);
    expect((await detached.state()).branch).toBeUndefined();
    expect(await detached.branch()).toBeUndefined();
    await scene.git(scene.dir, "init", "-q", "empty");
    const empty = await scene.open(join(scene.dir, "empty"));
    expect(await empty.state()).toMatchObject({ branch: "main", head: undefined });
    expect(await empty.branch()).toBe("main");
  });

  test.each([
    ["merge", ["merge", "-q", "other"]],
    ["cherry-pick", ["cherry-pick", "other"]],
    ["rebase", ["rebase", "-q", "other"]],
    ["rebase", ["rebase", "-q", "--apply", "other"]],
    ["revert", ["revert", "--no-edit", "HEAD~1"]],
    ["bisect", ["bisect", "start"]],
  ] as const)("tells somebody else's %s", async (kind, args) => {
    await scene.git(work, "checkout", "-q", "-b", "other");
    await scene.commit(work, { "a.txt": "other\n" });
    await scene.git(work, "checkout", "-q", "main");
    await scene.commit(work, { "a.txt": "mine\n" });
    await scene.commit(work, { "a.txt": "mine again\n" });
    await scene.git(work, ...args).catch(() => {});
    const copy = await scene.open(work);
    const state = await copy.state();
    expect(state.operation).toEqual({ kind, ours: false });
    expect(await copy.branch()).toBe(state.branch);
    await expect(copy.rebase("refs/remotes/forge/main")).rejects.toMatchObject({
      code: "operation_in_progress",
    });
    await expect(copy.abortRebase()).rejects.toMatchObject({ code: /./ });
  });
});

describe("remotes", () => {
  test("fetches one branch, into its tracking ref alone", async () => {
    const copy = await scene.open(work);
    const before = await copy.trackedTip("forge", "main");
    const after = await scene.elsewhere("main", { "c.txt": "c\n" });
    await scene.elsewhere("unwanted", { "d.txt": "d\n" });
    expect(await copy.fetch("forge", "main")).toEqual({ before, after });
    expect(await copy.trackedTip("forge", "unwanted")).toBeUndefined();
    expect(await copy.remoteTip("forge", "main")).toBe(after);
    expect(await copy.fetch("forge", "gone")).toEqual({ before: undefined, after: undefined });
    expect(await copy.remoteTip("forge", "gone")).toBeUndefined();
  });

  test("many worktrees may fetch at the same time", async () => {
    const copy = await scene.open(work);
    for (let round = 0; round < 3; round += 1) {
      const tip = await scene.elsewhere("main", { [`c${round}.txt`]: "c\n" });
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => copy.fetch("forge", "main")),
      );
      expect(new Set(answers.map((answer) => answer.after))).toEqual(new Set([tip]));
    }
  });

  test("is told apart from refs that only end in the branch's name", async () => {
    await scene.git(work, "push", "-q", "forge", "HEAD:refs/heads/odd/refs/heads/x");
    const copy = await scene.open(work);
    expect(await copy.remoteTip("forge", "x")).toBeUndefined();
  });

  test("a remote that is gone or unknown is named as such", async () => {
    const copy = await scene.open(work);
    await expect(copy.fetch("nobody", "main")).rejects.toMatchObject({ code: "no_forge" });
    await scene.git(work, "remote", "add", "far", "http://127.0.0.1:9/x.git");
    await expect(copy.remoteTip("far", "main")).rejects.toMatchObject({
      code: "forge_unreachable",
    });
  });

  test.each(["main:refs/heads/evil", "--upload-pack=touch x", "a b", "", "+main"])(
    "%j ends no refspec and is no option",
    async (branch) => {
      const copy = await scene.open(work);
      const outcome = await copy.fetch("forge", branch).then(
        (answer) => answer.after,
        (error) => error.code,
      );
      expect([undefined, "bad_argument"]).toContain(outcome);
      expect(await copy.localTip("evil")).toBeUndefined();
    },
  );
});

describe("pushing", () => {
  const hostile = [
    "it's;rm -rf $(x)".replaceAll(" ", "_"),
    "-x",
    "ünïcode/ß",
    "42",
    'quo"te',
    "(detached)",
  ];

  test.each(hostile)("a branch called %s round-trips", async (branch) => {
    await scene.git(work, "checkout", "-q", "--detach");
    const head = await scene.commit(work, { "c.txt": "c\n" });
    await scene.git(work, "update-ref", `refs/heads/${branch}`, head);
    await scene.git(work, "symbolic-ref", "HEAD", `refs/heads/${branch}`);
    await scene.git(work, "tag", "tagged");
    await scene.git(work, "update-ref", `refs/tags/${branch}`, "HEAD~1");
    await scene.elsewhere("main", { "d.txt": "d\n" });
    const copy = await scene.open(work);
    expect((await copy.state()).branch).toBe(branch);
    const target = (await copy.fetch("forge", "main")).after ?? "";
    const rebased = await copy.rebase(target);
    expect(rebased.state).toBe("rebased");
    const tip = (await copy.localTip(branch)) ?? "";
    expect(tip).not.toBe(head);
    await copy.push({ remote: "forge", branch, head: tip, lease: undefined });
    expect(await copy.remoteTip("forge", branch)).toBe(tip);
    expect(await scene.git(scene.forge, "tag")).toBe("");
  });

  test("a lease on an older value fails and leaves the other's work", async () => {
    const head = await scene.commit(work, { "c.txt": "c\n" });
    const theirs = await scene.elsewhere("x", { "d.txt": "d\n" });
    const copy = await scene.open(work);
    for (const lease of [undefined, await copy.trackedTip("forge", "main")]) {
      await expect(copy.push({ remote: "forge", branch: "x", head, lease })).rejects.toMatchObject({
        code: "remote_moved",
      });
    }
    expect(await copy.remoteTip("forge", "x")).toBe(theirs);
    await copy.push({ remote: "forge", branch: "x", head, lease: theirs });
    expect(await copy.remoteTip("forge", "x")).toBe(head);
    await copy.push({ remote: "forge", branch: "x", head, lease: undefined });
  });

  test("a failing pre-push hook is told in its own words", async () => {
    await hook("pre-push", "echo 'no pushing on sundays' >&2; exit 1");
    const head = await scene.commit(work, { "c.txt": "c\n" });
    const copy = await scene.open(work);
    await expect(
      copy.push({ remote: "forge", branch: "x", head, lease: undefined }),
    ).rejects.toMatchObject({
      code: "push_rejected",
      message: expect.stringContaining("no pushing on sundays"),
    });
    expect(await copy.remoteTip("forge", "x")).toBeUndefined();
  });

  test("what the remote's hook says is passed on", async () => {
    const update = join(scene.forge, "hooks/update");
    await mkdir(join(scene.forge, "hooks"), { recursive: true });
    await writeFile(update, "#!/bin/sh\necho 'land it instead'; exit 1\n");
    await chmod(update, 0o755);
    const head = await scene.commit(work, { "c.txt": "c\n" });
    const copy = await scene.open(work);
    await expect(
      copy.push({ remote: "forge", branch: "x", head, lease: undefined }),
    ).rejects.toMatchObject({
      code: "push_rejected",
      state: expect.stringMatching(/^land it instead/),
    });
  });

  test("tags, upstream and other branches stay as they are", async () => {
    await scene.git(work, "config", "push.followTags", "true");
    await scene.git(work, "config", "push.default", "matching");
    const head = await scene.commit(work, { "c.txt": "c\n" });
    await scene.git(work, "tag", "-a", "-m", "v1", "v1");
    const copy = await scene.open(work);
    const config = await readFile(join(work, ".git/config"), "utf8");
    await copy.push({ remote: "forge", branch: "x", head, lease: undefined });
    expect(await scene.git(scene.forge, "tag")).toBe("");
    expect(await copy.remoteTip("forge", "main")).not.toBe(head);
    expect(await readFile(join(work, ".git/config"), "utf8")).toBe(config);
  });
});

describe("whose work a push would replace", () => {
  test("a rebased branch's old head is ours, somebody else's commit is not", async () => {
    await scene.git(work, "checkout", "-q", "-b", "x");
    const old = await scene.commit(work, { "c.txt": "c\n" });
    const copy = await scene.open(work);
    await copy.push({ remote: "forge", branch: "x", head: old, lease: undefined });
    await scene.elsewhere("main", { "d.txt": "d\n" });
    const target = (await copy.fetch("forge", "main")).after ?? "";
    await copy.rebase(target);
    expect(await copy.wasOurs("x", old, [target])).toBe(true);

    const theirs = await scene.elsewhere("x", { "e.txt": "e\n" });
    expect(await copy.knows(theirs)).toBe(false);
    expect(await copy.wasOurs("x", theirs, [target])).toBe(false);
    await copy.fetch("forge", "x");
    expect(await copy.knows(theirs)).toBe(true);
    expect(await copy.wasOurs("x", theirs, [target])).toBe(false);

    await scene.git(work, "merge", "-q", "--no-edit", "refs/remotes/forge/x");
    expect(await copy.wasOurs("x", theirs, [target])).toBe(true);
  });

  test("commits of the target are no loss", async () => {
    await scene.git(work, "checkout", "-q", "-b", "x");
    const moved = await scene.elsewhere("main", { "d.txt": "d\n" });
    const copy = await scene.open(work);
    await copy.fetch("forge", "main");
    expect(await copy.wasOurs("x", moved, [])).toBe(false);
    expect(await copy.wasOurs("x", moved, [moved])).toBe(true);
  });
});

test("ancestry, merge base and counts", async () => {
  const copy = await scene.open(work);
  const first = (await copy.localTip("main")) ?? "";
  const second = await scene.commit(work, { "c.txt": "c\n" });
  expect(await copy.isAncestor(first, second)).toBe(true);
  expect(await copy.isAncestor(second, first)).toBe(false);
  expect(await copy.isAncestor("1".repeat(40), first)).toBe(false);
  expect(await copy.mergeBase(first, second)).toBe(first);
  expect(await copy.countCommits(first, second)).toBe(1);
  await expect(copy.isAncestor("--all", first)).rejects.toMatchObject({ code: "bad_argument" });
});

test("cancelling ends a push that hangs", async () => {
  const fifo = join(scene.dir, "started");
  await scene.git(scene.dir, "init", "-q", "elsewhere");
  await hook("pre-push", `echo x > "${fifo}"; sleep 600`);
  const head = await scene.commit(work, { "c.txt": "c\n" });
  const copy = await scene.open(work);
  const stop = new AbortController();
  const { watch } = await import("node:fs");
  const watcher = watch(scene.dir, (_, name) => {
    if (name === "started") stop.abort();
  });
  try {
    await expect(
      copy.push({ remote: "forge", branch: "x", head, lease: undefined }, stop.signal),
    ).rejects.toMatchObject({ code: "cancelled" });
  } finally {
    watcher.close();
  }
});
