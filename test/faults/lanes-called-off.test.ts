import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { manifestOf } from "../support/cli.ts";
import { aFaultScene, commitFiles, type FaultScene, rows } from "../support/faults.ts";
import {
  lifelinesOf,
  mountsBelow,
  pidsOfCommand,
  processesIn,
  workspaceLeftovers,
} from "../support/lane-processes.ts";

const hiddenFor = String(60_000_000 + process.pid);
/** Does nothing, or all that it can so as not to end, as its test says by a file in its cache. */
const script = (hide: string) => `
  test -e "$XDG_CACHE_HOME/resist" || exit 0
  trap '' TERM INT HUP; exec > /dev/null 2>&1
  (setsid sh -c "(setsid sh -c \\"trap '' TERM; while :; do sleep 1000; done\\" &)" &)
  ${hide} chmod 000 .; touch "$XDG_CACHE_HOME/begun"; while :; do sleep 1000; done`;
const lanes = { boxed: `(env -i setsid sleep ${hiddenFor} &);`, bare: "" };
const soon = { interval: 20, timeout: 60_000 };

let scene: FaultScene;
let workspaces: string;
let instance: string;

beforeAll(async () => {
  const manifest = Object.entries(lanes).map(([name, hide]) => [name, ["sh", "-c", script(hide)]]);
  const files = {
    "ci/forge-lanes.toml": manifestOf(Object.fromEntries(manifest)),
    "readme.txt": "one\n",
  };
  scene = await aFaultScene(files, { unsandboxedLanes: ["bare"] });
  workspaces = join(scene.stateDir, "workspaces");
  const settings = rows<{ value: string }>(
    scene.stateDir,
    "SELECT value FROM settings WHERE name = 'ci_instance'",
  );
  instance = settings[0]?.value ?? "";
});
afterAll(async () => {
  await scene[Symbol.asyncDispose]();
  // It looks a few times more once its forge has stopped.
  await vi.waitFor(() => expect(lifelinesOf(instance)).toEqual([]), soon);
});

async function resist(does: boolean): Promise<void> {
  for (const name of Object.keys(lanes)) {
    const dir = join(scene.stateDir, "cache", name, "xdg");
    await mkdir(dir, { recursive: true });
    for (const file of ["begun", "resist"]) await rm(join(dir, file), { force: true });
    if (does) await writeFile(join(dir, "resist"), "");
  }
}

const kindsOf = (branch: string) =>
  rows<{ kind: string | null }>(
    scene.stateDir,
    `SELECT ifnull(failure_kind, lanes.status) AS kind FROM lanes
     JOIN branches ON branches.id = lanes.branch_id WHERE branches.name = ? ORDER BY lanes.id`,
    branch,
  ).map(({ kind }) => kind);

/** Both lanes of the branch are in the middle of their mischief. */
async function begunOf(branch: string): Promise<void> {
  const running = () => kindsOf(branch).filter((kind) => kind === "running").length;
  await expect.poll(running, soon).toBe(2);
  await expect.poll(() => processesIn(workspaces).length, soon).toBeGreaterThan(6);
  await expect.poll(() => pidsOfCommand("sleep", hiddenFor).length, soon).toBeGreaterThan(0);
}

async function expectNothingLeft(): Promise<void> {
  await expect.poll(() => processesIn(workspaces), soon).toEqual([]);
  expect(pidsOfCommand("sleep", hiddenFor)).toEqual([]);
  expect(mountsBelow(scene.stateDir)).toEqual([]);
  await expect.poll(() => workspaceLeftovers(workspaces), soon).toEqual([]);
  const open = "SELECT id FROM lanes WHERE status IN ('queued', 'running')";
  expect(rows(scene.stateDir, open)).toEqual([]);
}

it("nothing of a lane is left once its branch has a newer head, and then is closed", async () => {
  await resist(true);
  const dir = await scene.worktree("closed", { "x.txt": "x\n" });
  expect((await scene.land(dir, "push", "--json")).code).toBe(0);
  await begunOf("closed");
  await commitFiles({ git: scene.git, dir }, { "x.txt": "y\n" }, "newer");
  expect((await scene.land(dir, "push", "--json")).code).toBe(0);
  await expect
    .poll(() => kindsOf("closed").slice(0, 2), soon)
    .toEqual(["superseded", "superseded"]);
  await begunOf("closed");
  const closed = await scene.land(dir, "close", "--json");
  expect(closed.code, closed.err).toBe(0);
  expect(kindsOf("closed")).toEqual(["superseded", "superseded", "cancelled", "cancelled"]);
  await expectNothingLeft();
});

it("nothing of a lane that runs anew is left once its branch is merged", async () => {
  await resist(false);
  const dir = await scene.worktree("merged", { "z.txt": "z\n" });
  expect((await scene.land(dir, "push", "--json")).code).toBe(0);
  expect((await scene.land(dir, "wait", "--json")).code).toBe(0);
  await resist(true);
  for (const name of Object.keys(lanes)) {
    const again = await scene.land(dir, "recover", "rerun_lane", "--lane", name, "--json");
    expect(again.code, again.err).toBe(0);
  }
  await begunOf("merged");
  const merged = await scene.land(dir, "merge", "--json");
  expect(merged.code, merged.out).toBe(0);
  expect(kindsOf("merged")).toEqual(["success", "success", "cancelled", "cancelled"]);
  await expectNothingLeft();
});
