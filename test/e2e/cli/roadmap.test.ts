import { expect, it } from "vitest";
import { aRepository } from "../../support/cli.ts";

it("lists what a roadmap leaves open, and tells a malformed line by its number", async () => {
  await using scene = await aRepository({
    "todos/pika-git.md": "# Ours\n## Phase 1\n### ABC · One · open\n- **ABC-1** (open) Who?\n",
    "docs/plan.md": "### ABC · One · open\n- **ABC-1** (soon) Who?\n",
  });
  const listed = await scene.land(["roadmap"]);
  expect(listed).toMatchObject({ code: 0, err: "" });
  expect(listed.out).toContain("ABC · One · open (1 open)\n  ABC-1 (open) Who?\n");
  await scene.git("config", "land.roadmap", "docs/plan.md");
  const told = await scene.land(["roadmap", "--all"]);
  expect(told).toMatchObject({ code: 1, err: expect.stringMatching(/^docs\/plan\.md:2: ABC-1 /) });
  expect(told.out).toContain("ABC-1 (open) Who?");
});

it("hands a reader the whole of a long answer, more than a pipe takes at once", async () => {
  const items = Array.from(
    { length: 1500 },
    (_, at) => `- **ABC-${at + 1}** (open) ${"Who? ".repeat(30)}`,
  );
  await using scene = await aRepository({
    "todos/pika-git.md": `# Ours\n### ABC · One · open\n${items.join("\n")}\n`,
  });
  const listed = await scene.land(["roadmap", "--json"]);
  expect(listed.out.length).toBeGreaterThan(200_000);
  expect(JSON.stringify(listed.json())).toContain("ABC-1500");
});
