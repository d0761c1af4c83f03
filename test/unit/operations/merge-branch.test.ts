import { describe, expect, it } from "vitest";
import { LandError } from "../../../src/domain/errors.ts";
import { mergeBranch } from "../../../src/operations/merge-branch.ts";
import { aBranch, contextOn, memoryForge, memoryWorktree, sha } from "../../support/operations.ts";

const red = () => {
  throw new LandError("ci_not_green", "CI failed for this head.", { next: "Fix it." });
};

describe("merge_branch", () => {
  it("merges the head that is here and looks for the merge in the target", async () => {
    const forge = memoryForge();
    const answer = await mergeBranch.handle(contextOn(memoryWorktree(forge)), {});
    expect(answer).toMatchObject({
      state: "merged",
      merge_commit: sha("e"),
      verified: true,
      branch: "feature/x",
      number: "20",
      worktree: "/repo",
      forge: "local",
    });
    expect(forge.asked.landings).toEqual([{ branchId: "20", head: sha("a"), force: undefined }]);
  });

  it("refuses a head that the forge does not have, before asking it", async () => {
    const forge = memoryForge();
    const worktree = memoryWorktree(forge, { tips: { "feature/x": sha("c") } });
    const answer = await mergeBranch.handle(contextOn(worktree), {});
    expect(answer).toMatchObject({ state: "refused", code: "head_moved" });
    expect(forge.asked.landings).toEqual([]);
  });

  it("tells a forge's refusal as an answer", async () => {
    const forge = memoryForge({ landing: red });
    const answer = await mergeBranch.handle(contextOn(memoryWorktree(forge)), {});
    expect(answer).toMatchObject({ state: "refused", code: "ci_not_green", next: "Fix it." });
    expect(mergeBranch.render(answer)).toContain("Next: Fix it.");
  });

  it("answers that it was merged already", async () => {
    const merged = aBranch({ state: "merged", mergeCommit: sha("d") });
    const forge = memoryForge({ branches: [merged] });
    const answer = await mergeBranch.handle(contextOn(memoryWorktree(forge)), {});
    expect(answer).toMatchObject({ state: "merged", already: true, merge_commit: sha("d") });
    expect(forge.asked.landings).toEqual([]);
  });

  it("does not merge over a moved target on a forge that only compares heads", async () => {
    const forge = memoryForge({ capabilities: { head: "compared" } });
    const worktree = memoryWorktree(forge);
    worktree.copy.isAncestor = async () => false;
    const answer = await mergeBranch.handle(contextOn(worktree), {});
    expect(answer).toMatchObject({ state: "refused", code: "target_moved" });
    expect(forge.asked.landings).toEqual([]);
  });

  it("throws what is no decision of the forge", async () => {
    const forge = memoryForge({
      landing: () => {
        throw new LandError("forge_unreachable", "gone");
      },
    });
    await expect(mergeBranch.handle(contextOn(memoryWorktree(forge)), {})).rejects.toMatchObject({
      code: "forge_unreachable",
    });
  });
});

describe("force", () => {
  const force = { force: true, reason: "the lane's host is down" };

  it("needs a reason", async () => {
    const context = contextOn(memoryWorktree(memoryForge()), "agreed");
    await expect(mergeBranch.handle(context, { force: true })).rejects.toMatchObject({
      code: "bad_argument",
    });
  });

  it("does nothing by itself: without a person the answer names the way for one", async () => {
    for (const consent of ["no_way", "declined"] as const) {
      const owner = memoryForge();
      const forge = memoryForge({ landing: red });
      const context = contextOn(memoryWorktree(forge, { owner }), consent);
      const answer = await mergeBranch.handle(context, force);
      expect(answer).toMatchObject({
        state: "refused",
        code: "force_refused",
        next: expect.stringContaining("land merge --force 20"),
      });
      expect(owner.asked.landings).toEqual([]);
      expect(forge.asked.landings.every((request) => request.force === undefined)).toBe(true);
    }
  });

  it("goes through the owner once a person has typed the branch's number", async () => {
    const owner = memoryForge();
    const context = contextOn(memoryWorktree(memoryForge({ landing: red }), { owner }), "agreed");
    const answer = await mergeBranch.handle(context, force);
    expect(answer).toMatchObject({ state: "merged", forced: true });
    expect(context.questions[0]).toMatchObject({ expected: "20" });
    expect(context.questions[0]?.message).toContain(sha("a"));
    expect(owner.asked.landings).toEqual([
      { branchId: "20", head: sha("a"), force: { reason: force.reason } },
    ]);
  });

  it("asks nobody where the branch can land without", async () => {
    const context = contextOn(memoryWorktree(memoryForge()), "agreed");
    expect(await mergeBranch.handle(context, force)).toMatchObject({ state: "merged" });
    expect(context.questions).toEqual([]);
  });

  it("overrides CI alone", async () => {
    const moved = () => {
      throw new LandError("target_moved", "The target moved.");
    };
    const owner = memoryForge();
    const context = contextOn(memoryWorktree(memoryForge({ landing: moved }), { owner }), "agreed");
    expect(await mergeBranch.handle(context, force)).toMatchObject({ code: "target_moved" });
    expect(owner.asked.landings).toEqual([]);
    expect(context.questions).toEqual([]);
  });

  it("is refused where the owner's key is not here", async () => {
    const context = contextOn(memoryWorktree(memoryForge({ landing: red })), "agreed");
    expect(await mergeBranch.handle(context, force)).toMatchObject({
      state: "refused",
      code: "forbidden",
    });
  });
});
