import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openStore } from "../../../src/server/store/open-store.ts";
import { CanonicalBench } from "../../support/canonical.ts";

let bench: CanonicalBench;
afterEach(() => bench.dispose());
const setTarget = (sha: string) => bench.bare.run({ args: ["update-ref", "refs/heads/main", sha] });

describe("a target that was moved by hand", () => {
  let before: string;
  let outside: string;
  beforeEach(async () => {
    bench = await CanonicalBench.make();
    before = (await bench.tip("main")) ?? "";
    outside = (await bench.branch("outside")).head;
    await setTarget(outside);
    await bench.repository.ingest();
  });

  it("freezes landing, once told, also over a restart", async () => {
    expect(bench.repository.frozen()).toContain(outside);
    expect(bench.repository.frozen()).toContain(before);
    await bench.repository.ingest();
    await bench.restart();
    await bench.repository.ingest();
    expect(bench.repository.frozen()).toContain(outside);
    expect(bench.eventKinds().filter((kind) => kind === "landing_frozen")).toHaveLength(1);
    const branch = bench.record("outside");
    bench.endLanes(branch, "success");
    await expect(
      bench.repository.merge({
        ...{ branchId: branch.id, head: branch.head, force: undefined, by: "npub1agent" },
      }),
    ).rejects.toMatchObject({ code: "target_moved_outside", facts: { target_sha: outside } });
  });

  it("thaws by itself when the old value is back", async () => {
    await setTarget(before);
    await bench.repository.ingest();
    expect(bench.repository.frozen()).toBeNull();
    expect(bench.eventKinds().at(-1)).toBe("landing_thawed");
  });

  it("still lets the journalled value choose the lanes of what is pushed meanwhile", async () => {
    await bench.work.run({ args: ["checkout", "--quiet", "--detach", outside] });
    const head = await bench.commit({ "on-top.txt": "on top" });
    await bench.push("on-top");
    await bench.repository.ingest();
    expect(bench.ci.planned.at(-1)).toEqual({ head, mergeBase: before });
  });

  it.each(["junk\n", "", `${"1".repeat(40)}\n`])(
    "can be restored from a ref file that holds %j",
    async (content) => {
      await writeFile(join(bench.config.repositoryDir, "refs/heads/main"), content);
      await bench.repository.ingest();
      expect(bench.repository.frozen()).not.toBeNull();
      expect(await bench.repository.settleTarget("restore", "npub1owner")).toBe(before);
      expect(bench.repository.frozen()).toBeNull();
      expect(await bench.tip("main")).toBe(before);
      const { id: branchId } = await bench.greenBranch("feature");
      const request = { branchId, head: undefined, force: undefined, by: "npub1agent" };
      await expect(bench.repository.merge(request)).resolves.toBeDefined();
    },
  );

  it("can be accepted by the owner", async () => {
    expect(await bench.repository.settleTarget("accept", "npub1owner")).toBe(outside);
    expect(bench.repository.frozen()).toBeNull();
    expect(bench.store.read.lastTargetMove()).toMatchObject({
      kind: "accept",
      by: "npub1owner",
      targetBefore: before,
      targetAfter: outside,
    });
    await bench.repository.ingest();
    expect(bench.repository.frozen()).toBeNull();
    const branch = await bench.greenBranch("next");
    await expect(
      bench.repository.merge({
        ...{ branchId: branch.id, head: undefined, force: undefined, by: "npub1agent" },
      }),
    ).resolves.toBeDefined();
  });

  it("can be restored by the owner, and the other value is kept", async () => {
    expect(await bench.repository.settleTarget("restore", "npub1owner")).toBe(before);
    expect(await bench.tip("main")).toBe(before);
    expect(await bench.ref(`refs/land/outside/${outside}`)).toBe(outside);
    expect(bench.repository.frozen()).toBeNull();
    expect(bench.eventKinds().slice(-2)).toEqual(["target_moved", "landing_thawed"]);
  });

  it("can only be restored when it was deleted", async () => {
    await bench.bare.run({ args: ["update-ref", "-d", "refs/heads/main"] });
    await bench.repository.ingest();
    expect(bench.repository.frozen()).toContain("gone");
    await expect(bench.repository.settleTarget("accept", "npub1owner")).rejects.toMatchObject({
      status: 409,
    });
    expect(await bench.repository.settleTarget("restore", "npub1owner")).toBe(before);
    expect(await bench.tip("main")).toBe(before);
  });

  it("has nothing more to settle once it is settled", async () => {
    await bench.repository.settleTarget("accept", "npub1owner");
    const moves = bench.store.read.lastTargetMove();
    expect(await bench.repository.settleTarget("restore", "npub1owner")).toBe(outside);
    expect(bench.store.read.lastTargetMove()).toEqual(moves);
  });
});

describe("where the target begins", () => {
  it("is the seed, fetched once and never again", async () => {
    bench = await CanonicalBench.make();
    const seed = bench.config.seed?.sha;
    expect(await bench.tip("main")).toBe(seed);
    expect(bench.store.read.lastTargetMove()).toMatchObject({ kind: "create", targetAfter: seed });
    const branch = await bench.greenBranch("feature");
    const { mergeCommit } = await bench.repository.merge({
      ...{ branchId: branch.id, head: undefined, force: undefined, by: "npub1agent" },
    });
    await bench.restart();
    expect(await bench.tip("main")).toBe(mergeCommit);
    expect(bench.repository.frozen()).toBeNull();
  });

  it("is nowhere in an empty forge, which tells each branch so until the owner accepts one", async () => {
    bench = await CanonicalBench.make({ seeded: false });
    await bench.commit({ "a.txt": "a" });
    await bench.push("feature");
    await bench.repository.ingest();
    const branch = bench.record("feature");
    expect(branch).toMatchObject({ state: "open", mergeBase: null });
    expect(branch.problem).toContain("does not exist yet");
    expect(bench.repository.frozen()).toBeNull();
    await expect(
      bench.repository.merge({
        ...{ branchId: branch.id, head: undefined, force: undefined, by: "npub1agent" },
      }),
    ).rejects.toMatchObject({ status: 409 });

    await setTarget((await bench.work.text(["rev-parse", "HEAD~1"])) ?? "");
    await bench.repository.ingest();
    expect(bench.repository.frozen()).toContain("had not made it yet");
    await bench.restart();
    expect(bench.repository.frozen()).not.toBeNull();
    await bench.repository.settleTarget("accept", "npub1owner");
    await bench.repository.ingest();
    expect(bench.record("feature").problem).toBeNull();
    expect(bench.store.read.runsOfBranch(branch.id, 9)).toHaveLength(1);
  });

  it("is what a repository already has that meets a new store", async () => {
    bench = await CanonicalBench.make();
    const outside = (await bench.branch("feature")).head;
    await setTarget(outside);
    bench.store.close();
    await rm(bench.config.storeFile);
    bench.store = openStore(bench.config.storeFile, bench.clock);
    await bench.restart();
    expect(bench.repository.frozen()).toBeNull();
    expect(bench.store.read.lastTargetMove()).toMatchObject({
      kind: "create",
      targetAfter: outside,
    });
  });

  it("may be a commit of a sha256 repository", async () => {
    bench = await CanonicalBench.make({ objectFormat: "sha256" });
    const branch = await bench.greenBranch("feature");
    expect(branch.head).toHaveLength(64);
    const { mergeCommit } = await bench.repository.merge({
      ...{ branchId: branch.id, head: branch.head, force: undefined, by: "npub1agent" },
    });
    expect(await bench.tip("main")).toBe(mergeCommit);
  });
});
