import { describe, expect, it } from "vitest";
import { recoverCi } from "../../../src/operations/recover-ci.ts";
import {
  aBranch,
  aLane,
  aRun,
  contextOn,
  memoryForge,
  memoryWorktree,
} from "../../support/operations.ts";

const lanes = [
  aLane({ id: "1", lane: "lint" }),
  aLane({ id: "2", lane: "unit", status: "failed" }),
];
const onForge = (options: Parameters<typeof memoryForge>[0] = {}) => {
  const forge = memoryForge({ branches: [aBranch({ runs: [aRun({ lanes })] })], ...options });
  return { forge, context: contextOn(memoryWorktree(forge)) };
};

describe("recover_ci", () => {
  it.each(["rerun_lane", "requeue", "fail", "cancel"] as const)(
    "%s acts on the named lane's run",
    async (action) => {
      const { forge, context } = onForge();
      const answer = await recoverCi.handle(context, { action, lane: "lint" });
      expect(forge.asked.recovered).toMatchObject([{ action, branchId: "20", laneRun: "1" }]);
      expect(answer).toMatchObject({ branch: "feature/x", number: "20", lane_run: "1" });
    },
  );

  it("takes the lane that failed where none is named", async () => {
    const { forge, context } = onForge();
    await recoverCi.handle(context, { action: "requeue" });
    expect(forge.asked.recovered).toMatchObject([{ laneRun: "2", lane: "unit" }]);
  });

  it("recovers the run that decides, unless another is named", async () => {
    const { forge, context } = onForge();
    await recoverCi.handle(context, { action: "recover" });
    await recoverCi.handle(context, { action: "recover", run: "9" });
    expect(forge.asked.recovered.map(({ run }) => run)).toEqual(["24", "9"]);
  });

  it("needs no branch to wake the forge", async () => {
    const { forge, context } = onForge({ branches: [] });
    const answer = await recoverCi.handle(context, { action: "wake" });
    expect(forge.asked.recovered).toMatchObject([{ action: "wake", branchId: undefined }]);
    expect(recoverCi.render(answer)).toContain("Done.\naction wake · branch feature/x");
  });

  it.each(["pause", "resume", "reset_health"] as const)("needs no branch to %s", async (action) => {
    const { forge, context } = onForge({ branches: [], capabilities: { recovery: [action] } });
    await recoverCi.handle(context, { action });
    expect(forge.asked.recovered).toMatchObject([{ action, branchId: undefined }]);
  });

  it.each([{}, { branch: "feature/x" }])("resets the named CI target, with %o", async (named) => {
    const { forge, context } = onForge({ capabilities: { recovery: ["reset_health"] } });
    const given = { action: "reset_health", ci_target: "50%", ...named } as const;
    await recoverCi.handle(context, given);
    expect(forge.asked.recovered).toMatchObject([{ action: "reset_health", ciTarget: "50%" }]);
  });

  it.each([
    [{ action: "requeue", run: "24" }, "run"],
    [{ action: "rerun_suite", run: "24" }, "run"],
    [{ action: "recover", lane: "unit" }, "lane"],
    [{ action: "cancel_run", lane_run: "2" }, "lane_run"],
    [{ action: "wake", ci_target: "device" }, "ci_target"],
    [{ action: "reset_target", nightly: "7" }, "nightly"],
  ] as const)("leaves nothing that was given aside: %o", async (given, stray) => {
    const { forge, context } = onForge({ capabilities: { recovery: [given.action] } });
    await expect(recoverCi.handle(context, given)).rejects.toMatchObject({
      code: "bad_argument",
      message: `\`${given.action}\` is about no \`${stray}\`.`,
    });
    expect(forge.asked.recovered).toEqual([]);
  });

  it("takes numbers as they are shown, with #", async () => {
    const { forge, context } = onForge();
    await recoverCi.handle(context, { action: "requeue", lane_run: "#2" });
    await recoverCi.handle(context, { action: "recover", run: "#9" });
    expect(forge.asked.recovered).toMatchObject([{ laneRun: "2" }, { run: "9" }]);
  });

  it("cancels the named run, or all runs of the branch", async () => {
    const { forge, context } = onForge({ capabilities: { recovery: ["cancel_run"] } });
    await recoverCi.handle(context, { action: "cancel_run" });
    await recoverCi.handle(context, { action: "cancel_run", run: "#9" });
    expect(forge.asked.recovered).toMatchObject([
      { branchId: "20", run: undefined },
      { branchId: "20", run: "9" },
    ]);
  });

  it.each(["rerun_suite", "cancel_run", "cancel"] as const)(
    "%s can be about a nightly",
    async (action) => {
      const { forge, context } = onForge({ capabilities: { recovery: [action] } });
      const lane = action === "cancel" ? { lane: "deep" } : {};
      const answer = await recoverCi.handle(context, { action, nightly: "#7", ...lane });
      expect(forge.asked.recovered).toMatchObject([{ action, branchId: undefined, nightly: "7" }]);
      expect(answer).toMatchObject({ nightly: "7" });
    },
  );

  it("says truthfully what this forge cannot do, and what it can", async () => {
    const { forge, context } = onForge({ capabilities: { recovery: ["rerun_lane"] } });
    await expect(recoverCi.handle(context, { action: "wake" })).rejects.toMatchObject({
      code: "unsupported",
      next: "What it can do: rerun_lane.",
      facts: { possible: ["rerun_lane"] },
    });
    await expect(recoverCi.handle(context, { action: "reset_target" })).rejects.toMatchObject({
      code: "unsupported",
      next: expect.stringContaining("owner"),
    });
    expect(forge.asked.recovered).toEqual([]);
  });

  it("says that there is no run to recover yet", async () => {
    const { context } = onForge({ branches: [aBranch({ runs: [] })] });
    await expect(recoverCi.handle(context, { action: "recover" })).rejects.toMatchObject({
      code: "not_found",
    });
  });
});
