import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { manifestOf } from "../support/cli.ts";
import { aFaultScene, commitFiles, type FaultScene, landEnd } from "../support/faults.ts";

/** People go on merging at the mirror while agents land here, with the real command and real CI. */
let scene: FaultScene;
let bare: string;
let theirs: string;

beforeAll(async () => {
  scene = await aFaultScene({
    "ci/forge-lanes.toml": manifestOf({ check: ["sh", "-c", "test -e readme.txt"] }),
    "readme.txt": "one\n",
  });
  bare = join(scene.dir, "mirror.git");
  theirs = join(scene.dir, "theirs");
  await mkdir(bare);
  await scene.git(bare, "init", "-q", "--bare", "--initial-branch=main");
  const early = await land("mirror", "sync");
  expect([early.code === 0, early.json().error]).toMatchObject([
    false,
    { code: "not_found", next: expect.stringContaining("land mirror set") },
  ]);
  // By hand alone, so that both sides can go their own way.
  await land("mirror", "set", bare, "--interval", "0", "--import");
  expect((await land("mirror", "sync")).code).toBe(0);
  await scene.git(scene.dir, "clone", "-q", bare, theirs);
});
afterAll(() => scene?.[Symbol.asyncDispose]());

const land = (...args: string[]) => scene.land(scene.repo, ...args, "--json");
const mainOf = (dir: string) => scene.git(dir, "rev-parse", "refs/heads/main");
const landed = async (worktree: string) => (await scene.landToEnd(worktree)).at(-1)?.state;
const branch = (name: string) => scene.worktree(name, { [`${name}.txt`]: `${name}\n` });

/** A commit on the mirror's target that is on what is there. */
async function mergeThere(name: string): Promise<string> {
  await scene.git(theirs, "pull", "-q", "--ff-only", "origin", "main");
  const message = `Merge ${name} there`;
  const head = await commitFiles({ git: scene.git, dir: theirs }, { [name]: "theirs\n" }, message);
  await scene.git(theirs, "push", "-q", "origin", "HEAD:main");
  return head;
}

/** Something lands here and something is merged there, and neither side has the other's. */
async function diverge(name: string): Promise<{ ours: string; there: string }> {
  const there = await mergeThere(`${name}-there`);
  expect(await landed(await branch(`${name}-here`))).toBe("landed");
  const synced = await land("mirror", "sync");
  expect(synced.code).not.toBe(0);
  expect(synced.json()).toMatchObject({
    problem: { kind: "diverged", words: expect.stringMatching(/Either the owner .* or a branch/) },
  });
  const ours = await mainOf(scene.canonical);
  expect([await mainOf(bare), ours === there]).toEqual([there, false]);
  return { ours, there };
}

async function isRefused(worktree: string): Promise<void> {
  const end = landEnd(await scene.land(worktree, "--json"));
  expect(end.state).toBe("refused");
  expect(JSON.stringify(end.answer)).toMatch(/mirror_diverged.*Either the owner .* or a branch/s);
}

async function isInStep(): Promise<void> {
  const synced = await land("mirror", "sync");
  expect([synced.code, synced.json().problem]).toEqual([0, undefined]);
  expect(await mainOf(bare)).toBe(await mainOf(scene.canonical));
}

it("takes over what was merged there, says that it is untested, and lands on it", async () => {
  const there = await mergeThere("first");
  await isInStep();
  expect(await mainOf(scene.canonical)).toBe(there);
  const untested = expect.stringMatching(/imported, untested/);
  expect((await land("target")).json()).toMatchObject({ state: "untouched", note: untested });
  expect((await land("queue")).json()).toMatchObject({ target_note: untested });
  const worktree = await branch("on-imported");
  const status = await scene.land(worktree, "status", "--json");
  expect(status.json()).toMatchObject({ state: "unpushed", target_note: untested });
  const trail = await land("audit", "--action", "target_imported");
  expect(trail.json().entries).toEqual([expect.objectContaining({ detail: untested })]);
  expect(await landed(worktree)).toBe("landed");
  expect((await land("target")).json().note).toBeUndefined();
  expect((await scene.land(worktree, "status", "on-imported", "--json")).json()).toMatchObject({
    mirror: { state: "not_seen" },
  });
  await isInStep();
  expect((await scene.land(worktree, "status", "on-imported", "--json")).json()).toMatchObject({
    mirror: { state: "seen" },
  });
});

it("keeps one place for the token, by its whole path", async () => {
  const settings = async () =>
    JSON.parse(await readFile(join(scene.stateDir, "forge.json"), "utf8")).mirror;
  const before = await settings();
  expect((await land("mirror", "set", bare, "--token-env", "MIRROR_TOKEN")).code).toBe(0);
  const both = ["--token-env", "MIRROR_TOKEN", "--token-file", "token"];
  const refused = await land("mirror", "set", bare, ...both);
  expect([refused.code === 0, refused.json().error]).toMatchObject([
    false,
    { code: "bad_argument" },
  ]);
  expect(await settings()).toEqual({ ...before, tokenEnv: "MIRROR_TOKEN" });
  expect((await land("mirror", "set", bare, "--token-file", "token")).code).toBe(0);
  expect(await settings()).toEqual({ ...before, tokenFile: join(scene.repo, "token") });
  // Over this transport no token is sent, and none is looked for.
  await isInStep();
});

it("goes on once a branch that merges the mirror's tip is landed", async () => {
  const { ours, there } = await diverge("second");
  const waits = await branch("waits-for-merge");
  await isRefused(waits);
  expect((await land("queue")).json().target_note).toMatch(/Landing stands still.*Either/);

  const both = await branch("both");
  await scene.git(both, "fetch", "-q", "forge", "main");
  await scene.git(both, "reset", "-q", "--hard", "FETCH_HEAD");
  await scene.git(both, "fetch", "-q", bare, "main");
  await scene.git(both, "merge", "-q", "--no-edit", "FETCH_HEAD");
  expect(await landed(both)).toBe("landed");
  await isInStep();
  for (const old of [ours, there]) {
    await scene.git(bare, "merge-base", "--is-ancestor", old, "refs/heads/main");
  }
  expect(await landed(waits)).toBe("landed");
  await isInStep();
});

it("goes on once the owner put the mirror back and synced", async () => {
  const { ours, there } = await diverge("third");
  const waits = await branch("waits-for-owner");
  await isRefused(waits);
  const lease = `--force-with-lease=refs/heads/main:${there}`;
  await scene.git(scene.canonical, "push", "-q", lease, bare, `${ours}:refs/heads/main`);
  await isRefused(waits);
  await isInStep();
  expect(await landed(waits)).toBe("landed");
  await isInStep();
});
