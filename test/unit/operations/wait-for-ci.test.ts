import { describe, expect, it } from "vitest";
import { capAnswer } from "../../../src/operations/answer-size.ts";
import { waitForCi } from "../../../src/operations/wait-for-ci.ts";
import {
  aBranch,
  aLane,
  aRun,
  contextOn,
  memoryForge,
  memoryWorktree,
  sha,
} from "../../support/operations.ts";

/** Three failed lanes of thirty, as a monorepo has them, with long logs. */
function manyLanes() {
  const lanes = Array.from({ length: 30 }, (_, at) =>
    aLane({
      id: String(1000 + at),
      lane: `packages-${"long-name-".repeat(4)}${at}`,
      ...(at < 3 ? { status: "failed", failureKind: "test_failure" } : {}),
    }),
  );
  return aRun({ status: "failed", note: "é".repeat(300), lanes });
}

describe("wait_for_ci", () => {
  it("keeps the ends of the logs, what to do next and the place, however many lanes there are", async () => {
    const run = manyLanes();
    const log = `${'some "quoted" words\\ of output\n'.repeat(400)}Error: this is what failed\n`;
    const forge = memoryForge({
      branches: [aBranch({ runs: [run] })],
      logs: Object.fromEntries(run.lanes.map((lane) => [lane.id, log])),
    });
    const answer = await waitForCi.handle(contextOn(memoryWorktree(forge)), { max_seconds: 0 });
    const text = waitForCi.render(answer);
    const capped = capAnswer({ result: answer, text });
    expect(capped.result).toBe(answer);
    expect(capped.text).toBe(text);
    expect(answer.failed).toHaveLength(3);
    for (const lane of answer.failed ?? []) {
      expect(lane.log).toMatch(/^<<< (\w+) [\s\S]*this is what failed\n>>> \1 end$/);
    }
    expect((answer.lanes?.length ?? 0) + (answer.more_lanes ?? 0)).toBe(30);
  });

  it.each(["merged", "closed"] as const)(
    "of a %s branch without a run for the head does not ask to be called again",
    async (state) => {
      const forge = memoryForge({ branches: [aBranch({ state, runs: [] })] });
      const answer = await waitForCi.handle(contextOn(memoryWorktree(forge)), {});
      expect(answer).toMatchObject({ state: "none", next: expect.stringContaining(state) });
      expect(answer.next).not.toContain("call again");
    },
  );

  it("names the lanes for which a green head needs the owner", async () => {
    const changedLanes = ["unit", "e2e\u001b[2J", "c", "d", "e", "f"];
    const forge = memoryForge({ branches: [aBranch({ changedLanes })] });
    const { next } = await waitForCi.handle(contextOn(memoryWorktree(forge)), {});
    expect(next).toContain("CI lanes (unit, e2e, c, d, e and 1 more)");
    expect(next).toContain("`land merge 20 --force --reason WHY`");
  });

  it("says that a green head is not the one that is checked out", async () => {
    const worktree = memoryWorktree(memoryForge(), { state: { head: sha("c") } });
    const answer = await waitForCi.handle(contextOn(worktree), {});
    expect(answer).toMatchObject({ state: "green", head: sha("a") });
    expect(answer.next).toContain("push_branch");
  });
});
