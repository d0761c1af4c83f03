/** The demo's own small project: a shop's prices, with three lanes. All files as text. */

const manifest = `version = 1
nightly_schedule_utc = "08:00"

[[branch.lanes]]
id = "unit"
title = "Unit tests"
entrypoint = "node --test"
command = ["node", "--test"]
paths = ["src/**", "test/**"]
timeout_seconds = 60

[[branch.lanes]]
id = "lint"
title = "No stray debugging output"
entrypoint = "node tools/lint.mjs"
command = ["node", "tools/lint.mjs"]
paths = ["src/**", "tools/**"]
timeout_seconds = 60

[[branch.lanes]]
id = "docs"
title = "Each source file is documented"
entrypoint = "node tools/docs.mjs"
command = ["node", "tools/docs.mjs"]
timeout_seconds = 60
`;

const lint = `import { readdirSync, readFileSync } from "node:fs";
const bad = readdirSync("src").filter((name) => readFileSync("src/" + name, "utf8").includes("console.log"));
if (bad.length > 0) {
  console.error("console.log in " + bad.join(", "));
  process.exit(1);
}
console.log("lint: clean");
`;

const docs = `import { readdirSync, readFileSync } from "node:fs";
const readme = readFileSync("README.md", "utf8");
const missing = readdirSync("src").filter((name) => !readme.includes("src/" + name));
if (missing.length > 0) {
  console.error("README.md does not name " + missing.map((name) => "src/" + name).join(", "));
  process.exit(1);
}
console.log("docs: complete");
`;

function testOf(name: string, cases: string): string {
  return `import assert from "node:assert/strict";
import { test } from "node:test";
import { ${name} } from "../src/${name}.mjs";
${cases}`;
}

export const firstFiles: Readonly<Record<string, string>> = {
  "README.md": "# Shop\n\n- src/total.mjs adds up a basket\n\n",
  "package.json": '{ "name": "shop", "private": true, "type": "module" }\n',
  "ci/forge-lanes.toml": manifest,
  "tools/lint.mjs": lint,
  "tools/docs.mjs": docs,
  "src/total.mjs":
    "/** The sum of a basket's prices, in cents. */\nexport const total = (prices) => prices.reduce((sum, price) => sum + price, 0);\n",
  "test/total.test.mjs": testOf(
    "total",
    'test("adds up", () => assert.equal(total([100, 250]), 350));\n',
  ),
};

export interface AgentTask {
  readonly agent: string;
  readonly branch: string;
  readonly subject: string;
  readonly files: Readonly<Record<string, string>>;
  /** What the agent changes after it has read the failing lane's log. */
  readonly fix?: { readonly subject: string; readonly files: Readonly<Record<string, string>> };
}

const discountTest = testOf(
  "discount",
  'test("takes ten percent off", () => assert.equal(discount(2000, 10), 1800));\n',
);

export const tasks: readonly AgentTask[] = [
  {
    agent: "ada",
    branch: "ada/vat",
    subject: "Add value added tax",
    files: {
      "src/vat.mjs":
        "/** A net price with tax in percent, rounded to whole cents. */\nexport const vat = (net, percent) => Math.round(net * (1 + percent / 100));\n",
      "test/vat.test.mjs": testOf(
        "vat",
        'test("adds a fifth", () => assert.equal(vat(1000, 20), 1200));\n',
      ),
      "docs/vat.md": "Tax is added per price: src/vat.mjs\n",
      "README.md": "# Shop\n\n- src/vat.mjs adds tax\n- src/total.mjs adds up a basket\n\n",
    },
  },
  {
    agent: "bob",
    branch: "bob/discount",
    subject: "Add discounts",
    files: {
      "src/discount.mjs":
        "/** A price less some percent, in whole cents. */\nexport const discount = (price, percent) => price - percent;\n",
      "test/discount.test.mjs": discountTest,
      "README.md":
        "# Shop\n\n- src/total.mjs adds up a basket\n\n- src/discount.mjs takes percents off\n",
    },
    fix: {
      subject: "Take percents off, not cents",
      files: {
        "src/discount.mjs":
          "/** A price less some percent, in whole cents. */\nexport const discount = (price, percent) => Math.round(price * (1 - percent / 100));\n",
      },
    },
  },
  {
    agent: "cyd",
    branch: "cyd/empty-basket",
    subject: "Test the empty basket",
    files: {
      "test/empty.test.mjs": testOf(
        "total",
        'test("an empty basket costs nothing", () => assert.equal(total([]), 0));\n',
      ),
    },
  },
];
