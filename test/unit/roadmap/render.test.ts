import { expect, it } from "vitest";
import { parseRoadmap } from "../../../src/roadmap/parse.ts";
import { renderProblems, renderRoadmap, roadmapView } from "../../../src/roadmap/render.ts";

const text = `# Ours
## Phase 1
### ABC · One · doing
- **ABC-1** (open) Who waits? Now nobody does.
- **ABC-2** (done) It works. See \`a\`.
### DEF · Two · dropped
- **DEF-1** (dropped) Never.
### GHI · Three · later
- **GHI-1** (doing) v1.2 of e.g. it
`;
const view = (all: boolean) => roadmapView("todos/x.md", parseRoadmap(text), all);

it("shows what is open and in work by workstream, with the counts of all", () => {
  expect(renderRoadmap(view(false))).toBe(`Ours · todos/x.md
1 open, 1 doing, 1 done, 1 dropped

ABC · One · doing (1 open, 1 done)
  ABC-1 (open) Who waits?

GHI · Three · open (1 doing)
  GHI-1 (doing) v1.2 of e.g. it`);
});

it("shows everything in full when asked", () => {
  const all = renderRoadmap(view(true));
  expect(all).toContain("  ABC-1 (open) Who waits? Now nobody does.\n  ABC-2 (done) It works.");
  expect(all).toContain("DEF · Two · dropped (1 dropped)\n  DEF-1 (dropped) Never.");
});

it("begins with workstreams, whatever comes before them", () => {
  const lists = "## SCH · Properties · open\n- **SCH-1** (open) First. `x`\n";
  const parsed = parseRoadmap(lists + text.replace("# Ours\n", ""));
  const shown = roadmapView("x.md", parsed, false).workstreams.map(({ id }) => id);
  expect(shown).toEqual(["ABC", "GHI", "SCH"]);
  expect(renderRoadmap(roadmapView("x.md", parsed, false))).toMatch(/SCH-1 \(open\) First\.$/);
});

it("says so where nothing is open", () => {
  const parsed = parseRoadmap("### ABC · One · done\n- **ABC-1** (done) a. See `b`.");
  expect(renderRoadmap(roadmapView("x.md", parsed, false))).toBe(
    "Roadmap · x.md\n1 done\n\nNothing is open.",
  );
  const unread = renderRoadmap(roadmapView("x.md", parseRoadmap("Words."), false));
  expect(unread).toContain("Nothing that could be read is open.");
});

it("cuts a long line of the short form", () => {
  const parsed = parseRoadmap(`### ABC · One · open\n- **ABC-1** (open) ${"ü".repeat(400)}`);
  const lines = renderRoadmap(roadmapView("x.md", parsed, false)).split("\n");
  expect(lines.at(-1)).toBe(`  ABC-1 (open) ${"ü".repeat(120)}…`);
});

it("tells problems as compilers do", () => {
  expect(renderProblems(view(false))).toBe(
    'todos/x.md:8: GHI has the status "later"; it may be open, doing, done, dropped.\n',
  );
});
