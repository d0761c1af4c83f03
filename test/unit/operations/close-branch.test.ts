import { expect, it } from "vitest";
import { closeBranch } from "../../../src/operations/close-branch.ts";
import { aBranch, contextOn, memoryForge, memoryWorktree, sha } from "../../support/operations.ts";

it("closes one's own branch at the head that is here", async () => {
  const forge = memoryForge();
  const answer = await closeBranch.handle(contextOn(memoryWorktree(forge)), { reason: "done" });
  expect(answer).toMatchObject({ state: "closed", head: sha("a"), number: "20" });
  expect(forge.asked.closed).toEqual([{ branchId: "20", head: sha("a"), reason: "done" }]);
});

it("closes somebody else's only where its head is named", async () => {
  const forge = memoryForge();
  const context = contextOn(memoryWorktree(forge, { tips: {} }));
  await expect(closeBranch.handle(context, { branch: "20" })).rejects.toMatchObject({
    code: "head_required",
    facts: { head: sha("a") },
  });
  expect(forge.asked.closed).toEqual([]);
  await closeBranch.handle(context, { branch: "20", head: sha("a") });
  expect(forge.asked.closed.length).toBe(1);
});

it("does not close at another head than the expected one", async () => {
  const forge = memoryForge();
  const context = contextOn(memoryWorktree(forge, { tips: { "feature/x": sha("c") } }));
  await expect(closeBranch.handle(context, {})).rejects.toMatchObject({ code: "head_moved" });
  await expect(closeBranch.handle(context, { head: sha("d") })).rejects.toMatchObject({
    code: "head_moved",
  });
  expect(forge.asked.closed).toEqual([]);
});

it("answers the same for a branch that is closed, and refuses one that is merged", async () => {
  const closed = memoryForge({ branches: [aBranch({ state: "closed" })] });
  expect(await closeBranch.handle(contextOn(memoryWorktree(closed)), {})).toMatchObject({
    state: "closed",
    already: true,
  });
  const merged = memoryForge({ branches: [aBranch({ state: "merged" })] });
  await expect(closeBranch.handle(contextOn(memoryWorktree(merged)), {})).rejects.toMatchObject({
    code: "branch_not_open",
  });
});
