import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { httpDouble } from "../../support/agent-half.ts";
import type { Revision } from "../../support/reference/index.ts";
import { type ReferenceScene, referenceScene } from "../../support/reference-scene.ts";

const merges = /POST .*\/merge$/;
/** The branch that a path is about. */
const branchIn = (path: string) => Number(/\/branch\/(\d{1,4})(?!\d)/.exec(path)?.[1] ?? 0);
const reads = /GET .*\/api\/forge\/branch/;

describe.each<Revision>(["seed", "head"])("a reference that misbehaves, %s", (revision) => {
  let scene: ReferenceScene;
  let branch = "";
  let count = 0;
  beforeAll(async () => {
    scene = await referenceScene({ revision });
  });
  afterAll(() => scene[Symbol.asyncDispose]());
  afterEach(() => {
    scene.forge.release();
    Object.assign(scene.forge.faults, {
      ...{ lateIngestion: 0, previousSuccess: 0, badGateway: 0, streams: "normal" },
      ...{ cutMergeAnswers: 0, expireTokensAfter: null, htmlErrors: false },
      ...{ redirectTo: null, only: null },
    });
  });

  /** A branch with a commit of its own that is not pushed. */
  const newBranch = async (ci: "success" | null = "success") => {
    count += 1;
    branch = `feature/${count}`;
    scene.forge.autoCi(ci);
    return scene.commit(branch, { [`${count}.txt`]: `${count}\n` });
  };
  const land = async (seconds = 60) => scene.tool("land_branch", { max_seconds: seconds });
  const nextStream = () => {
    const last = Math.max(0, ...scene.forge.requests.map(({ path }) => branchIn(path)));
    return scene.forge.seen(({ path }) => /\/stream/.test(path) && branchIn(path) > last);
  };
  const counted = async (pattern: RegExp, work: () => Promise<unknown>) => {
    const before = scene.asked(pattern);
    await work();
    return scene.asked(pattern) - before;
  };

  it("takes notice of a push late: the landing waits for exactly that head", async () => {
    const head = await newBranch();
    scene.forge.faults.lateIngestion = 4;
    expect((await land()).view).toMatchObject({ state: "landed", head });
  });

  it("shows the previous head's success after a push: that head is not green", async () => {
    await newBranch();
    await scene.tool("push_branch");
    await scene.forge.settled();
    const first = await scene.tool("wait_for_ci", { max_seconds: 30 });
    expect(first.view).toMatchObject({ state: "green" });
    const head = await scene.commit(branch, { "next.txt": `${branch}\n` });
    scene.forge.faults.previousSuccess = 6;
    expect((await land()).view).toMatchObject({ state: "landed", head });
    expect(scene.forge.runs(branch)[0]).toMatchObject({ head, status: "success" });
  });

  it("has not noticed a pushed head: wait_for_ci answers about that one, not the one before", async () => {
    await newBranch();
    await scene.tool("push_branch");
    await scene.forge.settled();
    const head = await scene.commit(branch, { "next.txt": `${branch}\n` });
    scene.forge.faults.lateIngestion = 8;
    await scene.tool("push_branch");
    const waited = await scene.tool("wait_for_ci", { max_seconds: 60 });
    expect(waited.view).toMatchObject({ state: "green", head });
  });

  it("is behind a proxy with hiccups: reads are asked again", async () => {
    await newBranch();
    scene.forge.faults.badGateway = 4;
    expect((await land()).view).toMatchObject({ state: "landed" });
  });

  it("gets no merge request through a proxy: the landing looks, compares and asks again", async () => {
    await newBranch();
    Object.assign(scene.forge.faults, { badGateway: 1, only: merges });
    const asked = await counted(merges, async () => {
      expect((await land()).view).toMatchObject({ state: "landed" });
    });
    expect(asked).toBe(2);
  });

  it("merges and its answer is lost: found done, and asked for once", async () => {
    await newBranch();
    scene.forge.faults.cutMergeAnswers = 1;
    const asked = await counted(merges, async () => {
      expect((await land()).view).toMatchObject({ state: "landed" });
    });
    expect(asked).toBe(1);
  });

  it.each(["before", "after"] as const)(
    "takes its time to merge (%s git): waited for, and asked for once",
    async (when) => {
      await newBranch();
      scene.forge.faults.holdMerges = when;
      const asked = await counted(merges, async () => {
        const landing = land();
        await scene.forge.held("merge");
        scene.forge.release();
        expect((await landing).view).toMatchObject({ state: "landed" });
      });
      expect(asked).toBe(1);
    },
  );

  it("merges onto a target that moved after the comparison: that is told", async () => {
    await newBranch();
    scene.forge.faults.holdMerges = "before";
    const landing = land();
    await scene.forge.held("merge");
    await scene.forge.moveTarget({ [`elsewhere-${count}.txt`]: "x\n" });
    scene.forge.release();
    const { view } = await landing;
    expect(view).toMatchObject({
      state: "landed",
      unpinned: expect.stringContaining("is not what CI tested"),
    });
  });

  it("merges another head, pushed after the comparison: its refusal is no landing", async () => {
    const head = await newBranch();
    scene.forge.faults.holdMerges = "before";
    const landing = land(8);
    await scene.forge.held("merge");
    scene.forge.autoCi(null);
    await scene.forge.push(branch, { [`other-${count}.txt`]: "x\n" });
    scene.forge.release();
    const { view } = await landing;
    expect(view.state).not.toBe("landed");
    expect(await scene.onTarget(head)).toBe(false);
  });

  it.each(["drop", "hang", "refuse"] as const)(
    "has streams that %s: polling goes on without them",
    async (streams) => {
      await newBranch(null);
      scene.forge.faults.streams = streams;
      const streamed = nextStream();
      const landing = land();
      await streamed;
      await scene.forge.ci(branch, "success");
      expect((await landing).view).toMatchObject({ state: "landed" });
    },
  );

  it("ends the login in the middle: told, with the way on; a new one is taken up", async () => {
    await newBranch();
    scene.forge.faults.expireTokensAfter = 3;
    const ended = await land();
    expect(ended).toMatchObject({ isError: true });
    expect(ended.text).toMatch(/land login/);
    scene.forge.faults.expireTokensAfter = null;
    await scene.logIn();
    expect((await land()).view).toMatchObject({ state: "landed" });
  });

  it("answers errors as pages of HTML: they are not quoted", async () => {
    scene.forge.faults.htmlErrors = true;
    const unknown = await scene.tool("branch_status", { branch: "99999" });
    expect(unknown.isError).toBe(true);
    expect(unknown.text).not.toMatch(/<html|<h1/i);
    await newBranch();
    expect((await land()).view).toMatchObject({ state: "landed" });
  });

  it("sends on to another host: refused, and nothing arrives there", async () => {
    const elsewhere = await httpDouble({});
    await newBranch();
    scene.forge.faults.redirectTo = elsewhere.origin;
    const refused = await land(5);
    expect(refused.isError).toBe(true);
    expect(refused.text).toMatch(/redirect/i);
    expect(elsewhere.seen).toEqual([]);
  });

  it("is gone for a while in a long wait: the wait goes on", async () => {
    await newBranch(null);
    const streamed = nextStream();
    await scene.tool("push_branch");
    await scene.forge.settled();
    const waiting = scene.tool("wait_for_ci", { max_seconds: 60 });
    await streamed;
    Object.assign(scene.forge.faults, { badGateway: 4, only: reads });
    await scene.forge.ci(branch, "success");
    expect((await waiting).view).toMatchObject({ state: "green" });
  });

  it("wrote no record of a merge that git has: that the head is in the target counts", async () => {
    const head = await newBranch();
    await scene.tool("push_branch");
    await scene.forge.settled();
    const ref = `refs/heads/${branch}`;
    const { bare, defaultBranch } = scene.forge;
    const target = `refs/heads/${defaultBranch}`;
    const onto = await scene.git("--git-dir", bare, "rev-parse", target);
    const merge = await scene.git(
      ...["--git-dir", bare, "commit-tree", `${head}^{tree}`],
      ...["-p", onto, "-p", head, "-m", "Merge"],
    );
    await scene.git("--git-dir", bare, "update-ref", target, merge, onto);
    await scene.git("--git-dir", bare, "update-ref", "-d", ref, head);
    const before = await land(10);
    expect(before.view).toMatchObject({ state: "landed", already: true, merge_commit: merge });
    await scene.forge.ingest();
    expect(scene.forge.branch(branch)).toMatchObject({ state: "closed", mergeCommit: null });
    expect((await land(10)).view).toMatchObject({ state: "landed", merge_commit: merge });
  });
});
