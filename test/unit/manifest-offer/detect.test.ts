import { describe, expect, it } from "vitest";
import { detectLanes, mostLanes } from "../../../src/manifest-offer/detect.ts";
import type { Listing } from "../../../src/manifest-offer/lane.ts";

function listing(files: Record<string, string | object>): Listing {
  return {
    paths: Object.keys(files),
    read: (path) => {
      const content = files[path];
      return content === undefined || typeof content === "string"
        ? content
        : JSON.stringify(content);
    },
  };
}

/** `id: command` of each lane, the shell left out. */
function lanes(files: Record<string, string | object>): string[] {
  return detectLanes(listing(files)).map(
    (lane) => `${lane.id}: ${lane.command[0] === "sh" ? lane.command[2] : lane.command.join(" ")}`,
  );
}

describe("package.json scripts", () => {
  it("offers the known scripts, with an install where the lockfile asks for one", () => {
    expect(
      lanes({
        "package.json": { scripts: { test: "vitest run", lint: "biome ci", start: "node ." } },
        "package-lock.json": "{}",
      }),
    ).toEqual(["lint: npm ci && npm run lint", "test: npm ci && npm run test"]);
  });

  it("needs no install without dependencies, and takes no placeholder for a test", () => {
    expect(lanes({ "package.json": { scripts: { test: "node --test" } } })).toEqual([
      "test: npm run test",
    ]);
    expect(
      lanes({
        "package.json": { scripts: { test: 'echo "Error: no test specified" && exit 1' } },
      }),
    ).toEqual([]);
  });

  it.each([
    ["pnpm-lock.yaml", "pnpm install --frozen-lockfile && pnpm run test"],
    ["yarn.lock", "yarn install --frozen-lockfile && yarn run test"],
    ["bun.lock", "bun install --frozen-lockfile && bun run test"],
  ])("follows %s", (lockfile, line) => {
    expect(lanes({ "package.json": { scripts: { test: "x" } }, [lockfile]: "" })).toEqual([
      `test: ${line}`,
    ]);
  });

  it("drops a script that another one runs already", () => {
    expect(
      lanes({
        "package.json": {
          scripts: { test: "vitest", lint: "biome ci", check: "npm run lint && npm test" },
        },
      }),
    ).toEqual(["check: npm run check"]);
  });

  it.each(["not json", "[]", "null", '{"scripts": 3}', '{"scripts": {"test": 1}}'])(
    "reads nothing out of %j",
    (text) => {
      expect(lanes({ "package.json": text })).toEqual([]);
    },
  );
});

describe("workspaces", () => {
  const monorepo = {
    "package.json": {
      workspaces: ["packages/*", "!packages/old"],
      scripts: { test: "npm test --workspaces", lint: "biome ci" },
    },
    "package-lock.json": "{}",
    "packages/a/package.json": {
      name: "@x/a",
      scripts: { test: "t" },
      dependencies: { "@x/b": "*" },
    },
    "packages/b/package.json": {
      name: "@x/b",
      scripts: { test: "t" },
      dependencies: { "@x/c": "*" },
    },
    "packages/c/package.json": { name: "@x/c" },
    "packages/old/package.json": { scripts: { test: "t" } },
    "elsewhere/package.json": { scripts: { test: "t" } },
  };

  it("gives each workspace its lanes, and the root what is not passed on to them", () => {
    expect(lanes(monorepo)).toEqual([
      "lint: npm ci && npm run lint",
      "packages-a-test: npm ci && npm run test --workspace=packages/a",
      "packages-b-test: npm ci && npm run test --workspace=packages/b",
    ]);
  });

  it("chooses a workspace's lane by its own files, those it uses, and the shared ones", () => {
    expect(detectLanes(listing(monorepo)).map((lane) => lane.paths)).toEqual([
      [],
      ["packages/a/**", "packages/b/**", "packages/c/**", "package.json", "package-lock.json"],
      ["packages/b/**", "packages/c/**", "package.json", "package-lock.json"],
    ]);
  });

  it("reads pnpm-workspace.yaml, and quotes folders that a shell would take apart", () => {
    expect(
      lanes({
        "package.json": {},
        "pnpm-lock.yaml": "",
        "pnpm-workspace.yaml":
          'catalog:\n  x: 1\npackages:\n  - "apps/*" # ours\n\n  - libs/**\nother: 1\n',
        "apps/it's; rm/package.json": { scripts: { build: "b" } },
        "libs/deep/er/package.json": { scripts: { build: "b" } },
      }),
    ).toEqual([
      "apps-it-s-rm-build: pnpm install --frozen-lockfile && pnpm --filter './apps/it'\\''s; rm' run build",
      "libs-deep-er-build: pnpm install --frozen-lockfile && pnpm --filter ./libs/deep/er run build",
    ]);
  });

  it("falls back to the root's lanes where there would be too many", () => {
    const members = Object.fromEntries(
      Array.from({ length: mostLanes + 1 }, (_, at) => [
        `packages/p${at}/package.json`,
        { scripts: { test: "t" } },
      ]),
    );
    const root = { workspaces: ["packages/*"], scripts: { lint: "l" } };
    expect(lanes({ "package.json": root, ...members })).toEqual([
      "lint: npm install --no-audit --no-fund && npm run lint",
    ]);
  });
});

describe("task runners", () => {
  it("offers Makefile targets, not variables, and follows prerequisites", () => {
    const makefile =
      "test := no\nlint check: deps\n\techo $@\ntest: build\n\tgo test ./...\nbuild:\n\ttrue\n";
    expect(lanes({ Makefile: makefile, "go.mod": "module x" })).toEqual([
      "lint: make lint",
      "check: make check",
      "test: make test",
    ]);
  });

  it("offers justfile recipes with parameters", () => {
    expect(lanes({ justfile: "@lint:\n  x\ntest filter='':\n  y\nset shell := ['sh']\n" })).toEqual(
      ["lint: just lint", "test: just test"],
    );
  });

  it("names the tool where two offer the same task and neither runs the other", () => {
    expect(
      lanes({ Makefile: "test:\n\t./run\n", "package.json": { scripts: { test: "vitest" } } }),
    ).toEqual(["make-test: make test", "npm-test: npm run test"]);
  });
});

describe("languages", () => {
  it.each<[string, Record<string, string>, string]>([
    ["cargo", { "Cargo.toml": "[package]" }, "test: cargo test"],
    [
      "a cargo workspace",
      { "Cargo.toml": "[workspace]\n", "Cargo.lock": "", "crates/a/Cargo.toml": "[package]" },
      "test: cargo test --workspace --locked",
    ],
    ["go", { "go.mod": "" }, "test: go test ./..."],
    ["pytest with uv", { "pytest.ini": "", "uv.lock": "" }, "test: uv run --frozen pytest"],
    [
      "pytest with pip",
      { "pyproject.toml": "[tool.pytest.ini_options]\n", "requirements.txt": "" },
      "test: python3 -m venv .venv && .venv/bin/pip install --quiet -r requirements.txt -e . pytest && .venv/bin/python -m pytest",
    ],
  ])("offers %s", (_, files, lane) => {
    expect(lanes(files)).toEqual([lane]);
  });

  it("gives a project in a folder the paths of that folder", () => {
    expect(
      detectLanes(listing({ "a[1]/go.mod": "", "b/Cargo.toml": "", "vendor/x/go.mod": "" })),
    ).toMatchObject([
      { id: "a-1-test", command: ["go", "-C", "a[1]", "test", "./..."], paths: ["a\\[1\\]/**"] },
      {
        id: "b-test",
        command: ["cargo", "test", "--manifest-path", "b/Cargo.toml"],
        paths: ["b/**"],
      },
    ]);
  });

  it("finds nothing in a repository that runs nothing", () => {
    expect(lanes({ "README.md": "hello", "pyproject.toml": "[project]" })).toEqual([]);
  });
});
