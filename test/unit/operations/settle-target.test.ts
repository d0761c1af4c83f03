import { describe, expect, it } from "vitest";
import { branchStatus } from "../../../src/operations/branch-status.ts";
import { rebaseBranch } from "../../../src/operations/rebase-branch.ts";
import { recoverCi } from "../../../src/operations/recover-ci.ts";
import { settleTarget } from "../../../src/operations/settle-target.ts";
import { contextOn, memoryForge, memoryWorktree } from "../../support/operations.ts";

const capabilities = { recovery: ["wake", "reset_target"] } as const;
const frozen = "The target main was changed outside the forge.";
const queue = { running: 0, waiting: 0, limit: 2, lanes: [], frozen };

const moved = (consent?: Parameters<typeof contextOn>[1]) => {
  const forge = memoryForge({ capabilities, queue });
  const owner = memoryForge({ capabilities, queue });
  return { forge, owner, context: contextOn(memoryWorktree(forge, { owner }), consent) };
};

describe("a target that was moved outside the forge", () => {
  it("is told without an action, and nothing is done", async () => {
    const { owner, context } = moved("agreed");
    const answer = await settleTarget.handle(context, {});
    expect(answer).toMatchObject({ state: "moved_outside", frozen });
    expect(settleTarget.render(answer)).toContain("`land target accept`");
    expect(context.questions).toEqual([]);
    expect(owner.asked.recovered).toEqual([]);
  });

  it.each(["accept", "restore"] as const)("%s needs the owner's word and key", async (action) => {
    const { forge, owner, context } = moved("agreed");
    const answer = await settleTarget.handle(context, { action });
    expect(answer.state).toBe(action === "accept" ? "accepted" : "restored");
    expect(context.questions[0]).toMatchObject({ expected: "main" });
    expect(context.questions[0]?.message).toContain(frozen);
    expect(owner.asked.recovered).toMatchObject([{ action: "reset_target", target: action }]);
    expect(forge.asked.recovered.map((request) => request.action)).toEqual(["wake"]);
  });

  it.each(["declined", "no_way"] as const)("stays as it is where the answer is %s", async (no) => {
    const { owner, context } = moved(no);
    const tries = [
      () => settleTarget.handle(context, { action: "accept" }),
      () => recoverCi.handle(context, { action: "reset_target" }),
    ];
    for (const attempt of tries) {
      await expect(attempt()).rejects.toMatchObject({
        code: "forbidden",
        next: expect.stringContaining("`land target restore`"),
      });
    }
    expect(owner.asked.recovered).toEqual([]);
  });

  it("is put back by recover_ci, once a person agreed", async () => {
    const { owner, context } = moved("agreed");
    expect(await recoverCi.handle(context, { action: "reset_target" })).toMatchObject({
      done: "Done.",
    });
    expect(owner.asked.recovered).toMatchObject([{ target: "restore" }]);
  });

  it("is nothing to rebase onto, and the status says so", async () => {
    const { context } = moved();
    await expect(rebaseBranch.handle(context, {})).rejects.toMatchObject({
      code: "target_moved_outside",
    });
    expect(await branchStatus.handle(context, {})).toMatchObject({
      frozen,
      next: expect.stringContaining("land target"),
    });
  });
});

it("a target that is where the forge left it needs no owner", async () => {
  const context = contextOn(memoryWorktree(memoryForge({ capabilities })));
  for (const given of [{}, { action: "restore" as const }]) {
    expect(await settleTarget.handle(context, given)).toMatchObject({ state: "untouched" });
  }
});

it("a forge that does not watch its target says so", async () => {
  const context = contextOn(memoryWorktree(memoryForge()));
  await expect(settleTarget.handle(context, {})).rejects.toMatchObject({ code: "unsupported" });
});

describe("branch_status", () => {
  it("knows a branch that is only here from one that is nowhere", async () => {
    const worktree = memoryWorktree(memoryForge({ branches: [] }), { tips: { here: "a" } });
    const context = contextOn(worktree);
    expect(await branchStatus.handle(context, { branch: "here" })).toMatchObject({
      state: "unpushed",
    });
    await expect(branchStatus.handle(context, { branch: "nowhere" })).rejects.toMatchObject({
      code: "not_found",
    });
    await expect(branchStatus.handle(context, { branch: "42" })).rejects.toMatchObject({
      next: expect.stringContaining("refs/heads/42"),
    });
  });
});
