import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { manifestOf } from "../support/cli.ts";
import {
  aFaultScene,
  aftermathOf,
  commitFiles,
  type FaultScene,
  isLandedOnce,
  startLand,
} from "../support/faults.ts";

const files = {
  "ci/forge-lanes.toml": manifestOf({ unit: ["sleep", "0.1"] }),
  "readme.txt": "one\n",
};

let scene: FaultScene;
let branches = 0;

beforeAll(async () => {
  scene = await aFaultScene(files);
  const { dir } = await behind(1);
  expect((await scene.landToEnd(dir)).at(-1)?.state).toBe("landed");
});

afterAll(() => scene[Symbol.asyncDispose]());

/** A branch with some commits that has fallen behind the target, so that it must be rebased. */
async function behind(commits: number): Promise<{ branch: string; dir: string }> {
  branches += 1;
  const branch = `agent/${branches}`;
  const path = `files/${branches}.txt`;
  const dir = await scene.worktree(branch, { [path]: "0\n" });
  for (let at = 1; at < commits; at += 1) {
    await commitFiles({ git: scene.git, dir }, { [path]: `${at}\n` }, `commit ${at}`);
  }
  return { branch, dir };
}

/** What is not as it should be, after `land` was killed and asked for again. */
async function faultsAfter(branch: string, dir: string): Promise<unknown[]> {
  const ends = await scene.landToEnd(dir);
  const after = await aftermathOf(scene, branch);
  const good = ends.length === 1 && ends[0]?.state === "landed" && isLandedOnce(after);
  return good ? [] : [{ branch, ends, after }];
}

it("lands exactly once when `land` is killed at any time and asked for again", async () => {
  const clean = await behind(8);
  const begun = performance.now();
  expect((await scene.landToEnd(clean.dir)).map(({ state }) => state)).toEqual(["landed"]);
  const whole = performance.now() - begun;
  const kills = 14;
  const faults: unknown[] = [];
  let met = 0;
  for (let at = 1; at <= kills; at += 1) {
    const { branch, dir } = await behind(8);
    const landing = startLand(scene, dir);
    await pause(Math.round((whole * at) / kills));
    landing.kill();
    if ((await landing.ended).state !== "landed") met += 1;
    faults.push(...(await faultsAfter(branch, dir)));
  }
  console.log(`Agent killed: ${met} of ${kills} landings met their kill`);
  expect(faults).toEqual([]);
});

it.each([/^rebased/, /^pushed/, /^CI: /, /CI: success/, /the forge merged/])(
  "lands exactly once when `land` is killed at %s and asked for again",
  async (line) => {
    const { branch, dir } = await behind(2);
    const landing = startLand(scene, dir);
    await landing.said(line);
    landing.kill();
    await landing.ended;
    expect(await faultsAfter(branch, dir)).toEqual([]);
  },
);

it("lands once where several land the same branch at the same time", async () => {
  for (const landings of [2, 2, 3]) {
    const { branch, dir } = await behind(5);
    const all = await Promise.all(Array.from({ length: landings }, () => scene.landToEnd(dir)));
    const ends = all.map((each) => each.at(-1));
    expect(ends.filter((end) => end?.state !== "landed")).toEqual([]);
    expect(await aftermathOf(scene, branch)).toSatisfy(isLandedOnce);
  }
});

it("lands once where a second clone lands the same branch at the same time", async () => {
  const { git, land } = scene;
  const { branch, dir } = await behind(1);
  const clone = `${scene.dir}/clone`;
  await git(scene.dir, "clone", "-q", "-b", branch, scene.repo, clone);
  const joined = await land(clone, "init", "--join", scene.repo, "--json");
  expect(joined.code, joined.err).toBe(0);
  const all = await Promise.all([scene.landToEnd(dir), scene.landToEnd(clone)]);
  const ends = all.map((each) => each.at(-1));
  // One of the two may be told that the other rebased the branch; it never lands it a second time.
  expect(ends.map((end) => end?.state)).toContain("landed");
  for (const end of ends) expect(["landed", "refused"]).toContain(end?.state);
  expect(await aftermathOf(scene, branch)).toSatisfy(isLandedOnce);
});
