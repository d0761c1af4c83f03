import { describe, expect, it } from "vitest";
import { capAnswer } from "../../../src/operations/answer-size.ts";
import { branchStatus } from "../../../src/operations/branch-status.ts";
import { renderChecks, viewChecks } from "../../../src/operations/checks-view.ts";
import { viewConflict } from "../../../src/operations/conflicts.ts";
import { describeBranch } from "../../../src/operations/describe-branch.ts";
import { viewFailedLanes } from "../../../src/operations/failed-lanes.ts";
import { landBranch } from "../../../src/operations/land-branch.ts";
import { byteLength } from "../../../src/text/bytes.ts";
import {
  aBranch,
  aLane,
  aRun,
  contextOn,
  memoryForge,
  memoryWorktree,
  sha,
} from "../../support/operations.ts";

const size = (value: unknown) => byteLength(JSON.stringify(value));
/** The end of a fence is there: no cap took it away. */
const closedFence = /^<<< (\w+) [\s\S]*\n>>> \1 end$/;

describe("failed lanes", () => {
  it("carry the ends of their logs, fenced, masked and within their bytes", () => {
    const noisy = `${'"quoted"\t\n'.repeat(5000)}\x1b[31mboom nsec1${"q".repeat(58)}`;
    const failed = Array.from({ length: 12 }, (_, at) => ({
      lane: `lane-${at}`,
      laneRun: String(at),
      failureKind: "test_failure",
      log: noisy,
    }));
    const view = viewFailedLanes(failed, []);
    expect(size(view)).toBeLessThan(4500);
    expect(view.length).toBe(10);
    const logs = view.flatMap((lane) => (lane.log === undefined ? [] : [lane.log]));
    expect(logs.length).toBe(4);
    for (const log of logs) {
      expect(log).toMatch(closedFence);
      expect(log).toContain("boom [masked]");
      expect(log).toContain("`lane_logs` has all of it");
    }
  });
});

describe("a conflict", () => {
  it("names files and shows hunks, fenced and within its bytes", () => {
    const files = Array.from({ length: 60 }, (_, at) => ({
      path: `src/${"deep/".repeat(10)}${at}.ts`,
      kind: "both modified",
      hunks: [{ line: 7, text: `<<<<<<< main\n${"ours\n".repeat(30)}=======\ntheirs\n>>>>>>> x` }],
    }));
    const view = viewConflict(files, []);
    expect(size(view)).toBeLessThan(4500);
    expect(view.files.length + (view.more_files ?? 0)).toBe(60);
    expect(view.hunks).toMatch(closedFence);
    expect(view.hunks).toContain("0.ts:7\n<<<<<<< main\n");
  });

  it("of a deletion needs no hunks", () => {
    expect(viewConflict([{ path: "a", kind: "deleted by us", hunks: [] }], [])).toEqual({
      files: [{ path: "a", kind: "deleted by us" }],
    });
  });
});

describe("checks", () => {
  it("judge exactly the head, and say why a run has no lanes", () => {
    expect(viewChecks(sha("b"), [aRun()])).toEqual({ ci: "none" });
    expect(viewChecks(sha("a"), [aRun({ partial: true })])).toEqual({ ci: "none" });
    const broken = aRun({
      status: "failed",
      reason: "manifest_broken",
      note: "line 3: duplicate id `a`",
      lanes: [],
    });
    expect(viewChecks(sha("a"), [broken])).toMatchObject({
      ci: "failed",
      note: "The CI manifest (ci/forge-lanes.toml) at this head is broken. line 3: duplicate id `a`",
    });
  });

  it("show failed lanes first, and count those that do not fit", () => {
    const many = Array.from({ length: 200 }, (_, at) => aLane({ id: String(at), lane: `l${at}` }));
    const lanes = [
      ...many,
      aLane({ id: "999", lane: "bad", status: "failed", failureKind: "timeout" }),
    ];
    const view = viewChecks(sha("a"), [aRun({ status: "failed", lanes })]);
    expect(view.lanes?.[0]).toEqual({
      lane: "bad",
      lane_run: "999",
      status: "failed",
      why: "timeout",
    });
    expect((view.lanes?.length ?? 0) + (view.more_lanes ?? 0)).toBe(201);
    expect(size(view)).toBeLessThan(3200);
  });

  it("say why a lane was skipped, and nothing where that is not known", () => {
    const skipped = { status: "skipped", reason: "running" } as const;
    const lanes = [
      aLane({ id: "1", lane: "told", ...skipped, note: "runner skipped: no file matched" }),
      aLane({ id: "2", lane: "mute", ...skipped }),
    ];
    const view = viewChecks(sha("a"), [aRun({ lanes })]);
    expect(view.lanes).toEqual([
      { lane: "told", lane_run: "1", status: "skipped", why: "runner skipped: no file matched" },
      { lane: "mute", lane_run: "2", status: "skipped" },
    ]);
    expect(renderChecks(view)).toContain("told: skipped (runner skipped: no file matched)");
  });
});

describe("branch_status", () => {
  const status = async (branch: Partial<ReturnType<typeof aBranch>>, head = sha("a")) => {
    const forge = memoryForge({ branches: [aBranch(branch)] });
    const worktree = memoryWorktree(forge, { state: { head } });
    return branchStatus.handle(contextOn(worktree), {});
  };

  it.each([
    ["a green one", {}, sha("a"), "lands it"],
    [
      "a green one that changes lanes",
      { changedLanes: ["a"] },
      sha("a"),
      "the owner agrees: `land merge 20",
    ],
    ["a green one whose lanes stay", { changedLanes: [] }, sha("a"), "lands it"],
    ["a red one", { runs: [aRun({ status: "failed" })] }, sha("a"), "lane_logs"],
    ["one that runs", { runs: [aRun({ status: "running" })] }, sha("a"), "waits for CI"],
    ["one that moved here", {}, sha("c"), "another head"],
    ["a merged one", { state: "merged" }, sha("a"), "nothing to do"],
    ["a merged one with more here", { state: "merged" }, sha("c"), "commits here since"],
    ["a closed one", { state: "closed" }, sha("a"), "reopen"],
    ["one with a problem", { problem: "unrelated history" }, sha("a"), "Solve the problem"],
  ] as const)("says what to do with %s", async (_name, branch, head, next) => {
    expect((await status(branch, head)).next).toContain(next);
  });

  it("stays in its bytes and on its lines with hostile names", async () => {
    const hostile = `\x1b[2J\n${"é".repeat(3000)}\u202e`;
    const answer = await status({ title: hostile, problem: hostile });
    expect(size(answer)).toBeLessThan(3000);
    expect(branchStatus.render(answer)).not.toMatch(/[\x1b\u202e]/);
    expect(capAnswer({ result: answer, text: "" }).result).toBe(answer);
  });
});

describe("describe_branch", () => {
  const step = { title: "t", intent: "i", affected_files: ["f"], evidence_snippets: ["@@"] };

  it.each([
    [{ summary: " ", steps: [step] }, "`summary` must not be blank"],
    [{ summary: "s", steps: [] }, "`steps` must hold at least one step"],
    [{ summary: "s", steps: [{ ...step, title: "" }] }, "`steps[0].title` must not be blank"],
    [{ summary: "s", steps: [{ ...step, intent: "\n" }] }, "`steps[0].intent` must not be blank"],
    [{ summary: "s", steps: [{ ...step, affected_files: [] }] }, "at least one file"],
    [{ summary: "s", steps: [{ ...step, evidence_snippets: [] }] }, "at least one snippet"],
    [{ summary: "s", steps: [{ ...step, extra: 1 }] }, "no argument `extra`"],
  ])("refuses %j", async (given, words) => {
    const { perform } = await import("../../../src/operations/perform.ts");
    const context = contextOn(memoryWorktree(memoryForge()));
    expect(await perform(describeBranch, context, given)).toMatchObject({
      done: false,
      error: { code: "bad_argument", message: expect.stringContaining(words) },
    });
  });

  it("describes the head that the forge has, and no other", async () => {
    const forge = memoryForge();
    const context = contextOn(memoryWorktree(forge));
    const given = { summary: "s", steps: [step] };
    expect(await describeBranch.handle(context, given)).toMatchObject({ state: "described" });
    expect(forge.asked.described).toMatchObject([
      { branchId: "20", head: sha("a"), steps: [{ ...step, body_markdown: "" }] },
    ]);
    await expect(
      describeBranch.handle(context, { ...given, head: sha("c") }),
    ).rejects.toMatchObject({ code: "head_moved" });
  });
});

describe("land_branch", () => {
  it("that failed keeps the ends of the logs, what to do next and the place", () => {
    const log = `${'some "quoted" words\\ of output\n'.repeat(400)}Error: this is what failed`;
    const answer = {
      worktree: `/home/somebody/${"deep/".repeat(30)}`,
      forge: "local",
      branch: `feature/${"x".repeat(240)}`,
      number: "123",
      state: "ci_failed" as const,
      head: sha("a"),
      target: "main",
      lanes: viewFailedLanes(
        [1, 2, 3].map((at) => ({
          lane: `${"lane-".repeat(12)}${at}`,
          laneRun: String(at),
          failureKind: "test_failure",
          log,
        })),
        [],
      ),
      note: "é".repeat(300),
      trail: Array.from({ length: 30 }, (_, at) => `rebased onto main: ${at}`),
      next: "n".repeat(300),
    };
    const text = landBranch.render(answer);
    const capped = capAnswer({ result: answer, text });
    expect(capped.result).toBe(answer);
    expect(capped.text).toBe(text);
  });
});
