import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { manifestOf, processFile } from "../support/cli.ts";
import { aftermathOf, isLandedOnce, landEnd, rows, startLand } from "../support/faults.ts";
import { aDiskScene, type DiskScene, noMounting } from "../support/state-disk.ts";

const why = noMounting();
if (why !== undefined) console.log(`Full and read-only disks are skipped: ${why}.`);

/** Waits for a file outside of its workspace, where the tree names one; then needs some room. */
const files = {
  "ci/forge-lanes.toml": manifestOf({
    unit: [
      "sh",
      "-c",
      'for gate in gates/*; do while test -e "$gate" && ! test -e "$(cat "$gate")"; do sleep 0.05; done; done; head -c 200000 /dev/zero >made && wc -c made',
    ],
  }),
  "readme.txt": "one\n",
};

describe.skipIf(why !== undefined)("a disk that is full", () => {
  let scene: DiskScene;
  let branches = 0;
  beforeAll(async () => {
    scene = await aDiskScene(files, { settings: { unsandboxedLanes: ["unit"] } });
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  async function nextBranch(named: Readonly<Record<string, string>> = {}) {
    branches += 1;
    const branch = `full/${branches}`;
    const worktree = await scene.worktree(branch, {
      [`files/${branches}`]: `${branch}\n`,
      ...named,
    });
    return { branch, worktree, gate: join(scene.dir, `gate-${branches}`) };
  }

  const gated = () =>
    nextBranch({ [`gates/${branches + 1}`]: join(scene.dir, `gate-${branches + 1}`) });
  const pid = async () => (await processFile(scene.stateDir)).pid;
  const lanes = () =>
    rows<{ status: string; reason: string; failure_kind: string | null }>(
      scene.stateDir,
      "SELECT status, reason, failure_kind FROM lanes ORDER BY id DESC LIMIT 1",
    )[0];

  it("is told by status, queue and doctor, refuses a push in words, and is over when it is over", async () => {
    // Too much for the room that is left: the push fails in its middle.
    const large = randomBytes(2 << 20).toString("base64");
    const { branch, worktree } = await nextBranch({ large });
    expect((await scene.land(worktree, "status", "--json")).code).toBe(0);
    const before = await pid();
    scene.fill(1 << 20);
    const ends = await scene.landToEnd(worktree, 1);
    expect(JSON.stringify(ends)).toMatch(/No space left on device|disk of .* is full/);
    expect(ends[0]?.code).not.toBe(0);
    for (const command of [["queue"], ["status"]]) {
      expect((await scene.land(worktree, ...command)).out).toMatch(/the disk of \S+ is full/);
    }
    expect((await scene.land(worktree, "doctor")).out).toMatch(
      /missing +forge state +the disk of \S+ is full/,
    );
    scene.makeRoom();
    expect((await scene.landToEnd(worktree)).at(-1)?.state).toBe("landed");
    expect(await aftermathOf(scene, branch)).toSatisfy(isLandedOnce);
    expect(await pid()).toBe(before);
  });

  it("under a running lane makes it run again when there is room, by itself", async () => {
    const { branch, worktree, gate } = await gated();
    const before = await pid();
    const landing = startLand(scene, worktree);
    await landing.said(/running unit/);
    await expect.poll(() => lanes()?.status).toBe("running");
    scene.fill();
    await writeFile(gate, "");
    // It fails for want of room, and that is nobody's result.
    await expect
      .poll(() => scene.land(worktree, "queue").then(({ out }) => out), slow)
      .toMatch(/disk of \S+ is full/);
    await pause(1500);
    expect(lanes()?.status).not.toBe("failed");
    scene.makeRoom();
    expect(await landing.ended).toMatchObject({ state: "landed" });
    expect(await aftermathOf(scene, branch)).toSatisfy(isLandedOnce);
    expect(await pid()).toBe(before);
  });

  it("starts no lane that could but fail, and says what it waits for", async () => {
    const { branch, worktree } = await nextBranch();
    scene.fill(4 << 20);
    const landing = startLand(scene, worktree);
    await landing.said(/CI: /);
    const waits = () => scene.land(worktree, "queue").then(({ out }) => out);
    await expect
      .poll(waits, slow)
      .toMatch(/waiting_for_capacity · waits for room for the forge's state: the disk of/);
    expect(lanes()).toMatchObject({ status: "queued", failure_kind: null });
    scene.makeRoom();
    expect(await landing.ended).toMatchObject({ state: "landed" });
    expect(await aftermathOf(scene, branch)).toSatisfy(isLandedOnce);
  });

  it("around the merge loses no commit and merges nothing twice", async () => {
    const faults: unknown[] = [];
    for (let ms = 0; ms <= 160; ms += 40) {
      const { branch, worktree } = await nextBranch();
      const landing = startLand(scene, worktree);
      await landing.said(/CI: success/);
      await pause(ms);
      scene.fill();
      const first = await landing.ended;
      scene.makeRoom();
      const ends = first.state === "landed" ? [first] : await scene.landToEnd(worktree);
      const after = await aftermathOf(scene, branch);
      if (ends.at(-1)?.state !== "landed" || !isLandedOnce(after)) {
        faults.push({ ms, first, ends, after });
      }
    }
    expect(faults).toEqual([]);
  });

  it("while the forge comes back is told, writes nothing, and ends no process in a loop", async () => {
    const { branch, worktree, gate } = await gated();
    const landing = startLand(scene, worktree);
    await landing.said(/running unit/);
    await scene.killForge();
    scene.fill();
    expect(await landing.ended).not.toMatchObject({ state: "landed" });
    const end = landEnd(await scene.land(worktree, "--json"));
    expect(end).toMatchObject({ code: 1, state: "error: storage_failed" });
    expect(JSON.stringify(end.answer)).toMatch(/the disk of \S+ is full.*Free some space/);
    scene.makeRoom();
    await writeFile(gate, "");
    expect((await scene.landToEnd(worktree)).at(-1)?.state).toBe("landed");
    expect(await aftermathOf(scene, branch)).toSatisfy(isLandedOnce);
  });
});

const slow = { timeout: 30_000, interval: 200 };

describe.skipIf(why !== undefined)("a state folder that is read-only", () => {
  let scene: DiskScene;
  beforeAll(async () => {
    scene = await aDiskScene(files, { kind: "ext4", megabytes: 96 });
  });
  afterAll(() => scene?.[Symbol.asyncDispose]());

  it("is told before anything starts, and nothing is written", async () => {
    const worktree = await scene.worktree("ro/1", { a: "a\n" });
    await scene.stop();
    await expect.poll(() => scene.remount("ro"), slow).toBe(true);
    const end = landEnd(await scene.land(worktree, "--json"));
    expect(end).toMatchObject({ code: 1, state: "error: storage_failed" });
    expect(JSON.stringify(end.answer)).toMatch(/read-only file system.*land serve/);
    const served = await scene.land(worktree, "serve");
    expect(served.code).toBe(1);
    expect(served.err).toMatch(/storage_failed/);
    expect(served.err).toMatch(/writable/);
    expect((await scene.land(worktree, "doctor")).out).toMatch(/blocked +forge state .*read-only/);
    scene.remount("rw");
    expect((await scene.landToEnd(worktree)).at(-1)?.state).toBe("landed");
    expect(await aftermathOf(scene, "ro/1")).toSatisfy(isLandedOnce);
  });

  it("all of a sudden is told, half merges nothing, and is over after a restart", async () => {
    const worktree = await scene.worktree("ro/2", { b: "b\n" });
    const landing = startLand(scene, worktree);
    await landing.said(/CI: success/);
    scene.fault();
    const first = await landing.ended;
    const { pid } = await processFile(scene.stateDir);
    expect(() => process.kill(pid, 0)).not.toThrow();
    const queue = await scene.land(worktree, "recover", "pause");
    expect(`${queue.out}${queue.err}`).toMatch(/storage_failed/);
    await scene.killForge();
    await expect
      .poll(() => {
        try {
          process.kill(pid, 0);
          return true;
        } catch {
          return false;
        }
      }, slow)
      .toBe(false);
    scene.reinsert();
    const ends = first.state === "landed" ? [first] : await scene.landToEnd(worktree);
    expect(ends.at(-1), JSON.stringify(ends)).toMatchObject({ state: "landed" });
    expect(await aftermathOf(scene, "ro/2")).toSatisfy(isLandedOnce);
  });
});
