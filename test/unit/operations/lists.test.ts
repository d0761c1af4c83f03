import { describe, expect, it } from "vitest";
import type { BranchLine, QueuedLane } from "../../../src/forges/forge.ts";
import { inspectQueue } from "../../../src/operations/inspect-queue.ts";
import { listBranches } from "../../../src/operations/list-branches.ts";
import { byteLength } from "../../../src/text/bytes.ts";
import { contextOn, memoryForge, memoryWorktree, sha } from "../../support/operations.ts";

const size = (value: unknown) => byteLength(JSON.stringify(value));

function aLine(at: number): BranchLine {
  return {
    id: String(at),
    name: `feature/${at}-${"x".repeat(400)}`,
    title: `Title \x1b[31m${"é".repeat(300)}`,
    state: "open",
    head: sha("a"),
    ci: "green",
    updatedAt: "2026-11-20T10:00:00.000Z",
  };
}

describe("list_branches", () => {
  it("gives every branch over its pages, each within its bytes", async () => {
    const lines = Array.from({ length: 45 }, (_, at) => aLine(at));
    const context = contextOn(memoryWorktree(memoryForge({ lines })));
    const seen: string[] = [];
    for (let cursor: string | undefined, more = true; more; ) {
      const answer: Awaited<ReturnType<typeof listBranches.handle>> = await listBranches.handle(
        context,
        cursor === undefined ? { limit: 50 } : { limit: 50, cursor },
      );
      expect(size(answer)).toBeLessThan(5900);
      expect(byteLength(listBranches.render(answer))).toBeLessThan(5900);
      seen.push(...answer.branches.map((line) => line.number));
      cursor = answer.next_cursor;
      more = cursor !== undefined;
    }
    expect(seen).toEqual(lines.map((line) => line.id));
  });

  it("asks once where a page fits, for open branches unless told otherwise", async () => {
    const forge = memoryForge({ lines: [{ ...aLine(1), name: "x", title: "A title" }] });
    const answer = await listBranches.handle(contextOn(memoryWorktree(forge)), {});
    expect(forge.asked.pages).toEqual([{ state: "open", limit: 20 }]);
    expect(answer).toMatchObject({ target: "main", branch: "feature/x", forge: "local" });
    expect(listBranches.render(answer)).toContain("#1 x · open · ci green");
  });
});

describe("inspect_queue", () => {
  const aQueued = (at: number): QueuedLane => ({
    branchId: String(at),
    branch: `feature/${at}-${"y".repeat(300)}`,
    laneRun: String(1000 + at),
    lane: "unit",
    status: "queued",
    reason: "blocked_by_concurrency_group",
    place: at,
    waitsFor: `group linux, held by lane ${"z".repeat(300)}`,
    since: "2026-11-20T10:00:00.000Z",
    estimate: `starts in about ${at}m`,
  });

  it("always has the checked-out branch's lanes, and counts the reasons", async () => {
    const own = { ...aQueued(4711), branch: "feature/x" };
    const queue = {
      running: 0,
      waiting: 5000,
      matching: 5000,
      waitingByReason: { waiting_for_capacity: 4999, queued: 1 },
      limit: 2,
      lanes: [...Array.from({ length: 100 }, (_, at) => aQueued(at)), own],
      frozen: undefined,
    };
    const answer = await inspectQueue.handle(contextOn(memoryWorktree(memoryForge({ queue }))), {});
    const text = inspectQueue.render(answer);
    expect(answer.lanes.at(-1)).toMatchObject({ branch: "feature/x", place: 4711 });
    expect(answer.lanes.length + (answer.left_out ?? 0)).toBe(5000);
    expect(answer.reasons).toEqual({ waiting_for_capacity: 4999, queued: 1 });
    expect(text).toContain("4999 waiting_for_capacity, 1 queued");
    expect(text).toContain("starts in about 4711m");
    expect(size(answer) + byteLength(text)).toBeLessThan(12_000);
  });

  it("stays within its bytes and counts what it leaves out", async () => {
    const queue = {
      running: 2,
      waiting: 98,
      limit: 2,
      lanes: Array.from({ length: 100 }, (_, at) => aQueued(at)),
      frozen: "the target was moved outside the forge",
    };
    const answer = await inspectQueue.handle(contextOn(memoryWorktree(memoryForge({ queue }))), {
      limit: 100,
    });
    const text = inspectQueue.render(answer);
    expect(size(answer) + byteLength(text)).toBeLessThan(12_000);
    expect(answer.lanes.length + (answer.left_out ?? 0)).toBe(100);
    expect(text).toContain("2 running, 98 waiting, room for 2 at once");
    expect(text).toContain("Landing is frozen: the target was moved");
    expect(text).toMatch(/\d+ more left out; name a `branch`/);
  });

  it("tells a nightly's lane from a branch's", async () => {
    const lane = { ...aQueued(3), branch: undefined, branchId: undefined };
    const queue = { running: 0, waiting: 1, limit: 1, lanes: [lane], frozen: undefined };
    const answer = await inspectQueue.handle(contextOn(memoryWorktree(memoryForge({ queue }))), {});
    expect(inspectQueue.render(answer)).toContain("3. unit · a nightly · queued");
  });

  it("asks for one branch by its number", async () => {
    const answer = await inspectQueue.handle(contextOn(memoryWorktree(memoryForge())), {
      branch: "#20",
    });
    expect(answer).toMatchObject({ branch: "feature/x", number: "20", lanes: [] });
  });
});
