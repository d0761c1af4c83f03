import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { layOut, type ShownSection, sectionText } from "../../../src/brief/layout.ts";

const rest = (name: string) => `full text of ${name}: /file`;

function shown(parts: Partial<ShownSection>): ShownSection {
  return {
    name: "one",
    title: "One",
    mark: undefined,
    body: "",
    notes: [],
    output: "",
    keep: "head",
    nonce: undefined,
    size: 1000,
    ...parts,
  };
}

const numbered = (count: number) =>
  Array.from({ length: count }, (_, at) => `line ${at}`).join("\n");

describe("one section", () => {
  it("shows title, whose it is, text, notes and output in that order", () => {
    const section = shown({ mark: "theirs", body: "Text.", notes: ["Note."], output: "out" });
    expect(sectionText(section, 1000, { rest })).toBe("## One (theirs)\nText.\nNote.\nout");
  });

  it("keeps the head of its output, and says how much is missing and where it is", () => {
    const text = sectionText(shown({ output: numbered(200) }), 300, { rest });
    expect(text.length).toBeLessThanOrEqual(300);
    expect(text).toMatch(/^## One\nline 0\n/);
    const [, left] = /\[(\d+) characters left out; full text of one: \/file\]$/.exec(text) ?? [];
    const kept = text.split("\n").slice(1, -1).join("\n");
    expect(kept.length + Number(left)).toBe(numbered(200).length);
  });

  it("keeps the tail of what failed", () => {
    const text = sectionText(shown({ output: numbered(200), keep: "tail" }), 300, { rest });
    expect(text).toMatch(/^## One\n\[\d+ characters left out; .*\]\nline \d+\n[\s\S]*line 199$/);
  });

  it("closes the fence around what it cut", () => {
    const text = sectionText(shown({ output: numbered(200), nonce: "abc123" }), 400, { rest });
    expect(text).toMatch(/<<< abc123 [\s\S]*left out[\s\S]*\n>>> abc123 end$/);
    expect(text.length).toBeLessThanOrEqual(400);
  });

  it("cuts its own text too", () => {
    const text = sectionText(shown({ body: numbered(200) }), 300, { rest });
    expect(text).toMatch(/^## One\nline 0\n[\s\S]*left out; full text of one: \/file\]$/);
  });
});

describe("the whole", () => {
  const three = ["rules", "status", "help"].map((name) =>
    shown({ name, title: name, body: name, output: numbered(100) }),
  );

  it("keeps the order, and each section to its own size", () => {
    const { text, cut } = layOut("# Head", three, { max: 9500, sized: true, rest });
    expect(text).toMatch(/^# Head\n\n## rules\n[\s\S]*\n\n## status\n[\s\S]*\n\n## help\n/);
    expect(cut).toEqual([]);
    const small = three.map((section) => ({ ...section, size: 200 }));
    const less = layOut("# Head", small, { max: 9500, sized: true, rest });
    expect(less.cut).toEqual(["rules", "status", "help"]);
    expect(less.text.length).toBeLessThan(700);
  });

  it("lets the last give way first", () => {
    const { text, cut } = layOut("# Head", three, { max: 2200, sized: true, rest });
    expect(cut).toEqual(["help"]);
    expect(text).toContain("## help");
    expect(text).toContain("full text of help: /file");
    expect(layOut("# Head", three, { max: 1400, sized: true, rest }).cut).toEqual([
      "status",
      "help",
    ]);
  });

  it("names what has no room at all", () => {
    const many = Array.from({ length: 40 }, (_, at) =>
      shown({ name: `s${at}`, output: numbered(50) }),
    );
    const { text, cut } = layOut("# Head", many, { max: 3000, sized: true, rest });
    expect(text.length).toBeLessThanOrEqual(3000);
    expect(text).toMatch(/\[Left out for room: s\d+[^\]]*, s39; full text/);
    expect(cut).toContain("s39");
  });

  it("is never longer than it may be, whatever the sections are", () => {
    const word = fc.string({ unit: "grapheme", maxLength: 300 });
    const section = fc.record({
      name: fc.stringMatching(/^[a-z]{1,12}$/),
      title: fc.string({ minLength: 1, maxLength: 100 }),
      mark: fc.constantFrom(undefined, "theirs"),
      body: word,
      notes: fc.array(fc.string({ maxLength: 100 }), { maxLength: 3 }),
      output: fc.array(word, { maxLength: 20 }).map((lines) => lines.join("\n")),
      keep: fc.constantFrom("head" as const, "tail" as const),
      nonce: fc.constantFrom(undefined, "0123456789ab"),
      size: fc.integer({ min: 100, max: 5000 }),
    });
    const max = fc.integer({ min: 200, max: 9500 });
    fc.assert(
      fc.property(fc.array(section, { maxLength: 12 }), max, (sections, most) => {
        const { text, cut } = layOut("# Head", sections, { max: most, sized: true, rest });
        expect(text.length).toBeLessThanOrEqual(most);
        expect(text).toMatch(/^# Head/);
        expect(text.isWellFormed()).toBe(true);
        if (cut.length > 0) expect(text).toMatch(/left out|Left out|…/);
      }),
    );
  });
});
