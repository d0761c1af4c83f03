import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CanonicalBench, planOf } from "../../support/canonical.ts";

let bench: CanonicalBench;
beforeEach(async () => {
  bench = await CanonicalBench.make();
});
afterEach(() => bench.dispose());

const runsOf = (branchId: number) => bench.store.read.runsOfBranch(branchId, 99);
const lanesOfRun = (runId: number | undefined) => bench.store.read.lanesOfRun(runId ?? 0);

describe("a new branch", () => {
  it("gets its record and its run as one, and wakes CI", async () => {
    bench.ci.planner = () => planOf("lint", "test");
    const seen = bench.store.read.newestEventSeq();
    const branch = await bench.branch("feature");
    expect(branch).toMatchObject({
      name: "feature",
      title: "Add feature",
      state: "open",
      target: "main",
      mergeBase: await bench.tip("main"),
      problem: null,
      createdAt: "2026-01-01T00:00:00.000Z",
    });
    const [run, ...more] = runsOf(branch.id);
    expect(more).toEqual([]);
    expect(run).toMatchObject({ head: branch.head, status: "queued", subject: "head" });
    expect(lanesOfRun(run?.id).map((each) => each.lane)).toEqual(["lint", "test"]);
    expect(bench.eventKinds(seen)).toEqual(["branch_opened", "run_queued"]);
    expect(bench.ci.wakes).toBe(1);
  });

  it("is green at once where no lane is selected", async () => {
    bench.ci.planner = () => ({ ...planOf(), reason: "nothing_selected" });
    const branch = await bench.branch("feature");
    expect(runsOf(branch.id)[0]).toMatchObject({ status: "success", reason: "nothing_selected" });
  });

  it("has its whole subject line as title, of any length and script", async () => {
    await bench.startFrom();
    await bench.commit({}, `Überschrift, zweizeilig\nweiter ${"lang ".repeat(200)}\n\nbody`);
    await bench.push("feature");
    await bench.repository.ingest();
    const { title } = bench.record("feature");
    expect(title).toMatch(/^Überschrift, zweizeilig weiter lang/);
    expect(title.length).toBeLessThan(310);
  });

  it("is the branch and not the tag of the same name; tags and the target are none", async () => {
    await bench.startFrom();
    const tagged = await bench.commit({ "tagged.txt": "tagged" });
    await bench.pushRef("refs/tags/x");
    const head = await bench.commit({ "head.txt": "head" });
    await bench.push("x");
    await bench.repository.ingest();
    expect(bench.record("x").head).toBe(head);
    expect(head).not.toBe(tagged);
    expect(bench.store.read.openBranches().map((each) => each.name)).toEqual(["x"]);
  });
});

describe("a branch that moved", () => {
  it("keeps its number, and the new head supersedes the old one's lanes", async () => {
    const branch = await bench.branch("feature");
    const [old] = runsOf(branch.id);
    const seen = bench.store.read.newestEventSeq();
    const head = await bench.commit({ "more.txt": "more" }, "More");
    await bench.push("feature");
    await bench.repository.ingest();
    expect(bench.record("feature")).toMatchObject({ id: branch.id, head, title: "More" });
    expect(bench.store.read.run(old?.id ?? 0)).toMatchObject({
      status: "failed",
      reason: "superseded",
    });
    expect(lanesOfRun(old?.id)[0]).toMatchObject({ status: "failed", failureKind: "superseded" });
    expect(runsOf(branch.id)[0]).toMatchObject({ head, status: "queued" });
    expect(bench.eventKinds(seen)).toEqual([
      "branch_moved",
      "lane_finished",
      "run_finished",
      "run_queued",
    ]);
  });

  it("leaves a run of the old head that had ended as it was", async () => {
    const branch = await bench.greenBranch("feature");
    await bench.commit({ "more.txt": "more" });
    await bench.push("feature");
    await bench.repository.ingest();
    expect(runsOf(branch.id).map((run) => run.status)).toEqual(["queued", "success"]);
  });

  it("back to a head that was green gets a new run, since the newest must be the head's", async () => {
    const branch = await bench.greenBranch("feature");
    await bench.commit({ "more.txt": "more" });
    await bench.push("feature");
    await bench.repository.ingest();
    await bench.push("feature", branch.head);
    await bench.repository.ingest();
    expect(runsOf(branch.id).map((run) => run.head)[0]).toBe(branch.head);
    expect(runsOf(branch.id)).toHaveLength(3);
    expect(runsOf(branch.id)[1]?.reason).toBe("superseded");
  });
});

describe("a branch whose ref is gone", () => {
  it("is closed, its lanes are cancelled, and a new push is a new record", async () => {
    const branch = await bench.branch("feature");
    await bench.push("feature", "");
    await bench.repository.ingest();
    expect(bench.store.read.branch(branch.id)).toMatchObject({ state: "closed", endedBy: null });
    expect(lanesOfRun(runsOf(branch.id)[0]?.id)[0]?.failureKind).toBe("cancelled");
    await bench.push("feature", branch.head);
    await bench.repository.ingest();
    const again = bench.record("feature");
    expect(again).toMatchObject({ state: "open", head: branch.head });
    expect(again.id).not.toBe(branch.id);
    expect(runsOf(again.id)).toHaveLength(1);
  });
});

/** Counts the git processes that the forge started since the last count. */
async function processCounter(): Promise<() => Promise<number>> {
  const trace = join(bench.dir, "trace");
  Object.assign(bench.config.env, { GIT_TRACE2_EVENT: trace });
  await bench.restart();
  await writeFile(trace, "");
  return async () => {
    const started = (await readFile(trace, "utf8")).split('"event":"start"').length - 1;
    await writeFile(trace, "");
    return started;
  };
}

describe("a pass", () => {
  it("with nothing new changes nothing and asks nothing", async () => {
    await bench.branch("feature");
    const seen = bench.store.read.newestEventSeq();
    const wakes = bench.ci.wakes;
    await bench.repository.ingest();
    expect(bench.eventKinds(seen)).toEqual([]);
    expect(bench.ci.planned).toHaveLength(1);
    expect(bench.ci.wakes).toBe(wakes);
  });

  it("costs one git process with nothing new, and few more for a branch", async () => {
    const trace = join(bench.dir, "trace");
    const traced = await CanonicalBench.make();
    try {
      traced.config.env as Record<string, string>;
      Object.assign(traced.config.env, { GIT_TRACE2_EVENT: trace });
      await traced.restart();
      const starts = async () =>
        (await readFile(trace, "utf8")).split('"event":"start"').length - 1;
      await writeFile(trace, "");
      await traced.repository.ingest();
      expect(await starts()).toBe(1);
    } finally {
      await traced.dispose();
    }
  });

  it("is shared by all who ask while another runs", async () => {
    const processes = await processCounter();
    const other = bench.repository.settleTarget("accept", "npub1owner");
    await Promise.all([other, ...[1, 2, 3, 4].map(() => bench.repository.ingest())]);
    expect(await processes()).toBe(2);
  });

  it("that begins before a push does not stand in for the one that was asked for after it", async () => {
    await bench.startFrom();
    await bench.commit({ "a.txt": "a" });
    await bench.push("a");
    bench.ci.planner = async () => {
      bench.ci.planner = () => planOf("test");
      await bench.push("b");
      later = bench.repository.ingest();
      return planOf("test");
    };
    let later: Promise<void> | undefined;
    await bench.repository.ingest();
    await later;
    expect(bench.record("b").state).toBe("open");
  });
});

describe("one bad branch", () => {
  const setRef = (name: string, content: string) =>
    writeFile(join(bench.config.repositoryDir, "refs/heads", name), `${content}\n`);

  it("never stops the others, whatever is wrong with it", async () => {
    await bench.startFrom();
    await bench.commit({ "good.txt": "good" });
    await bench.push("z-good");
    await bench.work.run({ args: ["checkout", "--quiet", "--orphan", "lonely"] });
    await bench.commit({ "lonely.txt": "lonely" });
    await bench.push("a-lonely");
    await setRef("b-missing", "1".repeat(40));
    const blob = await bench.bare.run({
      args: ["hash-object", "-w", "--stdin"],
      input: "no commit",
    });
    await setRef("c-blob", blob.stdout.trim());
    await setRef("d-damaged", "junk");
    await bench.bare.run({ args: ["symbolic-ref", "refs/heads/e-other", "refs/heads/main"] });
    const bytes = Buffer.concat([
      Buffer.from(`${join(bench.config.repositoryDir, "refs/heads")}/f-`),
      Buffer.from([0xff]),
    ]);
    await writeFile(bytes, `${await bench.tip("main")}\n`);

    await bench.repository.ingest();

    const good = bench.record("z-good");
    expect(good.problem).toBeNull();
    expect(runsOf(good.id)).toHaveLength(1);
    const problems = bench.store.read.openBranches().map((each) => [each.name, each.problem]);
    expect(Object.fromEntries(problems)).toEqual({
      "a-lonely": expect.stringContaining("shares no history"),
      "b-missing": expect.stringContaining("missing here or is no commit"),
      "c-blob": expect.stringContaining("missing here or is no commit"),
      "z-good": null,
    });
    expect(runsOf(bench.record("a-lonely").id)).toEqual([]);
  });

  it("whose plan fails has a problem and is looked at again, ever more rarely", async () => {
    bench.ci.planner = () => {
      throw new Error("the disk is full");
    };
    const branch = await bench.branch("feature");
    expect(branch.problem).toContain("the disk is full");
    expect(runsOf(branch.id)).toEqual([]);
    const seen = bench.store.read.newestEventSeq();
    await bench.repository.ingest();
    expect(bench.ci.planned).toHaveLength(1);
    bench.clock.tick(1000);
    await bench.repository.ingest();
    bench.clock.tick(1000);
    await bench.repository.ingest();
    expect(bench.ci.planned).toHaveLength(2);
    expect(bench.eventKinds(seen)).toEqual([]);
    bench.ci.planner = () => planOf("test");
    bench.clock.tick(1000);
    await bench.repository.ingest();
    expect(bench.record("feature").problem).toBeNull();
    expect(runsOf(branch.id)).toHaveLength(1);
  });

  it("whose run cannot be recorded has a problem instead", async () => {
    bench.ci.planner = () => planOf("test", "test");
    const branch = await bench.branch("feature");
    expect(branch.problem).toContain("could not be recorded");
    expect(runsOf(branch.id)).toEqual([]);
  });

  it.each(["", "junk"])(
    "whose ref is damaged by %j goes on from its head, and all can push",
    async (content) => {
      const branch = await bench.branch("feature");
      await setRef("feature", content);
      await setRef("unknown", content);
      await bench.repository.ingest();
      expect(bench.record("feature")).toEqual(branch);
      expect(await bench.tip("feature")).toBe(branch.head);
      expect(runsOf(branch.id)).toHaveLength(1);
      expect((await bench.branch("another")).problem).toBeNull();
    },
  );
});
