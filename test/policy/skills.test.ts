import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import matter from "gray-matter";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type Ending, endingOfAnswer, endingOfError, exitCodes } from "../../src/cli/exit-codes.ts";
import { errorCodes } from "../../src/domain/errors.ts";
import { executionReasons, failureKinds } from "../../src/domain/status.ts";
import { recoveryActions } from "../../src/forges/forge.ts";
import { landBranch } from "../../src/operations/land-branch.ts";
import { isOperationWord } from "../support/known-things.ts";
import { connectInMemory } from "../support/mcp.ts";
import { codePieces, linksOf } from "../support/named-things.ts";
import { root } from "../support/sources.ts";

const folder = join(root, "skills");
const names = readdirSync(folder).sort();

interface Skill {
  readonly frontmatter: Readonly<Record<string, unknown>>;
  readonly body: string;
  /** Files below its folder, beside SKILL.md. */
  readonly others: readonly string[];
}

function readSkill(name: string): Skill {
  const { data, content } = matter(readFileSync(join(folder, name, "SKILL.md"), "utf8"));
  const others = readdirSync(join(folder, name), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== "SKILL.md")
    .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, name).length + 1));
  return { frontmatter: data, body: content, others: others.sort() };
}

/** What the open format of skills allows, and what the clients' own limits ask for. */
const allowedKeys = ["name", "description", "license", "compatibility", "metadata"];
/** A token is seldom less than three characters and a half of English with code. */
const charactersOfBody = 5000 * 3.5;

/** Programs, remotes, branches and the manifest's keys, which skills name beside our own words. */
const otherWords = new Set(["land", "ph", "sleep", "forge", "origin", "main", "command"]);
const knownReasons: readonly string[] = [...executionReasons, ...failureKinds];

/** Words alone in code marks that are none of ours. */
function strangeWords(markdown: string): string[] {
  return codePieces(markdown)
    .map(({ text }) => text)
    .filter((text) => /^[a-z]+$/.test(text) && !otherWords.has(text))
    .filter((text) => !isOperationWord(text) && !knownReasons.includes(text));
}

describe("skills", () => {
  it.each(names)("name no state, action, key or code that there is not: %s", (name) => {
    const texts = ["SKILL.md", ...readSkill(name).others];
    for (const path of texts) {
      expect(strangeWords(readFileSync(join(folder, name, path), "utf8"))).toEqual([]);
    }
    expect(strangeWords("`landed`, `forbiddem` and `superceded`")).toEqual([
      "forbiddem",
      "superceded",
    ]);
  });

  it("are the two that the rest of the kit names", () => {
    expect(names).toEqual(["land", "recover-ci"]);
  });

  it.each(names)("have frontmatter that every client reads: %s", (name) => {
    const { frontmatter } = readSkill(name);
    expect(allowedKeys).toEqual(expect.arrayContaining(Object.keys(frontmatter)));
    expect(frontmatter.name).toBe(name);
    expect(name).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)*$/);
    expect(name.length).toBeLessThanOrEqual(64);
    expect(frontmatter.description).toMatch(/^Use this skill when /);
    expect(String(frontmatter.description).length).toBeLessThanOrEqual(1024);
    expect(String(frontmatter.compatibility).length).toBeLessThanOrEqual(500);
    for (const value of Object.values(frontmatter.metadata ?? {}))
      expect(value).toBeTypeOf("string");
  });

  it.each(names)("keep to one line a key, for readers that are no YAML parsers: %s", (name) => {
    const [, lines = ""] =
      /^---\n([\s\S]*?)\n---\n/.exec(readFileSync(join(folder, name, "SKILL.md"), "utf8")) ?? [];
    for (const line of lines.split("\n"))
      expect(line).toMatch(/^(?: {2})?[a-z]+:(?: [^'"[{>|&*#]|$)/);
    expect(lines).not.toMatch(/: .*: | #/);
  });

  it.each(names)("are short enough to be read whole: %s", (name) => {
    const { body } = readSkill(name);
    expect(body.split("\n").length).toBeLessThan(500);
    expect(body.length).toBeLessThan(charactersOfBody);
    expect(body).toMatch(/^## Gotchas$/m);
    expect(body).toMatch(/^- \[ \] /m);
  });

  it.each(names)("have references one level deep, each linked and none beside: %s", (name) => {
    const { body, others } = readSkill(name);
    for (const path of others) expect(path).toMatch(/^references\/[\w-]+\.md$/);
    const linked = linksOf(body).map(({ text }) => text);
    expect([...new Set(linked)].sort()).toEqual(others);
    for (const path of others) {
      const further = linksOf(readFileSync(join(folder, name, path), "utf8"));
      for (const { text } of further) expect(others).toContain(`references/${text}`);
    }
  });

  it.each(names)("say when to read each reference: %s", (name) => {
    const { body } = readSkill(name);
    const paragraphs = body.split(/\n\n|\n(?=[|-])/);
    for (const { text } of linksOf(body)) {
      const said = paragraphs.filter((paragraph) => paragraph.includes(`](${text})`)).join(" ");
      expect(said).toMatch(/\bread\b/i);
    }
  });

  it("are served by the MCP server, references and all", async () => {
    const unused = () => Promise.reject(new Error("no repository is needed for this"));
    await using on = await connectInMemory({ openWorktree: unused, skillsDir: folder });
    const { resources } = await on.client.listResources();
    const uris = resources.map(({ uri }) => uri);
    for (const name of names) {
      expect(uris).toContain(`skill://${name}/SKILL.md`);
      for (const path of ["SKILL.md", ...readSkill(name).others]) {
        const { contents } = await on.client.readResource({ uri: `skill://${name}/${path}` });
        const written = readFileSync(join(folder, name, path), "utf8");
        expect(contents[0]).toMatchObject({ text: written });
      }
    }
  });
});

const isErrorCode = (word: string) => (errorCodes as readonly string[]).includes(word);

/** The rows of a text's tables, as the words in code marks of their first cell. */
function firstCells(markdown: string): string[] {
  return markdown
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .flatMap((line) => codePieces(line.split("|")[1] ?? "").map(({ text }) => text));
}

describe("the skill land", () => {
  it("knows every end of a landing, with its exit code", () => {
    const { body } = readSkill("land");
    const table = /## What each end asks of you\n([\s\S]*?)\n## /.exec(body)?.[1] ?? "";
    const schema = z.toJSONSchema(landBranch.result).properties?.state as { enum: string[] };
    const states = schema.enum;
    expect(firstCells(table).sort()).toEqual(["state", ...states].sort());
    for (const state of states) {
      const { code } = exitCodes[endingOfAnswer("land", { state })];
      expect(table).toMatch(new RegExp(`^\\| \`${state}\` +\\| ${code} `, "m"));
    }
  });

  it("tells the exit codes of what is no end of a landing", () => {
    const said =
      /Exit code (\d+) is\s+a wrong command line, (\d+) no repository or no forge, (\d+) a/;
    const [, ...codes] = said.exec(readSkill("land").body) ?? [];
    const endings: Ending[] = ["usage", "no_forge", "unreachable"];
    expect(codes.map(Number)).toEqual(endings.map((ending) => exitCodes[ending].code));
  });

  it("knows every code that a landing can be refused with", () => {
    const text = readFileSync(join(folder, "land/references/refusals.md"), "utf8");
    const refusals = errorCodes.filter((code) => ["refused", "over"].includes(endingOfError(code)));
    expect(firstCells(text)).toEqual(expect.arrayContaining(refusals));
    expect(firstCells(text).filter((word) => !isErrorCode(word))).toEqual([
      "code",
      "nothing_to_land",
      "code",
    ]);
  });

  it("knows every kind of failure", () => {
    const text = readFileSync(join(folder, "land/references/failures.md"), "utf8");
    expect(firstCells(text).sort()).toEqual([...failureKinds].sort());
  });
});

describe("the skill recover-ci", () => {
  it("has a row for every reason and every kind of failure", () => {
    const { body } = readSkill("recover-ci");
    const table = /## 2\. Choose\n([\s\S]*?)\n## /.exec(body)?.[1] ?? "";
    const seen = table.split("\n").flatMap((row) => codePieces(row.split("|")[1] ?? ""));
    const words = new Set(seen.map(({ text }) => text));
    // Whatever is merely queued or runs has rows in words.
    const reasons = knownReasons.filter((reason) => !["queued", "running"].includes(reason));
    expect(reasons.filter((reason) => !words.has(reason))).toEqual([]);
    for (const status of ["queued", "running", "failed"]) {
      expect(table).toMatch(new RegExp(`^\\| ${status}\\b`, "m"));
    }
  });

  it("shows every action with its tool and its command", () => {
    const { body } = readSkill("recover-ci");
    const shown = codePieces(body).map(({ text }) => text);
    for (const action of recoveryActions) {
      const tool = shown.some((text) => text.startsWith(`recover_ci {"action": "${action}"`));
      expect({ action, tool }).toEqual({ action, tool: true });
      // Settling the target has a command of its own.
      const command = action === "reset_target" ? "land target restore" : `land recover ${action}`;
      expect(shown.filter((text) => text.startsWith(command)).length).toBeGreaterThan(0);
    }
  });
});
