import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseSection } from "../../../src/brief/section.ts";
import { createProgram } from "../../../src/cli/program.ts";
import { catalogue } from "../../../src/operations/catalogue.ts";
import { servicesWith } from "../../support/cli-in-process.ts";
import { root } from "../../support/sources.ts";

const parse = (raw: string) => parseSection("one", "kit", raw);

describe("a section's file", () => {
  it("is read with its defaults", () => {
    expect(parse("---\ntitle: One\n---\nText.\n")).toEqual({
      kind: "section",
      section: {
        name: "one",
        source: "kit",
        title: "One",
        purpose: undefined,
        command: undefined,
        file: undefined,
        timeoutMs: 5000,
        size: 1500,
        when: [],
        order: 500,
        body: "Text.",
      },
    });
  });

  it("gives a command as a shell's line or as a list", () => {
    expect(parse("---\ntitle: a\ncommand: echo a | cat\n---\n")).toMatchObject({
      section: { command: ["sh", "-c", "echo a | cat"] },
    });
    expect(parse("---\ntitle: a\ncommand: [echo, a b]\n---\n")).toMatchObject({
      section: { command: ["echo", "a b"] },
    });
  });

  it("takes conditions one by one or in a list, as words or keyed", () => {
    const when = (yaml: string) => parse(`---\ntitle: a\nwhen: ${yaml}\n---\n`);
    expect(when("forge")).toMatchObject({ section: { when: [{ kind: "forge" }] } });
    expect(when('[repository, "file: a/b", "command: jq"]')).toMatchObject({
      section: {
        when: [
          { kind: "repository" },
          { kind: "file", path: "a/b" },
          { kind: "command", name: "jq" },
        ],
      },
    });
    expect(when("\n  - file: a")).toMatchObject({
      section: { when: [{ kind: "file", path: "a" }] },
    });
  });

  it("reads Windows line ends and a byte order mark", () => {
    expect(parse("\ufeff---\r\ntitle: a\r\n---\r\nb\r\nc\r\n")).toMatchObject({
      section: { title: "a", body: "b\nc" },
    });
  });

  it("is switched off by `enabled: false`, whatever else it says", () => {
    expect(parse("---\nenabled: false\n---\n")).toEqual({ kind: "off", name: "one" });
  });

  it("is none without frontmatter", () => {
    expect(parse("# A brief about something else\n")).toEqual({ kind: "other", name: "one" });
  });

  it.each([
    ["no title", "---\norder: 1\n---\n", /`title`/],
    ["YAML that is none, with its line", "---\ntitle: a\ncommand: [a\n---\n", /^line 4: /],
    ["no end", "---\ntitle: a\n", /no end/],
    ["an unknown key", "---\ntitle: a\ncolour: red\n---\n", /colour/],
    ["a negative time-out", "---\ntitle: a\ntimeout: -1\n---\n", /`timeout`/],
    ["a size of no number", "---\ntitle: a\nsize: big\n---\n", /`size`/],
    ["an order before the rules", "---\ntitle: a\norder: -1\n---\n", /`order`/],
    ["a condition that is none", "---\ntitle: a\nwhen: rm -rf x\n---\n", /`when`.*not one of/],
    ["a path out of the tree", "---\ntitle: a\nfile: ../secret\n---\n", /`file`/],
    ["an absolute path", "---\ntitle: a\nfile: /etc/passwd\n---\n", /`file`/],
    ["a condition on a path outside", '---\ntitle: a\nwhen: "file: ../x"\n---\n', /`when`/],
    ["a list for a mapping", "---\n- a\n---\n", /object/],
    ["frontmatter in another language", "---js\n{ title: 'a' }\n---\n", /^line 1: only YAML/],
    ["a tag that runs code", "---\ntitle: !!js/function 'x'\n---\n", /unknown tag/],
    ["an empty command", "---\ntitle: a\ncommand: []\n---\n", /`command`/],
  ])("is told to be broken: %s", (_, raw, why) => {
    expect(parse(raw)).toEqual({ kind: "broken", name: "one", why: expect.stringMatching(why) });
  });

  it("never throws, and never lets a file choose what it is called", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string(), (head, tail) => {
        const parsed = parse(`---\n${head}\n---\n${tail}`);
        expect(parsed.kind === "section" ? parsed.section.name : parsed.name).toBe("one");
      }),
    );
  });
});

describe("the kit's own sections", () => {
  const names = readdirSync(join(root, "briefs"));
  const raw = (name: string) => readFileSync(join(root, "briefs", name), "utf8");

  it.each(names)("%s is well formed", (name) => {
    expect(parseSection(name, "kit", raw(name)).kind).toBe("section");
  });

  it("keeps the rules short and first", () => {
    const parsed = parseSection("rules", "kit", raw("rules.md"));
    expect(parsed).toMatchObject({ section: { order: 0 } });
    expect(parsed.kind === "section" && parsed.section.body.length).toBeLessThan(900);
  });

  it("names every command of `land`, and none that there is not", () => {
    const runner = { act: async () => {}, endWith: async () => {}, output: {} };
    const program = createProgram(servicesWith({ operations: catalogue }), runner);
    // The reference client's other names for what `land recover` does are not worth the room, and
    // what sshd runs is not for those who read a brief.
    const own = program.commands.filter(
      (one) =>
        !/, as `land recover/.test(one.description()) &&
        !["authorized-keys", "git-shell"].includes(one.name()),
    );
    const there = own.map((command) => command.name()).sort();
    const named = [...raw("commands.md").matchAll(/`land ([a-z]+)/g)].map((match) => match[1]);
    expect([...new Set(named)].sort()).toEqual(there);
  });
});
