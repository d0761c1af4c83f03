import fc from "fast-check";
import { getNodeValue, parseTree } from "jsonc-parser";
import { parse, stringify } from "smol-toml";
import { describe, expect, it } from "vitest";
import { blockIn, blockOf, putBlock, takeBlock } from "../../../src/setup/block-edit.ts";
import { appendItem, removeAndPrune, setMember, valueAt } from "../../../src/setup/json-edit.ts";
import { applyEdits, inverseOf, shortDiff, type TextEdit } from "../../../src/setup/text-edit.ts";
import { putTable, tableAt, takeTable } from "../../../src/setup/toml-edit.ts";
import { Unfit } from "../../../src/setup/unfit.ts";

const entry = { command: "/n/node", args: ["/k/land.js", "mcp"] };

/** Applies edits, and proves that the way back is exact. */
function apply(text: string, edits: readonly TextEdit[]): string {
  const after = applyEdits(text, edits);
  expect(applyEdits(after, inverseOf(text, edits))).toBe(text);
  return after;
}

/** Names that our own paths do not begin with. */
const name = fc
  .string({ maxLength: 6 })
  .filter((word) => !["a", "hooks", "__proto__"].includes(word));

/** A JSON document with comments, odd spacing, trailing commas and either line ending. */
const jsonDocument = fc
  .tuple(
    fc.dictionary(name, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4, noNullPrototype: true }),
    fc.constantFrom(0, 2, 4, "\t"),
    fc.constantFrom("\n", "\r\n"),
    fc.constantFrom("", "// before\n", "/* before */ "),
    fc.constantFrom("", "\n", "\n// after\n"),
    fc.boolean(),
  )
  .map(([value, indent, eol, before, after, comma]) => {
    const text = JSON.stringify(value, undefined, indent);
    const trailing = comma && Object.keys(value).length > 0;
    const body = trailing ? `${text.slice(0, -1).trimEnd()},\n}` : text;
    return `${before}${body}${after}`.replaceAll("\n", eol);
  });

const plain = (text: string) => {
  const root = parseTree(text, [], { allowTrailingComma: true });
  return root === undefined ? undefined : JSON.stringify(getNodeValue(root));
};

describe("JSON edits", () => {
  it("add a member and take it out again, and leave all else", () => {
    fc.assert(
      fc.property(jsonDocument, (text) => {
        const after = apply(text, setMember(text, ["a", "land"], entry));
        expect(valueAt(after, ["a", "land"])).toEqual(entry);
        expect(after.match(/\/[/*] ?(before|after)/g)).toEqual(
          text.match(/\/[/*] ?(before|after)/g),
        );
        const back = apply(after, removeAndPrune(after, ["a", "land"]));
        expect(plain(back)).toBe(plain(text));
      }),
    );
  });

  it("add an item and take it out again, and leave all else", () => {
    fc.assert(
      fc.property(
        jsonDocument,
        fc.array(fc.jsonValue({ maxDepth: 1 }), { minLength: 1, maxLength: 3 }),
        (text, items) => {
          const before = applyEdits(text, setMember(text, ["hooks"], { list: items }));
          const after = apply(before, appendItem(before, ["hooks", "list"], entry));
          expect(valueAt(after, ["hooks", "list"])).toEqual([
            ...JSON.parse(JSON.stringify(items)),
            entry,
          ]);
          const back = apply(after, removeAndPrune(after, ["hooks", "list"], items.length));
          expect(plain(back)).toBe(plain(before));
        },
      ),
    );
  });

  it("keep comments, indentation and line endings of what is there", () => {
    const text = '{\r\n\t// mine\r\n\t"a": {\r\n\t\t"other": 1 // note\r\n\t}\r\n}\r\n';
    const after = apply(text, setMember(text, ["a", "land"], { x: 1 }));
    expect(after).toContain("// mine");
    expect(after).toContain("// note");
    expect(after).toContain('\r\n\t\t"land": {\r\n\t\t\t"x": 1\r\n\t\t}');
    expect(after.replaceAll("\r\n", "")).not.toContain("\n");
  });

  it("make a document of an empty one", () => {
    expect(apply("", setMember("", ["a", "b"], 1))).toBe('{\n  "a": {\n    "b": 1\n  }\n}\n');
  });

  it.each([
    ['{"a": ', "line 1"],
    ['{\n"a": {},\n"b" 1}', "line 3"],
    ["[1]", "no JSON object"],
    ['{"a": 1}', "`a` is not an object"],
    ['{"a": null}', "`a` is not an object"],
    ['{"a": {},\n"a": {}}', "`a` is there twice"],
    ['{"a": {"land": 1, "land": 2}}', "`a.land` is there twice"],
  ])("refuse %j", (text, words) => {
    const told = (() => {
      try {
        valueAt(text, ["a", "land"]);
        setMember(text, ["a", "land"], entry);
        return "nothing";
      } catch (error) {
        if (!(error instanceof Unfit)) throw error;
        return `${error.message}, line ${error.line}`;
      }
    })();
    expect(told).toContain(words);
  });
});

const tomlKey = fc.stringMatching(/^[a-z_"'. #[\]]{1,8}$/).filter((word) => word !== "mcp_servers");
const tomlValue = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", "[", "]", "#", '"', "'", "\n", "\\", " ", "=") }),
  fc.integer(),
  fc.boolean(),
  fc.array(fc.string({ maxLength: 4 }), { maxLength: 3 }),
);
const tomlDocument = fc
  .tuple(
    fc.dictionary(tomlKey, tomlValue, { maxKeys: 3, noNullPrototype: true }),
    fc.dictionary(
      tomlKey,
      fc.dictionary(tomlKey, tomlValue, { maxKeys: 3, noNullPrototype: true }),
      {
        maxKeys: 3,
        noNullPrototype: true,
      },
    ),
    fc.constantFrom("", "# the end [mcp_servers.land]\n"),
  )
  .map(([values, tables, end]) => `${stringify({ ...values, ...tables })}${end}`);

const path = ["mcp_servers", "land"];

describe("TOML edits", () => {
  it("add a table and take it out again, byte for byte", () => {
    fc.assert(
      fc.property(tomlDocument, (text) => {
        const after = apply(text, putTable(text, path, entry));
        expect(tableAt(after, path)).toEqual(entry);
        expect(after.startsWith(text)).toBe(true);
        const back = apply(after, takeTable(after, path));
        expect(back).toBe(text === "" || text.endsWith("\n") ? text : `${text}\n`);
      }),
    );
  });

  const around = `# mine
model = """
[mcp_servers.land]
""" # not a header
list = [
  "[x]", # ]
]
[mcp_servers.other] # [y]
command = 'x'

[mcp_servers."land"] # ours
command = "old"
args = [
  "a",
]
# a word on what follows
[mcp_servers.land.tools.land_branch]
approval_mode = "approve"

[[profiles]]
name = "x]"
`;

  it("change a table where it is, and leave the tables in it", () => {
    const after = apply(around, putTable(around, path, entry));
    expect(parse(after)).toEqual({
      ...(parse(around) as object),
      mcp_servers: {
        other: { command: "x" },
        land: { ...entry, tools: { land_branch: { approval_mode: "approve" } } },
      },
    });
    expect(after.split("[mcp_servers.land]\ncommand")[0]).toBe(
      around.split('[mcp_servers."land"]')[0],
    );
    expect(after).toContain("# a word on what follows\n[mcp_servers.land.tools.land_branch]");
  });

  it("take a table with the tables in it", () => {
    const after = apply(around, takeTable(around, path));
    expect(after).toBe(
      around
        .replace(/\n\[mcp_servers\."land"\][\s\S]*?\n\]\n/, "")
        .replace('[mcp_servers.land.tools.land_branch]\napproval_mode = "approve"\n', ""),
    );
  });

  it("keep carriage returns", () => {
    const text = 'model = "x"\r\n';
    const after = apply(text, putTable(text, path, entry));
    expect(after.replaceAll("\r\n", "")).not.toContain("\n");
    expect(apply(after, takeTable(after, path))).toBe(text);
  });

  it.each([
    ["model = ", "not valid TOML"],
    ['mcp_servers = { other = { command = "x" } }', "cannot be written there without harm"],
    ['mcp_servers = { land = { command = "x" } }', "not written as a table with a header"],
    ['[mcp_servers]\nland.command = "x"', "not written as a table with a header"],
    ["mcp_servers = 1", "cannot be written there without harm"],
    ["[mcp_servers]\nland = 1", "is not a table"],
  ])("refuse %j", (text, words) => {
    expect(() => {
      tableAt(text, path);
      putTable(text, path, entry);
    }).toThrow(words);
  });
});

describe("block edits", () => {
  const block = blockOf("one\n\ntwo\n");

  it("add a block and take it out again", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("# A", "", "text", "<!-- x -->")),
        fc.constantFrom("\n", "\r\n"),
        (lines, eol) => {
          const text = lines.map((line) => line + eol).join("");
          const after = apply(text, putBlock(text, block));
          expect(blockIn(after)).toBe(block);
          expect(after.startsWith(text)).toBe(true);
          expect(apply(after, takeBlock(after))).toBe(text);
        },
      ),
    );
  });

  it("change a block where it is", () => {
    const text = `before\n\n${blockOf("old")}\nafter\n`;
    expect(apply(text, putBlock(text, block))).toBe(`before\n\n${block}\nafter\n`);
  });

  it.each([`${block}\n${block}`, block.split("\n")[0] ?? "", "<!-- forge-landing-kit:end -->"])(
    "refuse marks that do not belong together: %j",
    (text) => expect(() => putBlock(text, block)).toThrow("do not belong together"),
  );
});

describe("short diff", () => {
  it("shows changed lines alone", () => {
    expect(shortDiff("a\nb\nc\nd\ne\n", "a\nB\nc\nd\nE\nf\n")).toEqual([
      "-b",
      "+B",
      "-e",
      "+E",
      "+f",
    ]);
    expect(shortDiff("", "a\n")).toEqual(["+a"]);
    expect(shortDiff("a\r\n", "a\n")).toEqual([]);
  });
});
