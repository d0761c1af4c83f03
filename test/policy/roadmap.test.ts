import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { catalogue } from "../../src/operations/catalogue.ts";
import { parseRoadmap, requiredSections } from "../../src/roadmap/parse.ts";
import { usualRoadmap } from "../../src/roadmap/read.ts";
import { wrongNames } from "../support/known-things.ts";
import { root } from "../support/sources.ts";

const text = readFileSync(join(root, usualRoadmap), "utf8");
const { roadmap, problems } = parseRoadmap(text);
const items = roadmap.parts.flatMap((part) => part.items);

/** Whether a place that an item names can be gone to: a file, a command, a tool. */
function isThere(place: string): boolean {
  if (catalogue.some(({ faces }) => faces.tool === place)) return true;
  if (/^(land|npm) /.test(place)) return wrongNames(usualRoadmap, `\`${place}\``).length === 0;
  return /^[\w.-]+(\/[\w.-]+)*$/.test(place) && existsSync(join(root, place));
}

describe("this repository's own roadmap", () => {
  it("is one, without a problem", () => {
    expect(problems).toEqual([]);
    expect(text).toContain("<!-- roadmap: 1 -->");
  });

  it("has the directions, the model, the flaws and both phases", () => {
    const sections = [...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title);
    expect(sections).toEqual([
      "Product direction",
      "Review UI direction",
      "CI UX direction",
      "Anti-stall CI model",
      "Operational recovery tooling",
      "Architecture direction",
      "Current flaws",
      expect.stringMatching(/^Phase 1/),
      expect.stringMatching(/^Phase 2/),
    ]);
    expect(requiredSections.every((wanted) => text.includes(`\n## ${wanted}`))).toBe(true);
  });

  it("has five workstreams in phase 1, each with questions, and properties and flaws with ids", () => {
    const first = roadmap.parts.filter(({ section }) => section.startsWith("Phase 1"));
    expect(first.map(({ id, kind }) => `${id} ${kind}`)).toEqual(
      ["RUI", "OPS", "RTB", "FRB", "LEG"].map((id) => `${id} workstream`),
    );
    for (const part of first) expect(part.items.length).toBeGreaterThanOrEqual(5);
    expect(roadmap.parts.map(({ id }) => id)).toEqual(
      expect.arrayContaining(["SCH", "INV", "FLW", "NXT"]),
    );
  });

  it.each(items.filter(({ status }) => status === "done"))("shows where $id is done", ({ see }) => {
    expect(see).not.toEqual([]);
    expect(see.filter((place) => !isThere(place))).toEqual([]);
  });

  it("names only ids that it has", () => {
    const known = new Set([...roadmap.parts, ...items].map(({ id }) => id));
    const named = items.flatMap((item) => item.text.match(/\b[A-Z]{3}-\d+\b/g) ?? []);
    expect(named.filter((id) => !known.has(id))).toEqual([]);
  });

  it("would be told of a place that is not there", () => {
    expect(["src/nowhere.ts", "land frobnicate", "nowhere_branch", "../x"].map(isThere)).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect(["src/server/ci", "land queue", "inspect_queue"].every(isThere)).toBe(true);
  });
});
