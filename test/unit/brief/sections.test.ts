import { describe, expect, it } from "vitest";
import { changesNothing, startFolder } from "../../../src/bin/land-in-process.ts";
import { whyNot } from "../../../src/brief/conditions.ts";
import { mayRunCommands } from "../../../src/brief/place.ts";
import { secretsIn } from "../../../src/brief/secrets.ts";
import { parseSection } from "../../../src/brief/section.ts";
import { chooseSections, type SectionFile } from "../../../src/brief/sections.ts";

function file(name: string, source: "kit" | "repository", raw: string): SectionFile {
  return { name, source, raw, parsed: parseSection(name, source, raw) };
}

const titled = (title: string, more = "") => `---\ntitle: ${title}\n${more}---\n`;

describe("which sections there are", () => {
  const kit = [
    file("rules", "kit", titled("Rules", "order: 0\n")),
    file("help", "kit", titled("Help", "order: 70\n")),
  ];

  it("orders by `order`, then name; the kit's first among equals, so that its rules are first", () => {
    const own = [
      file("aaa", "repository", titled("A", "order: 0\n")),
      file("late", "repository", titled("Late")),
      file("early", "repository", titled("Early", "order: 5\n")),
    ];
    const names = chooseSections(kit, own).sections.map((section) => section.name);
    expect(names).toEqual(["rules", "aaa", "early", "help", "late"]);
  });

  it("lets a repository's file replace the kit's, or switch it off", () => {
    const own = [
      file("help", "repository", titled("Ours", "order: 70\n")),
      file("rules", "repository", "---\nenabled: false\n---\n"),
    ];
    const choice = chooseSections(kit, own);
    expect(choice.sections).toMatchObject([{ name: "help", source: "repository", title: "Ours" }]);
    expect(choice.replaced).toEqual(["rules", "help"]);
  });

  it("takes the kit's own file in a repository for the kit's", () => {
    const choice = chooseSections(kit, [
      file("rules", "repository", titled("Rules", "order: 0\n")),
    ]);
    expect(choice.sections[0]).toMatchObject({ name: "rules", source: "kit" });
    expect(choice.replaced).toEqual([]);
  });

  it("passes over what is no section, and tells what is a broken one", () => {
    const own = [
      file("help", "repository", "# About helping\n"),
      file("odd", "repository", "---\norder: 1\n---\n"),
    ];
    const choice = chooseSections(kit, own);
    expect(choice.sections.map((section) => section.source)).toEqual(["kit", "kit"]);
    expect(choice.broken).toMatchObject([{ name: "odd", source: "repository" }]);
  });
});

it.each([
  [undefined, false, false],
  [undefined, true, true],
  ["true", false, true],
  ["1", false, true],
  ["false", true, false],
  ["whatever", true, false],
])(
  "lets a repository's commands run: config %j, forge made here %j: %j",
  (agreed, madeHere, may) => {
    expect(mayRunCommands({ agreed, madeHere })).toBe(may);
  },
);

it("says which condition does not hold", () => {
  const nothing = {
    repository: false,
    forge: false,
    hasFile: () => false,
    hasCommand: () => false,
  };
  const all = { repository: true, forge: true, hasFile: () => true, hasCommand: () => true };
  expect(whyNot([{ kind: "file", path: "a" }], nothing)).toBe("no a here");
  expect(
    whyNot([{ kind: "repository" }, { kind: "forge" }], { ...nothing, repository: true }),
  ).toBe("no forge here");
  expect(whyNot([{ kind: "command", name: "jq" }, { kind: "forge" }], all)).toBeUndefined();
});

it("knows secrets among variables by their names", () => {
  const env = {
    MY_API_KEY: "aaaaaaaa",
    GITHUB_TOKEN: "bbbbbbbb",
    SHORT_TOKEN: "no",
    KEYBOARD: "cccccccc",
    PATH: "dddddddd",
    DB_PASSWORD: "eeeeeeee",
  };
  expect(secretsIn(env)).toEqual(["aaaaaaaa", "bbbbbbbb", "eeeeeeee"]);
});

describe("commands of the kit in a section", () => {
  it.each([
    ["status"],
    ["list", "--state", "open"],
    ["queue"],
    ["whoami"],
    ["roadmap"],
    ["--help"],
  ])("run in the same process: land %s %s", (...args) => expect(changesNothing(args)).toBe(true));

  it.each([
    [],
    ["push"],
    ["merge", "--force"],
    ["land"],
    ["env", "list"],
    ["-C", "x", "status"],
    ["stop"],
  ])("do not: land %s %s", (...args) => expect(changesNothing(args)).toBe(false));
});

it("begins at the named folder, else at the client's project, else here", () => {
  const isFolder = (path: string) => path !== "/gone";
  expect(startFolder("/here", "sub", ["/project"], isFolder)).toBe("/here/sub");
  expect(startFolder("/here", undefined, ["/gone", "/project"], isFolder)).toBe("/project");
  expect(startFolder("/here", undefined, ["/gone"], isFolder)).toBe("/here");
  // A worktree inside the project is where its client is.
  expect(startFolder("/project/trees/a", undefined, ["/project"], isFolder)).toBe(
    "/project/trees/a",
  );
});
