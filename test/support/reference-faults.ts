import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { httpDouble } from "./agent-half.ts";
import { noFaults } from "./reference/faults.ts";
import type { Reference, Revision } from "./reference/index.ts";
import { type ReferenceScene, referenceScene } from "./reference-scene.ts";

const merges = /POST .*\/merge$/;
const reads = /GET .*\/api\/forge\/branch/;
/** The branch that a path is about. */
const branchIn = (path: string) => Number(/\/branch\/(\d{1,4})(?!\d)/.exec(path)?.[1] ?? 0);

/** What a case has of the scene: a new branch at a time, and counts of requests. */
interface Stage {
  readonly scene: ReferenceScene;
  readonly forge: Reference;
  /** A branch with a commit of its own that is not pushed; `file` is free. */
  newBranch(ci?: "success" | null): Promise<{ branch: string; head: string; file: string }>;
  land(seconds?: number): ReturnType<ReferenceScene["tool"]>;
  nextStream(): Promise<unknown>;
  counted(pattern: RegExp, work: () => Promise<unknown>): Promise<number>;
}

/** One way to misbehave, and what must come of it. */
interface FaultCase {
  readonly name: string;
  /** Among those that every change must pass; the whole table is with the slow fault tests. */
  readonly quick?: true;
  readonly run: (stage: Stage) => Promise<void>;
}

const landed = { state: "landed" };

const cases: readonly FaultCase[] = [
  {
    name: "takes notice of a push late: the landing waits for exactly that head",
    quick: true,
    async run({ forge, newBranch, land }) {
      const { head } = await newBranch();
      forge.faults.lateIngestion = 4;
      expect((await land()).view).toMatchObject({ state: "landed", head });
    },
  },
  {
    name: "shows the previous head's success after a push: that head is not green",
    async run({ scene, forge, newBranch, land }) {
      const { branch } = await newBranch();
      await scene.tool("push_branch");
      await forge.settled();
      const first = await scene.tool("wait_for_ci", { max_seconds: 30 });
      expect(first.view).toMatchObject({ state: "green" });
      const head = await scene.commit(branch, { "next.txt": `${branch}\n` });
      forge.faults.previousSuccess = 6;
      expect((await land()).view).toMatchObject({ state: "landed", head });
      expect(forge.runs(branch)[0]).toMatchObject({ head, status: "success" });
    },
  },
  {
    name: "has not noticed a pushed head: wait_for_ci answers about that one, not the one before",
    async run({ scene, forge, newBranch }) {
      const { branch } = await newBranch();
      await scene.tool("push_branch");
      await forge.settled();
      const head = await scene.commit(branch, { "next.txt": `${branch}\n` });
      forge.faults.lateIngestion = 8;
      await scene.tool("push_branch");
      const waited = await scene.tool("wait_for_ci", { max_seconds: 60 });
      expect(waited.view).toMatchObject({ state: "green", head });
    },
  },
  {
    name: "is behind a proxy with hiccups: reads are asked again",
    async run({ forge, newBranch, land }) {
      await newBranch();
      forge.faults.badGateway = 4;
      expect((await land()).view).toMatchObject(landed);
    },
  },
  {
    name: "gets no merge request through a proxy: the landing looks, compares and asks again",
    async run({ forge, newBranch, land, counted }) {
      await newBranch();
      Object.assign(forge.faults, { badGateway: 1, only: merges });
      const asked = await counted(merges, async () => {
        expect((await land()).view).toMatchObject(landed);
      });
      expect(asked).toBe(2);
    },
  },
  {
    name: "merges and its answer is lost: found done, and asked for once",
    quick: true,
    async run({ forge, newBranch, land, counted }) {
      await newBranch();
      forge.faults.cutMergeAnswers = 1;
      const asked = await counted(merges, async () => {
        expect((await land()).view).toMatchObject(landed);
      });
      expect(asked).toBe(1);
    },
  },
  ...(["before", "after"] as const).map(
    (when): FaultCase => ({
      name: `takes its time to merge (${when} git): waited for, and asked for once`,
      async run({ forge, newBranch, land, counted }) {
        await newBranch();
        forge.faults.holdMerges = when;
        const asked = await counted(merges, async () => {
          const landing = land();
          await forge.held("merge");
          forge.release();
          expect((await landing).view).toMatchObject(landed);
        });
        expect(asked).toBe(1);
      },
    }),
  ),
  {
    name: "merges onto a target that moved after the comparison: that is told",
    quick: true,
    async run({ forge, newBranch, land }) {
      const { file } = await newBranch();
      forge.faults.holdMerges = "before";
      const landing = land();
      await forge.held("merge");
      await forge.moveTarget({ [`elsewhere-${file}`]: "x\n" });
      forge.release();
      const { view } = await landing;
      expect(view).toMatchObject({
        state: "landed",
        unpinned: expect.stringContaining("is not what CI tested"),
      });
    },
  },
  {
    name: "merges another head, pushed after the comparison: its refusal is no landing",
    async run({ scene, forge, newBranch, land }) {
      const { branch, head, file } = await newBranch();
      forge.faults.holdMerges = "before";
      const landing = land(8);
      await forge.held("merge");
      forge.autoCi(null);
      await forge.push(branch, { [`other-${file}`]: "x\n" });
      forge.release();
      const { view } = await landing;
      expect(view.state).not.toBe("landed");
      expect(await scene.onTarget(head)).toBe(false);
    },
  },
  ...(["drop", "hang", "refuse"] as const).map(
    (streams): FaultCase => ({
      name: `has streams that ${streams}: polling goes on without them`,
      ...(streams === "drop" ? { quick: true } : {}),
      async run({ forge, newBranch, land, nextStream }) {
        const { branch } = await newBranch(null);
        forge.faults.streams = streams;
        const streamed = nextStream();
        const landing = land();
        await streamed;
        await forge.ci(branch, "success");
        expect((await landing).view).toMatchObject(landed);
      },
    }),
  ),
  {
    name: "ends the login in the middle: told, with the way on; a new one is taken up",
    quick: true,
    async run({ scene, forge, newBranch, land }) {
      await newBranch();
      forge.faults.expireTokensAfter = 3;
      const ended = await land();
      expect(ended).toMatchObject({ isError: true });
      expect(ended.text).toMatch(/land login/);
      forge.faults.expireTokensAfter = null;
      await scene.logIn();
      expect((await land()).view).toMatchObject(landed);
    },
  },
  {
    name: "answers errors as pages of HTML: they are not quoted",
    async run({ scene, forge, newBranch, land }) {
      forge.faults.htmlErrors = true;
      const unknown = await scene.tool("branch_status", { branch: "99999" });
      expect(unknown.isError).toBe(true);
      expect(unknown.text).not.toMatch(/<html|<h1/i);
      await newBranch();
      expect((await land()).view).toMatchObject(landed);
    },
  },
  {
    name: "sends on to another host: refused, and nothing arrives there",
    quick: true,
    async run({ forge, newBranch, land }) {
      const elsewhere = await httpDouble({});
      await newBranch();
      forge.faults.redirectTo = elsewhere.origin;
      const refused = await land(5);
      expect(refused.isError).toBe(true);
      expect(refused.text).toMatch(/redirect/i);
      expect(elsewhere.seen).toEqual([]);
    },
  },
  {
    name: "is gone for a while in a long wait: the wait goes on",
    async run({ scene, forge, newBranch, nextStream }) {
      const { branch } = await newBranch(null);
      const streamed = nextStream();
      await scene.tool("push_branch");
      await forge.settled();
      const waiting = scene.tool("wait_for_ci", { max_seconds: 60 });
      await streamed;
      Object.assign(forge.faults, { badGateway: 4, only: reads });
      await forge.ci(branch, "success");
      expect((await waiting).view).toMatchObject({ state: "green" });
    },
  },
  {
    name: "wrote no record of a merge that git has: that the head is in the target counts",
    async run({ scene, forge, newBranch, land }) {
      const { branch, head } = await newBranch();
      await scene.tool("push_branch");
      await forge.settled();
      const ref = `refs/heads/${branch}`;
      const { bare, defaultBranch } = forge;
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
      await forge.ingest();
      expect(forge.branch(branch)).toMatchObject({ state: "closed", mergeCommit: null });
      expect((await land(10)).view).toMatchObject({ state: "landed", merge_commit: merge });
    },
  },
];

/** The whole table, and those of it that every change must pass. */
export const allFaults = cases;
export const quickFaults = cases.filter(({ quick }) => quick === true);

/** Runs cases against the reference of a revision, all over one scene. */
export function runFaults(revision: Revision, chosen: readonly FaultCase[]): void {
  describe(`a reference that misbehaves, ${revision}`, () => {
    let scene: ReferenceScene;
    let count = 0;
    beforeAll(async () => {
      scene = await referenceScene({ revision });
    });
    afterAll(() => scene[Symbol.asyncDispose]());
    afterEach(() => {
      scene.forge.release();
      Object.assign(scene.forge.faults, noFaults());
    });
    it.each(chosen)("$name", ({ run }) => run(stageOf(scene, () => (count += 1))));
  });
}

function stageOf(scene: ReferenceScene, next: () => number): Stage {
  const { forge } = scene;
  return {
    scene,
    forge,
    async newBranch(ci = "success") {
      const count = next();
      const [branch, file] = [`feature/${count}`, `${count}.txt`];
      forge.autoCi(ci);
      return { branch, file, head: await scene.commit(branch, { [file]: `${count}\n` }) };
    },
    land: (seconds = 60) => scene.tool("land_branch", { max_seconds: seconds }),
    nextStream() {
      const last = Math.max(0, ...forge.requests.map(({ path }) => branchIn(path)));
      return forge.seen(({ path }) => /\/stream/.test(path) && branchIn(path) > last);
    },
    async counted(pattern, work) {
      const before = scene.asked(pattern);
      await work();
      return scene.asked(pattern) - before;
    },
  };
}
