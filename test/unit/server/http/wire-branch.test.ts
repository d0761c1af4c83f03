import { describe, expect, it } from "vitest";
import { ciStatus, shownRuns } from "../../../../src/server/http/wire-branch.ts";
import type { BranchRecord, RunRecord } from "../../../../src/server/store/records.ts";

const run = (id: number, head: string, more: Partial<RunRecord> = {}): RunRecord => ({
  id,
  branchId: 1,
  subject: "head",
  head,
  status: "success",
  reason: null,
  note: null,
  partial: false,
  rerunOf: null,
  createdAt: "2026-01-01T00:00:00.000Z",
  startedAt: null,
  finishedAt: null,
  ...more,
});
const branch = (change: Partial<BranchRecord> = {}): BranchRecord => ({
  id: 1,
  name: "topic",
  title: "",
  state: "open",
  target: "main",
  head: "aaaa",
  mergeBase: "base",
  mergeCommit: null,
  updatedAt: "",
  createdAt: "",
  endedBy: null,
  endReason: null,
  problem: null,
  ...change,
});
const ids = (runs: readonly RunRecord[]) => runs.map(({ id }) => id);

describe("the runs that are shown", () => {
  it("are newest first where all speak of one head", () => {
    const runs = [run(3, "aaaa"), run(2, "aaaa"), run(1, "aaaa")];
    expect(ids(shownRuns("aaaa", runs, runs))).toEqual([3, 2, 1]);
  });

  it("begin with the head's, also where an older head was tested since", () => {
    const own = [run(1, "aaaa")];
    expect(ids(shownRuns("aaaa", own, [run(2, "bbbb"), ...own]))).toEqual([1, 2]);
  });

  it("never leave out the one that decides", () => {
    const reruns = Array.from({ length: 12 }, (_, i) => run(20 - i, "aaaa", { partial: true }));
    const shown = shownRuns("aaaa", [...reruns, run(2, "aaaa"), run(1, "aaaa")], []);
    expect(shown).toHaveLength(8);
    expect(ids(shown)).toEqual([20, 19, 18, 17, 16, 15, 14, 2]);
  });

  it("are at most eight", () => {
    const older = Array.from({ length: 20 }, (_, i) => run(30 - i, "bbbb"));
    expect(shownRuns("aaaa", [run(31, "aaaa")], older)).toHaveLength(8);
  });
});

describe("a branch's CI status", () => {
  it("is that of the newest whole run of its head", () => {
    const runs = [
      run(3, "aaaa", { partial: true, status: "success" }),
      run(2, "aaaa", { status: "failed" }),
      run(1, "aaaa", { status: "success" }),
    ];
    expect(ciStatus(branch(), runs)).toBe("failed");
  });

  it("never is another head's", () => {
    expect(ciStatus(branch(), [run(1, "bbbb")])).toBe("queued");
  });

  it("lets nobody wait for a run that will not come", () => {
    expect(ciStatus(branch({ problem: "unrelated histories" }), [])).toBe("failed");
    expect(ciStatus(branch({ state: "closed" }), [])).toBe("skipped");
  });
});
