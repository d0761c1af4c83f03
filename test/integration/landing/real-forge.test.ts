import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { eventHubOf } from "../../../src/forges/event-hub.ts";
import { connectPika } from "../../../src/forges/pika.ts";
import { openWorkingCopy } from "../../../src/git/open-working-copy.ts";
import { parseSecretKey } from "../../../src/identity/keys.ts";
import { signerOf } from "../../../src/identity/signer.ts";
import type { LandingEnd } from "../../../src/landing/ends.ts";
import { land } from "../../../src/landing/land.ts";
import { startTestForge, type TestForge } from "../../support/server.ts";

let server: TestForge;

beforeEach(async () => {
  server = await startTestForge();
});
afterEach(() => server.close());

/** Lands what is checked out in a folder, as an agent of its own: own connection, own events. */
async function landIn(dir: string, progress: (line: string) => void = () => {}) {
  const forge = connectPika({
    name: "local",
    baseUrl: server.origin,
    signer: signerOf(parseSecretKey(server.agent.nsec)),
  });
  return land(
    {
      copy: await openWorkingCopy(dir, server.env),
      forge,
      remote: "forge",
      changes: () => eventHubOf(forge).subscribe(),
      signal: AbortSignal.timeout(50_000),
      progress,
    },
    { branch: undefined, target: undefined, dryRun: false, maxSeconds: 45, merge: true },
  );
}

/** A worktree on a new branch with one commit. */
async function branchIn(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const dir = join(server.dir, `tree-${name}`);
  await server.git(["worktree", "add", "-q", "-b", name, dir, "main"]);
  await commitIn(dir, files);
  return dir;
}

async function commitIn(dir: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) await writeFile(join(dir, path), text);
  await server.git(["add", "-A"], dir);
  await server.git(["commit", "-q", "-m", "change"], dir);
}

const canonical = (...args: string[]) => server.git(args, server.config.repositoryDir);

test("a failing lane is told with its log; the fix lands and is in the target", async () => {
  const dir = await branchIn("x", { "mine.txt": "mine\n", fail: "x\n" });
  const failed = await landIn(dir);
  expect(failed).toMatchObject({ state: "ci_failed", lanes: [{ lane: "check" }] });
  expect(failed.state === "ci_failed" && failed.lanes[0]?.log).toContain("checking");
  await server.git(["rm", "-q", "fail"], dir);
  await server.git(["commit", "-q", "-m", "fix"], dir);
  const end = await landIn(dir);
  expect(end).toMatchObject({ state: "landed", already: false });
  expect(await canonical("show", "refs/heads/main:mine.txt")).toBe("mine");
  expect(await canonical("for-each-ref", "refs/heads/x")).toBe("");
  expect(await landIn(dir)).toMatchObject({ state: "landed", already: true });
});

test("agents that land at the same time all land, each as a tree that was tested", async () => {
  const names = ["one", "two", "three"];
  const dirs: string[] = [];
  for (const name of names) dirs.push(await branchIn(name, { [`${name}.txt`]: "x\n" }));
  const ends: LandingEnd[] = await Promise.all(dirs.map((dir) => landIn(dir)));
  expect(ends.map((end) => end.state)).toEqual(names.map(() => "landed"));
  const files = await canonical("ls-tree", "--name-only", "refs/heads/main");
  for (const name of names) expect(files).toContain(`${name}.txt`);
  const merges = await canonical("log", "--merges", "--format=%T %P", "refs/heads/main");
  for (const line of merges.split("\n")) {
    const [tree, , head] = line.split(" ");
    expect(await canonical("rev-parse", `${head}^{tree}`)).toBe(tree);
  }
});

test("a forge that restarts right after the push does not end the landing", async () => {
  const dir = await branchIn("x", { "mine.txt": "mine\n" });
  let restarting: Promise<TestForge> | undefined;
  const end = await landIn(dir, (line) => {
    if (!line.startsWith("pushed ") || restarting !== undefined) return;
    restarting = server.restart({ port: Number(new URL(server.origin).port) });
  });
  expect(restarting).toBeDefined();
  server = (await restarting) ?? server;
  expect(end).toMatchObject({ state: "landed" });
});
