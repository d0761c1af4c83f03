import { describe, expect, test } from "vitest";
import { detailAnswer } from "../../../src/contract/branch.ts";
import { judgeHead } from "../../../src/domain/checks.ts";
import { byteRange } from "../../../src/forges/pika-logs.ts";
import { branchLinesOf, branchOf, findLane, isoTime } from "../../../src/forges/pika-shapes.ts";

const head = "a".repeat(40);

/** What the earlier revision of the reference sends: none of the later or added keys. */
const oldLane = {
  id: 60,
  lane_id: "check",
  title: "Check",
  entrypoint: "sh check",
  status: "success",
  retry_count: 0,
  created_at: "2026-03-20 17:25:41",
  started_at: "2026-03-20 17:27:05",
};
const oldRun = {
  id: 24,
  source_head_sha: head,
  status: "success",
  lane_count: 1,
  rerun_of_run_id: null,
  created_at: "2026-03-20 17:25:41",
  lanes: [oldLane],
};
const oldBranch = {
  branch_id: 20,
  repo: "o/r",
  branch_name: "codex/x",
  title: "Polish",
  branch_state: "open",
  updated_at: "2026-03-18T12:00:00+01:00",
  target_branch: "master",
  head_sha: head,
  merge_base_sha: "b".repeat(40),
  tutorial_status: "generating",
  ci_status: "success",
};
const detail = (branch: object = {}, ...runs: object[]) =>
  detailAnswer.parse({
    branch: { ...oldBranch, ...branch },
    ci_runs: runs.map((run) => ({ ...oldRun, ...run })),
  });

describe("times", () => {
  test.each([
    ["2026-03-20 17:25:41", "2026-03-20T17:25:41.000Z"],
    ["2026-03-18T12:00:00+01:00", "2026-03-18T11:00:00.000Z"],
    ["2026-03-18T12:00:00.123Z", "2026-03-18T12:00:00.123Z"],
    ["2026-03-18T12:00:00+00:00", "2026-03-18T12:00:00.000Z"],
    ["soon\u001b[31m", "soon"],
  ])("%s is %s", (text, iso) => {
    expect(isoTime(text)).toBe(iso);
  });
});

test("a lane that was skipped keeps why, in one plain line", () => {
  const lanes = [
    { ...oldLane, status: "skipped", note: "runner skipped: no\u001b[2J\nfile" },
    oldLane,
  ];
  const [skipped, older] = branchOf(detail({}, { lanes }))?.runs[0]?.lanes ?? [];
  expect(skipped).toMatchObject({
    status: "skipped",
    note: expect.stringMatching(/^runner skipped: no\P{Cc}*$/u),
  });
  expect(older?.note).toBeUndefined();
});

test("lanes that a head changes come as plain words, and are not made up", () => {
  expect(branchOf(detail({ changed_lanes: ["a", "b\u001b[2J"] }))?.changedLanes).toEqual([
    "a",
    "b",
  ]);
  expect(branchOf(detail())?.changedLanes).toBeUndefined();
});

describe("a branch of the earlier revision", () => {
  test("is read without any of the later keys", () => {
    expect(branchOf(detail({}, {}))).toMatchObject({
      id: "20",
      state: "open",
      head,
      mergeCommit: undefined,
      problem: undefined,
      runs: [
        { id: "24", status: "success", partial: false, reason: undefined, lanes: [{ id: "60" }] },
      ],
    });
  });

  test("a rerun of one lane never decides", () => {
    const green = { id: 25, rerun_of_run_id: 24 };
    const red = { status: "failed", lanes: [{ ...oldLane, status: "failed" }] };
    const branch = branchOf(detail({}, green, red));
    expect(judgeHead(head, branch?.runs ?? [])).toBe("failed");
  });
});

describe("strange words", () => {
  test("of a state or a head make no branch", () => {
    expect(branchOf(detail({ branch_state: "frozen" }))).toBeUndefined();
    expect(branchOf(detail({ head_sha: "--output=/etc/passwd" }))).toBeUndefined();
  });

  test("leave lines out of a list, and the others in", () => {
    const answer = {
      branches: [detail().branch, detail({ branch_state: "frozen", branch_id: 21 }).branch],
      next_cursor: null,
    };
    expect(branchLinesOf(answer).map(({ id }) => id)).toEqual(["20"]);
  });

  test.each(["passed", "succeeded", "ok", "", "SUCCESS"])("status %j is never green", (status) => {
    const branch = branchOf(detail({}, { status }));
    expect(judgeHead(head, branch?.runs ?? [])).not.toBe("green");
  });

  test("a merge commit that is none is not handed on", () => {
    expect(branchOf(detail({ merge_commit_sha: "-x" }))?.mergeCommit).toBeUndefined();
  });
});

describe("the lane that is meant", () => {
  const lane = (id: string, name: string, status: string, startedAt?: string) => ({
    id,
    lane: name,
    title: name,
    status,
    reason: undefined,
    failureKind: undefined,
    queuedAt: "",
    startedAt,
    finishedAt: undefined,
  });
  const run = (id: string, ...lanes: ReturnType<typeof lane>[]) => ({
    id,
    head,
    status: "failed",
    reason: undefined,
    note: undefined,
    partial: false,
    isolation: undefined,
    lanes,
  });
  const runs = [
    run("2", lane("5", "a", "queued"), lane("4", "b", "running", "t")),
    run("1", lane("3", "a", "success", "t"), lane("2", "b", "failed", "t")),
  ];

  test.each([
    [{ laneRun: "3" }, "3"],
    [{ lane: "a" }, "5"],
    [{ lane: "a", laneRun: "2" }, "2"],
    [{}, "2"],
    [{ lane: "none" }, undefined],
    [{ laneRun: "99" }, undefined],
  ])("by %o is %s", (wanted, id) => {
    expect(findLane(runs, wanted)?.lane.id).toBe(id);
  });

  test("without a failed one is the newest that began", () => {
    expect(findLane(runs.slice(0, 1), {})?.lane.id).toBe("4");
    expect(findLane([], {})).toBeUndefined();
  });
});

describe("a part of a text by bytes", () => {
  test.each([
    ["abcdef", undefined, 3, { text: "def", offset: 3, totalBytes: 6, nextOffset: 6 }],
    ["abcdef", 1, 3, { text: "bcd", offset: 1, totalBytes: 6, nextOffset: 4 }],
    ["abc", 9, 3, { text: "", offset: 3, totalBytes: 3, nextOffset: 3 }],
    ["aéz", undefined, 2, { text: "z", offset: 3, totalBytes: 4, nextOffset: 4 }],
    ["aéz", 0, 2, { text: "a", offset: 0, totalBytes: 4, nextOffset: 1 }],
    ["é", 0, 1, { text: "é", offset: 0, totalBytes: 2, nextOffset: 2 }],
  ])("%s from %s, at most %i", (text, offset, most, part) => {
    expect(byteRange(text, offset, most)).toEqual(part);
  });
});
