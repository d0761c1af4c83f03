import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { manifestOf } from "../support/cli.ts";
import {
  type Aftermath,
  aFaultScene,
  aftermathOf,
  type FaultScene,
  isLandedOnce,
  type LandEnd,
  startLand,
} from "../support/faults.ts";

/** One lane in the sandbox and one without it, both long enough to be met in the middle. */
const files = {
  "ci/forge-lanes.toml": manifestOf({
    boxed: ["sh", "-c", "sleep 0.15; test -e readme.txt"],
    bare: ["sh", "-c", "sleep 0.15; test -e readme.txt"],
  }),
  "readme.txt": "one\n",
};

let scene: FaultScene;
let branches = 0;

beforeAll(async () => {
  scene = await aFaultScene(files, { unsandboxedLanes: ["bare"] });
});

afterAll(() => scene[Symbol.asyncDispose]());

async function nextBranch(): Promise<{ branch: string; worktree: string }> {
  branches += 1;
  const branch = `kill/${branches}`;
  const changed = { [`files/${branches}.txt`]: `${branches}\n` };
  return { branch, worktree: await scene.worktree(branch, changed) };
}

interface Case {
  readonly name: string;
  readonly killed: boolean;
  readonly ends: readonly LandEnd[];
  readonly after: Aftermath;
  readonly ms: number;
}

/** Lands a branch of its own while `landing` sees to it that the forge dies meanwhile. */
async function landThrough(
  name: string,
  landing: (worktree: string) => Promise<{ ends: readonly LandEnd[]; killed: boolean }>,
): Promise<Case> {
  const { branch, worktree } = await nextBranch();
  const begun = performance.now();
  const { ends, killed } = await landing(worktree);
  const ms = performance.now() - begun;
  const after = await aftermathOf(scene, branch);
  await scene.forget(worktree, branch);
  return { name, killed, ends, ms, after };
}

/** Lands with the forge being killed where the points say, one after the other. */
function killedAt(...points: string[]): Promise<Case> {
  return landThrough(points.join(", then "), async (worktree) => {
    const trace = await scene.order(points);
    const ends = await scene.landToEnd(worktree);
    const times = (await trace()).filter((line) => line === "killed").length;
    return { ends, killed: times === points.length };
  });
}

/** Lands with the forge being killed from outside, so long after a line of progress (or the start). */
function killedAfter(line: RegExp | undefined, ms: number): Promise<Case> {
  return landThrough(`${ms} ms after ${line ?? "the start"}`, async (worktree) => {
    const landing = startLand(scene, worktree);
    if (line !== undefined) await landing.said(line);
    await pause(ms);
    const killed = await scene.killForge();
    const first = await landing.ended;
    if (first.state === "landed") return { ends: [first], killed };
    return { ends: [first, ...(await scene.landToEnd(worktree))], killed };
  });
}

/** Everything that is not as it should be after these cases. */
function faultsIn(cases: readonly Case[]): unknown[] {
  return cases.flatMap(({ name, ends, after }) => {
    const good = ends.at(-1)?.state === "landed" && isLandedOnce(after);
    return good
      ? []
      : [{ name, ends: ends.map(({ state, answer }) => ({ state, answer })), after }];
  });
}

function tell(what: string, cases: readonly Case[]): void {
  const times = cases.map(({ ms }) => ms).sort((a, b) => a - b);
  const seconds = (ms = 0) => `${(ms / 1000).toFixed(1)} s`;
  const slowest = cases.find(({ ms }) => ms === times.at(-1));
  console.log(
    `${what}: ${cases.filter(({ killed }) => killed).length} of ${cases.length} landings met their kill; ` +
      `landed after ${seconds(times[times.length >> 1])} in the median, at most ` +
      `${seconds(times.at(-1))} (${slowest?.name}); ` +
      `${cases.filter(({ ends }) => ends.length > 1).length} had to ask again`,
  );
}

it("lands exactly once when the forge is killed at any point of its work", async () => {
  const { worktree } = await nextBranch();
  const passed = await scene.order([]);
  expect((await scene.landToEnd(worktree)).map(({ state }) => state)).toEqual(["landed"]);
  const points = telling(await passed());
  for (const kind of ["POST ", "git update-ref ", "lane ", "commit "]) {
    expect(points).toContainEqual(expect.stringMatching(`^${kind}`));
  }
  const cases: Case[] = [];
  for (const point of points) cases.push(await killedAt(point));
  tell("Killed at a point", cases);
  expect(faultsIn(cases)).toEqual([]);
  expect(cases.filter(({ killed }) => killed).length).toBeGreaterThan(points.length * 0.8);
});

/** Where a kill can make a difference: of points that are alike, the first and the last. */
function telling(passed: readonly string[]): readonly string[] {
  const changes = /^commit |^git (update-ref|commit-tree|checkout) |^lane |^POST (?!.*auth)/;
  const looks = /^GET .* asked|^git \S+ begun #/;
  const byName = Map.groupBy(
    passed.filter((point) => changes.test(point) || looks.test(point)),
    (point) => point.replace(/ #\d+$/, ""),
  );
  return [...byName].flatMap(([name, all]) =>
    name.startsWith("commit ") ? all : [...new Set([all[0] ?? name, all.at(-1) ?? name])],
  );
}

/** As many changes as a start makes that has to mend everything. */
const mendingPoints = 8;

it.each([
  ["before the target moved", "git update-ref before #2"],
  ["after the target moved", "git update-ref ended #2"],
  ["while lanes ran", "commit after #5"],
])(
  "lands exactly once when the next forge is killed too, as it mends what was cut off %s",
  async (_when, first) => {
    const { worktree } = await nextBranch();
    const passed = await scene.order([first]);
    expect((await scene.landToEnd(worktree)).at(-1)?.state).toBe("landed");
    const all = await passed();
    const mending = all.slice(all.indexOf("killed") + 1);
    // When the first requests come in between is not the same each time; these come first anyway.
    const seconds = mending
      .filter((point) => /^git update-ref|^commit (before|after) #[2-9]/.test(point))
      .slice(0, mendingPoints);
    expect(seconds).toHaveLength(mendingPoints);
    const cases: Case[] = [];
    for (const second of seconds) cases.push(await killedAt(first, second));
    tell(`Killed twice, at ${first} first`, cases);
    expect(faultsIn(cases)).toEqual([]);
  },
);

it("lands exactly once when the forge is killed at any time", async () => {
  const clean = await landThrough("", async (worktree) => ({
    ends: await scene.landToEnd(worktree),
    killed: false,
  }));
  const cases: Case[] = [];
  const kills = 16;
  for (let at = 0; at < kills; at += 1) {
    cases.push(await killedAfter(undefined, Math.round((clean.ms * at) / kills)));
  }
  tell("Killed at a time", cases);
  expect(faultsIn(cases)).toEqual([]);
});

it("lands exactly once when the forge is killed at any time around the merge", async () => {
  const cases: Case[] = [];
  for (let ms = 0; ms <= 300; ms += 20) cases.push(await killedAfter(/CI: success/, ms));
  tell("Killed around the merge", cases);
  expect(faultsIn(cases)).toEqual([]);
});

it("lands exactly once after a git that was killed left the target locked", async () => {
  const { branch, worktree } = await nextBranch();
  await writeFile(join(scene.canonical, "refs/heads/main.lock"), "");
  await scene.killForge();
  const ends: LandEnd[] = [];
  // The lock counts as left behind once it is older than any git would hold it.
  while (ends.at(-1)?.state !== "landed" && ends.length < 20) {
    ends.push(...(await scene.landToEnd(worktree, 1)));
    await pause(1000);
  }
  const states = new Set(ends.map(({ state }) => state));
  expect([...states].filter((state) => state !== "error: forge_error")).toEqual(["landed"]);
  expect(await aftermathOf(scene, branch)).toSatisfy(isLandedOnce);
});

it("lands exactly once when the forge is killed at each line of progress", async () => {
  const lines = [
    /^(rebased|pushed)/,
    /^pushed/,
    /^CI: /,
    /CI: success/,
    /the forge merged/,
    /^fetched/,
  ];
  const cases: Case[] = [];
  for (const line of lines) cases.push(await killedAfter(line, 0));
  tell("Killed at a line", cases);
  expect(faultsIn(cases)).toEqual([]);
});
