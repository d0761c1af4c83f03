import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { briefOptions } from "../../src/brief/options.ts";
import { parseSection } from "../../src/brief/section.ts";
import { wrongNames } from "../support/known-things.ts";
import { root } from "../support/sources.ts";

const briefFlags = briefOptions.flatMap(({ flag }) => flag.match(/--?[a-z][\w-]*/gi) ?? []);

/** Everything that an agent or a person is told of this project. */
const documents = [
  "README.md",
  "AGENTS.md",
  ...["docs", "skills", "briefs", "todos"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".md"))
      .map((name) => `${folder}/${name.replaceAll("\\", "/")}`),
  ),
].sort();

describe("what documents name", () => {
  it.each(documents)("exists: %s", (path) => {
    const text = readFileSync(join(root, path), "utf8");
    expect(wrongNames(path, asMarkdown(path, text), briefFlags)).toEqual([]);
  });
});

/** A section of the brief with its command as one that its text names. */
function asMarkdown(path: string, text: string): string {
  if (!path.startsWith("briefs/")) return text;
  const parsed = parseSection(basename(path, ".md"), "kit", text);
  if (parsed.kind !== "section") return text;
  const { command = [], body } = parsed.section;
  const line = command[1] === "-c" ? command[2] : command.map(quoted).join(" ");
  return `${body}\n\`\`\`sh\n${line}\n\`\`\`\n`;
}

function quoted(word: string): string {
  return /\s/.test(word) ? `'${word}'` : word;
}

describe("the look at what documents name", () => {
  const told = (text: string) => wrongNames("README.md", text, ["--format"]);

  it.each([
    ["`land frobnicate --nope`", "1: there is no land frobnicate"],
    ["`land status --nope`", "1: land status has no --nope"],
    ["`land --wait 30`", "1: land has no --wait"],
    ["`land stop now`", "1: land stop takes no now"],
    ["`land recover explode`", "1: land recover takes no explode"],
    ["`land init --ci maybe`", "1: land init --ci takes no maybe"],
    ["`land env get NAME`", "1: there is no land env get"],
    ["`node dist/land.js lnad`", "1: there is no land lnad"],
    ["`npm run fly`", "1: there is no npm script fly"],
    ["`agent-brief --style text`", "1: agent-brief has no --style"],
    ["`node dist/agent-brief.js --style text`", "1: agent-brief has no --style"],
    ["`ph rerun`", "1: ph has no rerun"],
    ["`ph merge --now`", "1: ph merge has no --now"],
    ["`land_branches`", "1: there is no tool, argument, state or code land_branches"],
    ["`not_a_word_of_ours`", "1: there is no tool, argument, state or code not_a_word_of_ours"],
    ['`land_it {"dry_run": true}`', "1: there is no tool land_it"],
    ['`recover_ci {"action": "explode"}`', "1: recover_ci "],
    ['`land_branch {"dryrun": true}`', '1: land_branch {"dryrun": true}'],
    ['`{"dryrun": true}`', '1: no tool takes {"dryrun": true}'],
    ["`rebase_branch` with `explode`", "1: rebase_branch knows no explode"],
    ["`--nope`", "1: nothing here has --nope"],
    ["`src/nowhere.ts`", "1: there is no src/nowhere.ts"],
    ["`hooks/nowhere.json`", "1: there is no hooks/nowhere.json"],
    ["`.claude-plugin/nowhere.json`", "1: there is no .claude-plugin/nowhere.json"],
    ["`ci/lanes.toml`", "1: CI's manifest is ci/forge-lanes.toml, not ci/lanes.toml"],
    ["`node dist/nowhere.js`", "1: nothing builds dist/nowhere.js"],
    ["[there](docs/nowhere.md)", "1: the link to docs/nowhere.md leads nowhere"],
    ["`LAND_NOTHING`", "1: LAND_NOTHING is read nowhere"],
    ["exit code 77", "1: there is no exit code 77"],
    ["one\n\n```sh\nland\nland fly # up\n```", "5: there is no land fly"],
    ["```sh\nnpm ci && \\\n  npm run fly\n```", "3: there is no npm script fly"],
  ])("finds %j", (text, fault) => {
    const found = told(text);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(fault);
  });

  it.each([
    "`land`, `land merge 20 --force --reason WHY`, `land -C ../repo --json status feature/x`",
    "`land <command>`, `land target accept|restore`, `land env set NAME`, `land … --json`",
    '`land_branch {"merge": false}` and `rebase_branch` with `continue`, `{"grep": "a|b"}`',
    "`npm run --silent build && node tools/toolchain/run.mjs node dist/land.js queue`",
    "`agent-brief --format text`, `ph --base-url URL wait --poll-secs 5`, `git frob --nope`",
    "`land status --json 2>/dev/null | head -3 || true`, `NAME=1 timeout 5 land wait >out`",
    "land frobnicate, in words",
    "```toml\nland frobnicate\n```",
    "```sh\n# land frobnicate\ncd somewhere; land wait --max-seconds=5\n```",
    "[a page](https://example.org/land) and [a part](#land)",
  ])("finds nothing in %j", (text) => {
    expect(told(text)).toEqual([]);
  });

  it.each(["land frobnicate | head -2", '["land", "frobnicate"]'])(
    "looks at a brief's %s",
    (command) => {
      const text = `---\ntitle: One\ncommand: ${command}\n---\nWords.\n`;
      const path = "briefs/one.md";
      expect(wrongNames(path, asMarkdown(path, text))).toEqual(["3: there is no land frobnicate"]);
    },
  );

  it("knows the documents there are", () => {
    expect(documents).toEqual(expect.arrayContaining(["docs/cli.md", "skills/land/SKILL.md"]));
    expect(existsSync(join(root, ".claude", "CLAUDE.md"))).toBe(true);
  });
});
