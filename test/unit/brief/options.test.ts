import fc from "fast-check";
import { expect, it } from "vitest";
import { briefOptions, helpText, readRequest } from "../../../src/brief/options.ts";

it("makes a brief of default size when nothing is asked", () => {
  expect(readRequest([])).toEqual({
    act: "brief",
    format: "auto",
    section: undefined,
    maxChars: undefined,
    overallMs: 12_000,
    worktree: undefined,
    notes: [],
  });
});

it("reads every option", () => {
  const args = ["--format", "codex", "--section=queue.md", "--max-chars", "500", "--timeout", "2"];
  expect(readRequest([...args, "-C", "sub"])).toMatchObject({
    format: "codex",
    section: "queue",
    maxChars: 500,
    overallMs: 2000,
    worktree: "sub",
    notes: [],
  });
  expect(readRequest(["--list"]).act).toBe("list");
  expect(readRequest(["-h"]).act).toBe("help");
  expect(readRequest(["--version"]).act).toBe("version");
});

it.each([
  [["--bogus"], /no option "--bogus"/],
  [["-x"], /no option "-x"/],
  [["word"], /"word" was not understood/],
  [["--format", "html"], /no format "html"/],
  [["--format"], /--format needs a value/],
  [["--max-chars", "many"], /--max-chars takes a number/],
  [["--max-chars", "-5"], /--max-chars/],
  [["--timeout", "0"], /--timeout takes a number from 0.1/],
])("goes on with the default and a note for %j", (args, note) => {
  const request = readRequest(args);
  expect(request).toMatchObject({ act: "brief", format: "auto", maxChars: undefined });
  expect(request.overallMs).toBe(12_000);
  expect(request.notes.join("\n")).toMatch(note);
});

it("never throws", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string(), fc.constantFrom("--format", "-C", "--list", "--"))),
      (args) => {
        expect(readRequest(args).notes).toBeInstanceOf(Array);
      },
    ),
  );
});

it("helps with every option that it reads", () => {
  for (const { flag, description } of briefOptions) {
    expect(helpText()).toContain(flag);
    expect(helpText()).toContain(description);
    const [name = ""] = /--[a-z-]+/.exec(flag) ?? [];
    expect(readRequest([name, "1"]).notes.join()).not.toContain("no option");
  }
});
