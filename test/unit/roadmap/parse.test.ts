import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRoadmap, requiredSections } from "../../../src/roadmap/parse.ts";

const sections = requiredSections.filter((title) => title !== "Phase 1").map((t) => `## ${t}`);
const whole = `# A roadmap
<!-- roadmap: 1 -->
${sections.join("\n")}

## Phase 1: find out

### RUI · Review · interface · doing

- **RUI-1** (open) What must a person see
  first?
- **RUI-2** (done) Where do tutorials come from? From agents. See \`src/a.ts\`, \`land url\`.

### OPS · Recovery · open

- **OPS-1** (dropped) Shall there be a button?
- **OPS-2** (Doing) How is it undone?
`;

/** A document that does not call itself a roadmap, so that only its own lines are judged. */
const problemsOf = (...lines: string[]) =>
  parseRoadmap(lines.join("\n")).problems.map(({ line, message }) => `${line}: ${message}`);

const part = "### ABC · One · open";

describe("a roadmap", () => {
  it("is read with its workstreams, their items and the lines of both", () => {
    expect(parseRoadmap(whole)).toEqual({
      problems: [],
      roadmap: {
        title: "A roadmap",
        parts: [
          {
            id: "RUI",
            title: "Review · interface",
            status: "doing",
            kind: "workstream",
            section: "Phase 1: find out",
            line: 10,
            items: [
              {
                id: "RUI-1",
                status: "open",
                text: "What must a person see first?",
                see: [],
                line: 12,
              },
              {
                id: "RUI-2",
                status: "done",
                text: "Where do tutorials come from? From agents. See `src/a.ts`, `land url`.",
                see: ["src/a.ts", "land url"],
                line: 14,
              },
            ],
          },
          {
            id: "OPS",
            title: "Recovery",
            status: "open",
            kind: "workstream",
            section: "Phase 1: find out",
            line: 16,
            items: [
              { id: "OPS-1", status: "dropped", text: expect.any(String), see: [], line: 18 },
              { id: "OPS-2", status: "doing", text: "How is it undone?", see: [], line: 19 },
            ],
          },
        ],
      },
    });
  });

  it("may have Windows line ends, a byte order mark, and lists outside its phases", () => {
    const text = `\ufeff# T\r\n## SCH · Properties · open\r\n- **SCH-1** (open) One\r\n  more\r\n`;
    expect(parseRoadmap(text)).toMatchObject({
      problems: [],
      roadmap: {
        title: "T",
        parts: [
          {
            id: "SCH",
            kind: "list",
            section: "Properties",
            items: [{ text: "One more", line: 3 }],
          },
        ],
      },
    });
  });

  it("shows no control sequences, and no text of any length", () => {
    const item = `- **ABC-1** (open) \u001b[31mred\u001b[0m \u202egood ${"x".repeat(9000)}`;
    const [first] = parseRoadmap(`${part}\n${item}`).roadmap.parts[0]?.items ?? [];
    expect(first?.text).toMatch(/^red good x+$/);
    expect(first?.text.length).toBeLessThanOrEqual(1000);
  });

  it("leaves prose, code and comments alone", () => {
    const prose = ["- **Bold** words", "- (maybe) later", "### CI in short", "### The · dot"];
    const code = ["```md", part, "- **ABC-9** (what) Not read", "```"];
    const comment = ["<!--", "- **ABC-8** (open) Not read", "-->"];
    const text = [part, "- **ABC-1** (open) Read", ...code, ...comment, ...prose].join("\n");
    const { roadmap, problems } = parseRoadmap(text);
    expect(problems).toEqual([]);
    expect(roadmap.parts.flatMap(({ items }) => items.map(({ id }) => id))).toEqual(["ABC-1"]);
  });
});

describe("what is wrong is told with its line", () => {
  it("ids that are there twice", () => {
    expect(problemsOf(part, "- **ABC-1** (open) a", "- **ABC-1** (open) b")).toEqual([
      "3: ABC-1 is there already, at line 2.",
    ]);
    expect(problemsOf(part, "- **ABC-1** (open) a", part, "- **ABC-2** (open) b")).toEqual([
      "3: ABC is there already, at line 1.",
    ]);
  });

  it("a status that is unknown or missing; the item still counts as open", () => {
    const lines = [
      part,
      "- **ABC-1** (later) a",
      "- **ABC-2** b",
      "### DEF · Two",
      "### GHI · X · y",
    ];
    expect(problemsOf(...lines)).toEqual([
      '2: ABC-1 has the status "later"; it may be open, doing, done, dropped.',
      "3: ABC-2 has no status; it should be `- **ABC-1** (open) Text`.",
      "4: DEF has no status; it should be `### ABC · Title · open`.",
      "4: DEF has no questions or other items.",
      '5: GHI has the status "y"; it may be open, doing, done, dropped.',
      "5: GHI has no questions or other items.",
    ]);
    const { items } = parseRoadmap(lines.join("\n")).roadmap.parts[0] ?? { items: [] };
    expect(items.map(({ id, status }) => `${id} ${status}`)).toEqual(["ABC-1 open", "ABC-2 open"]);
  });

  it("a status without an id, and words that are no id", () => {
    expect(problemsOf("### Review · open", "- (done) a", "- **abc-1** (open) b", part)).toEqual([
      "1: This heading has a status but no id; it should be `### ABC · Title · open`.",
      "1: Review has no questions or other items.",
      "2: This item has a status but no id; it should be `- **ABC-1** (open) Text`.",
      '3: "abc-1" is no id; it should be `- **ABC-1** (open) Text`.',
      "4: ABC has no questions or other items.",
    ]);
  });

  it("an item in another dress, which is read all the same", () => {
    const dressed = ["[ ] **ABC-1** (open)", "~~**ABC-2** (open)~~", "__ABC-3__ (doing)"];
    const lines = [...dressed, "**ABC-4 (open)**", "ABC-5 (open)"].map((one) => `- ${one} a`);
    expect(problemsOf(part, ...lines)).toEqual(
      lines.map((_, at) => {
        const wanted = "it should be `- **ABC-1** (open) Text`.";
        return `${at + 2}: ABC-${at + 1} is not written as an item; ${wanted}`;
      }),
    );
    const { items } = parseRoadmap([part, ...lines].join("\n")).roadmap.parts[0] ?? { items: [] };
    expect(items.map(({ text }) => text)).toEqual(["a", "a", "a", "a", "a"]);
  });

  it("nothing of a numbered list, nor of words that begin with an id", () => {
    const lines = ["1. **ABC-1** (open) a", "2) **ABC-2** (open) b", "- ABC-1 (see above) is c"];
    expect(problemsOf(part, ...lines)).toEqual([]);
    const { items } = parseRoadmap([part, ...lines].join("\n")).roadmap.parts[0] ?? { items: [] };
    expect(items.map(({ id }) => id)).toEqual(["ABC-1", "ABC-2"]);
  });

  it("an item of no heading at all, which is listed apart", () => {
    const { roadmap, problems } = parseRoadmap("### ABC - One\n- **ABC-1** (open) a");
    expect(problems).toEqual([
      { line: 1, message: expect.stringContaining("Nothing here can be listed") },
      { line: 2, message: "ABC-1 stands below no workstream; there is no ABC." },
    ]);
    expect(roadmap.parts).toMatchObject([{ status: "open", line: 2, items: [{ id: "ABC-1" }] }]);
  });

  it("a question below the wrong workstream, below none, or of none", () => {
    const lines = ["- **ABC-1** (open) a", part, "- **DEF-1** (open) b", "- **XYZ-1** (open) c"];
    const more = ["### DEF · Two · open", "- **DEF-2** (open) d"];
    expect(problemsOf(...lines, ...more)).toEqual([
      "1: ABC-1 stands below no workstream; ABC is at line 2.",
      "3: DEF-1 stands below ABC; DEF is at line 5.",
      "4: XYZ-1 stands below ABC; there is no XYZ.",
    ]);
    const { parts } = parseRoadmap([...lines, ...more].join("\n")).roadmap;
    expect(parts.map(({ items }) => items.map(({ id }) => id))).toEqual([
      ["ABC-1", "XYZ-1"],
      ["DEF-1", "DEF-2"],
    ]);
  });

  it("a workstream that is done though something of it is open", () => {
    expect(problemsOf("### ABC · One · done", "- **ABC-1** (open) a")).toEqual([
      "1: ABC is done, but ABC-1 is open.",
    ]);
  });

  it("an item that is done with nothing to see, or says nothing", () => {
    expect(problemsOf(part, "- **ABC-1** (done) `x` works.", "- **ABC-2** (open)")).toEqual([
      "2: ABC-1 is done but does not say where to see it: end it with See `place`.",
      "3: ABC-2 has no text.",
    ]);
  });

  it("sections that a document lacks which calls itself a roadmap, and its title", () => {
    const text = whole.replace("# A roadmap\n", "").replace("## Current flaws\n", "");
    expect(parseRoadmap(text).problems).toEqual([
      { line: 1, message: "The roadmap has no title (`# …`)." },
      { line: 1, message: 'The section "Current flaws" is missing (`## Current flaws`).' },
    ]);
    const newer = whole.replace("roadmap: 1", "roadmap: 7");
    expect(parseRoadmap(newer).problems).toEqual([
      { line: 2, message: 'Roadmaps of format "7" are not known; 1 is.' },
    ]);
  });

  it("code and comments without an end, and a document with nothing to list", () => {
    expect(problemsOf(part, "- **ABC-1** (open) a", "```", part)).toEqual([
      "3: This code fence is never closed; nothing after it is read.",
    ]);
    expect(problemsOf(part, "- **ABC-1** (open) a", "<!-- x", part)).toEqual([
      "3: This comment is never closed; nothing after it is read.",
    ]);
    for (const text of ["", "Words.\n"]) {
      expect(parseRoadmap(text).problems).toEqual([
        { line: 1, message: expect.stringContaining("Nothing here can be listed") },
      ]);
    }
  });

  it("too many of either, which are cut", () => {
    const items = Array.from({ length: 2500 }, (_, at) => `- **ABC-${at}** (x) a`);
    const { roadmap, problems } = parseRoadmap([part, ...items].join("\n"));
    expect(roadmap.parts[0]?.items).toHaveLength(2000);
    expect(problems).toHaveLength(101);
    expect(problems.at(-1)?.message).toContain("further problems");
    const many = items.map((item) => item.replace("(x)", "(open)"));
    expect(problemsOf(part, ...many)).toEqual(["2002: Only the first 2000 items are read."]);
  });
});

const pieces = [
  "# T",
  "<!-- roadmap: 1 -->",
  "<!--",
  "-->",
  "```",
  "~~~~",
  "## Phase 1",
  "## Current flaws",
  part,
  "### ABC · Again · done",
  "### · open",
  "#### DEF · · ·",
  "- **ABC-1** (open) text",
  "  * **DEF-2** (done) text. See `a`",
  "+ **ABC-** (",
  "1. [x] ~~ABC-3 (open)~~ text",
  "- (open)",
  "   goes on",
  "",
  "\r",
  "\u001b]0;x",
];

it("never throws on any text, and every problem has a line of it", () => {
  const line = fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: "binary", maxLength: 40 }));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 40 }), fc.constantFrom("\n", "\r\n"), (lines, end) => {
      const text = lines.join(end);
      const count = text.split("\n").length;
      const { roadmap, problems } = parseRoadmap(text);
      const told = problems.map((problem) => problem.line);
      const items = roadmap.parts.flatMap((one) => [one.line, ...one.items.map((i) => i.line)]);
      for (const at of [...told, ...items]) {
        expect(at).toBeGreaterThanOrEqual(1);
        expect(at).toBeLessThanOrEqual(count);
      }
      expect(told).toEqual(told.toSorted((a, b) => a - b));
      expect(JSON.stringify({ roadmap, problems })).not.toMatch(/\\n|\\u001b|\\r/);
    }),
    { numRuns: 500 },
  );
});

it.each([
  ["code fences", "```\n"],
  ["entries", "- \n"],
  ["marks", "**"],
  ["hashes", "# "],
  ["dots", "## A · "],
  ["spaces", "- **ABC-1** (open)        "],
])("takes no longer for a quarter of a megabyte of %s than for words", (_, piece) => {
  const text = piece.repeat(Math.floor((256 * 1024) / piece.length));
  const before = performance.now();
  parseRoadmap(text);
  // Quadratic reading takes minutes.
  expect(performance.now() - before).toBeLessThan(5000);
});
