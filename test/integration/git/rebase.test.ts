import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { WorkingCopy } from "../../../src/git/working-copy.ts";
import { makeScene, type Scene } from "../../support/worktrees.ts";

let scene: Scene;
let work: string;
let copy: WorkingCopy;

beforeEach(async () => {
  scene = await makeScene();
  work = await scene.clone("work");
  await scene.git(work, "checkout", "-q", "-b", "x");
  copy = await scene.open(work);
});
afterEach(() => scene.remove());

async function moveTarget(files: Readonly<Record<string, string>>): Promise<string> {
  await scene.elsewhere("main", files);
  return (await copy.fetch("forge", "main")).after ?? "";
}

async function hook(name: string, script: string): Promise<void> {
  const hooks = join(scene.dir, "my hooks");
  await mkdir(hooks, { recursive: true });
  await writeFile(join(hooks, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(hooks, name), 0o755);
  await scene.git(work, "config", "--global", "core.hooksPath", hooks);
}

const ours = "one\ntwo\nmine\nfour\nfive\n";
const theirs = "one\ntwo\ntheirs\nfour\nfive\n";

test("rebases, and says when there is nothing to do", async () => {
  const head = await scene.commit(work, { "c.txt": "c\n" });
  const target = await moveTarget({ "d.txt": "d\n" });
  const answer = await copy.rebase(target);
  expect(answer.state).toBe("rebased");
  expect(await copy.isAncestor(target, (await copy.localTip("x")) ?? "")).toBe(true);
  expect(await copy.localTip("x")).not.toBe(head);
  const tip = await copy.localTip("x");
  expect(await copy.rebase(target)).toEqual({ state: "up_to_date", from: tip, head: tip });
});

test("a commit that the target already has is dropped", async () => {
  const from = await scene.commit(work, { "d.txt": "d\n" });
  const target = await moveTarget({ "d.txt": "d\n" });
  expect(await copy.rebase(target)).toEqual({ state: "rebased", from, head: target });
});

describe.each(["merge", "diff3", "zdiff3"])("a conflict in style %s", (style) => {
  beforeEach(() => scene.git(work, "config", "--global", "merge.conflictStyle", style));

  test("is told with its hunk, and can be continued", async () => {
    await scene.commit(work, { "a.txt": ours });
    await scene.commit(work, { "z.txt": "z\n" });
    const target = await moveTarget({ "a.txt": theirs });
    const answer = await copy.rebase(target);
    expect(answer).toMatchObject({
      state: "conflict",
      files: [{ path: "a.txt", kind: "both modified", hunks: [{ line: 3 }] }],
    });
    const state = await copy.state();
    expect(state).toMatchObject({ branch: "x", operation: { kind: "rebase", ours: true } });
    expect(state.head).toBe(await copy.localTip("x"));
    expect(state.conflicts[0]?.hunks[0]?.text).toContain("theirs\n");
    expect(state.conflicts[0]?.hunks[0]?.text).toContain("mine\n");

    expect((await copy.continueRebase()).state).toBe("conflict");
    await writeFile(join(work, "a.txt"), "one\ntwo\nboth\nfour\nfive\n");
    expect((await copy.continueRebase()).state).toBe("conflict");
    await scene.git(work, "add", "a.txt");
    expect((await copy.continueRebase()).state).toBe("rebased");
    expect((await copy.state()).operation).toBeUndefined();
    expect(await copy.countCommits(target, (await copy.localTip("x")) ?? "")).toBe(2);
    await expect(copy.continueRebase()).rejects.toMatchObject({ code: "bad_argument" });
  });
});

test("a conflict can be aborted, and nothing is lost", async () => {
  const head = await scene.commit(work, { "a.txt": ours });
  await writeFile(join(work, "untracked"), "mine");
  await copy.rebase(await moveTarget({ "a.txt": theirs }));
  expect(await copy.abortRebase()).toEqual({ state: "aborted", head });
  expect(await readFile(join(work, "a.txt"), "utf8")).toBe(ours);
  expect(await readFile(join(work, "untracked"), "utf8")).toBe("mine");
  expect(await copy.state()).toMatchObject({ branch: "x", head, operation: undefined });
});

test("a resolution that leaves nothing drops the commit", async () => {
  const from = await scene.commit(work, { "a.txt": ours });
  const target = await moveTarget({ "a.txt": theirs });
  await copy.rebase(target);
  await writeFile(join(work, "a.txt"), theirs);
  await scene.git(work, "add", "a.txt");
  expect(await copy.continueRebase()).toEqual({ state: "rebased", from, head: target });
});

test("deleted, binary and linked files are named as what they are", async () => {
  await scene.commit(work, { "b.txt": "kept\n", bin: "\0one", "a.txt": ours });
  await rm(join(work, "a.txt"));
  await scene.commit(work, {});
  const target = await moveTarget({ "a.txt": theirs, bin: "\0two" });
  await scene.git(work, "rebase", "--abort").catch(() => {});
  await scene.git(work, "reset", "-q", "--soft", "HEAD~2");
  await scene.commit(work, {});
  const answer = await copy.rebase(target);
  expect(answer.state === "conflict" && answer.files.map((file) => [file.path, file.kind])).toEqual(
    [
      ["a.txt", "deleted by them"],
      ["bin", "both added (binary)"],
    ],
  );
});

test("works in a linked worktree while another rebases", async () => {
  await scene.commit(work, { "a.txt": ours });
  await scene.git(work, "worktree", "add", "-q", "-b", "y", "../linked", "refs/heads/main");
  const linkedDir = join(scene.dir, "linked");
  await scene.commit(linkedDir, { "c.txt": "c\n" });
  const target = await moveTarget({ "a.txt": theirs });
  await copy.rebase(target);
  const linked = await scene.open(linkedDir);
  expect((await linked.state()).operation).toBeUndefined();
  expect((await linked.rebase(target)).state).toBe("rebased");
  expect((await copy.state()).operation?.ours).toBe(true);
});

test("a rebase of the person's own, after ours was ended by hand, is theirs", async () => {
  await scene.commit(work, { "a.txt": ours });
  await copy.rebase(await moveTarget({ "a.txt": theirs }));
  await scene.git(work, "rebase", "--abort");
  await scene.elsewhere("main", { "a.txt": "other\n" });
  await scene.git(work, "fetch", "-q", "forge");
  await scene.git(work, "rebase", "-q", "refs/remotes/forge/main").catch(() => {});
  expect((await copy.state()).operation).toEqual({ kind: "rebase", ours: false });
  await expect(copy.abortRebase()).rejects.toMatchObject({ code: "operation_in_progress" });
});

test("tracked changes are refused, never stashed", async () => {
  await scene.git(work, "config", "rebase.autoStash", "true");
  await scene.commit(work, { "c.txt": "c\n" });
  const target = await moveTarget({ "d.txt": "d\n" });
  await writeFile(join(work, "a.txt"), "unsaved\n");
  await expect(copy.rebase(target)).rejects.toMatchObject({ code: "uncommitted_changes" });
  expect(await readFile(join(work, "a.txt"), "utf8")).toBe("unsaved\n");
  expect(await scene.git(work, "stash", "list")).toBe("");
});

test("other branches stay where they are though rebase.updateRefs is on", async () => {
  await scene.git(work, "config", "rebase.updateRefs", "true");
  const lower = await scene.commit(work, { "c.txt": "c\n" });
  await scene.git(work, "branch", "stacked");
  await scene.commit(work, { "e.txt": "e\n" });
  await copy.rebase(await moveTarget({ "d.txt": "d\n" }));
  expect(await copy.localTip("stacked")).toBe(lower);
});

test("a conflict that rerere resolved still waits for a look", async () => {
  await scene.git(work, "config", "rerere.enabled", "true");
  await scene.git(work, "config", "rerere.autoUpdate", "true");
  const head = await scene.commit(work, { "a.txt": ours });
  const target = await moveTarget({ "a.txt": theirs });
  await copy.rebase(target);
  await writeFile(join(work, "a.txt"), "one\ntwo\nboth\nfour\nfive\n");
  await scene.git(work, "add", "a.txt");
  await copy.continueRebase();
  await scene.git(work, "reset", "-q", "--hard", head);
  const again = await copy.rebase(target);
  expect(again).toMatchObject({ state: "conflict", files: [{ path: "a.txt", hunks: [] }] });
});

test("unrelated histories are refused", async () => {
  await scene.git(work, "checkout", "-q", "--orphan", "lonely");
  await scene.commit(work, { "a.txt": "mine\n" });
  await expect(copy.rebase("refs/remotes/forge/main")).rejects.toMatchObject({
    code: "unrelated_histories",
  });
});

test("a pre-rebase hook that says no is told in its words", async () => {
  const head = await scene.commit(work, { "c.txt": "c\n" });
  const target = await moveTarget({ "d.txt": "d\n" });
  await hook("pre-rebase", "echo 'no rebasing today'; exit 1");
  await expect(copy.rebase(target)).rejects.toMatchObject({
    code: "git_failed",
    message: expect.stringContaining("no rebasing today"),
  });
  expect(await copy.state()).toMatchObject({ branch: "x", head, operation: undefined });
});

test("a post-checkout hook that fails loses nothing", async () => {
  const head = await scene.commit(work, { "c.txt": "c\n" });
  const target = await moveTarget({ "d.txt": "d\n" });
  await hook("post-checkout", "echo 'hook is broken' >&2; exit 1");
  const answer = await copy.rebase(target).catch((error) => error);
  const state = await copy.state();
  expect(state).toMatchObject({ branch: "x", operation: undefined, trackedCount: 0 });
  if (answer.state === "rebased") expect(state.head).toBe(answer.head);
  else expect(state.head).toBe(head);
});

test("signing that would ask for a passphrase fails, tells the remedy and takes all back", async () => {
  const head = await scene.commit(work, { "c.txt": "c\n" });
  const target = await moveTarget({ "d.txt": "d\n" });
  const gpg = join(scene.dir, "gpg");
  await writeFile(
    gpg,
    "#!/bin/sh\nif read -r passphrase < /dev/tty; then exit 0; fi\necho 'gpg: no pinentry' >&2\nexit 2\n",
  );
  await chmod(gpg, 0o755);
  await scene.git(work, "config", "commit.gpgSign", "true");
  await scene.git(work, "config", "gpg.program", gpg);
  await expect(copy.rebase(target)).rejects.toMatchObject({
    code: "git_failed",
    next: expect.stringContaining("Unlock the key"),
    state: expect.stringContaining("taken back"),
  });
  expect(await copy.state()).toMatchObject({ branch: "x", head, operation: undefined });
});

test("an untracked file in the way stops the rebase and is kept", async () => {
  const head = await scene.commit(work, { "c.txt": "c\n" });
  const target = await moveTarget({ "d.txt": "d\n" });
  await writeFile(join(work, "d.txt"), "precious");
  await expect(copy.rebase(target)).rejects.toMatchObject({
    message: expect.stringContaining("d.txt"),
  });
  expect(await readFile(join(work, "d.txt"), "utf8")).toBe("precious");
  expect(await copy.state()).toMatchObject({ branch: "x", head, operation: undefined });
});

test("a leftover index lock is told with the file to remove", async () => {
  await scene.commit(work, { "c.txt": "c\n" });
  const target = await moveTarget({ "d.txt": "d\n" });
  await writeFile(join(work, ".git/index.lock"), "");
  await expect(copy.rebase(target)).rejects.toMatchObject({
    code: "git_failed",
    message: expect.stringContaining("index.lock"),
  });
  await rm(join(work, ".git/index.lock"));
  expect((await copy.rebase(target)).state).toBe("rebased");
});

test("cancelling in the middle takes the rebase back", async () => {
  const head = await scene.commit(work, { "c.txt": "c\n" });
  const target = await moveTarget({ "d.txt": "d\n" });
  await hook("post-checkout", `: > "${join(scene.dir, "started")}"; sleep 600`);
  const stop = new AbortController();
  const { watch } = await import("node:fs");
  const watcher = watch(scene.dir, (_, name) => {
    if (name === "started") stop.abort();
  });
  try {
    const rebasing = copy.rebase(target, stop.signal);
    await expect(rebasing).rejects.toMatchObject({ code: "cancelled" });
  } finally {
    watcher.close();
  }
  await hook("post-checkout", "exit 0");
  expect(await copy.state()).toMatchObject({ branch: "x", head, trackedCount: 0 });
});
