import { existsSync } from "node:fs";
import { access, readdir, readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { bundlePaths } from "../../../scripts/bundles.ts";
import { findPinnedNode, isNodeNewEnough } from "../../../tools/toolchain/pinned-node.mjs";
import { aRepository, launcher, type Ran, runToEnd, type Scene } from "../../support/cli.ts";
import { connect } from "../../support/mcp.ts";
import { root } from "../../support/sources.ts";

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

/** What `npm pack --json` says of a package. */
interface Packed {
  readonly filename: string;
  readonly version: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

let scene: Scene;
/** The scene's, with a cache of its own: this package is not there again in the next run. */
let env: Readonly<Record<string, string>>;
let packed: Packed;
/** The installed package's folder, and the command that npm made for it. */
let installed: string;
let command: string;
let oldNode: string | undefined;

beforeAll(async () => {
  await access(launcher);
  oldNode = await findOldNode();
  scene = await aRepository();
  env = {
    ...scene.env,
    XDG_CACHE_HOME: join(scene.dir, "cache"),
    npm_config_update_notifier: "false",
  };
  // What `npm test` built is what is packed; building again here would disturb the others.
  const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", scene.dir];
  [packed] = Object.values((await npm(pack, root)).json()) as [Packed];
  const prefix = join(scene.dir, "prefix");
  const quiet = ["--ignore-scripts", "--offline", "--no-audit", "--no-fund"];
  const tarball = join(scene.dir, packed.filename);
  await npm(["install", "--global", "--prefix", prefix, ...quiet, tarball], scene.dir);
  installed = join(prefix, "lib", "node_modules", "forge-landing-kit");
  command = join(prefix, "bin", "land");
});

afterAll(() => scene[Symbol.asyncDispose]());

async function npm(args: readonly string[], cwd: string): Promise<Ran> {
  const ran = await runToEnd("npm", args, { cwd, env });
  if (ran.code !== 0) throw new Error(`npm ${args.join(" ")}: ${ran.err}`);
  return ran;
}

/** A Node on this machine that is too old for the kit. */
async function findOldNode(): Promise<string | undefined> {
  const folders = new Set([
    ...(process.env.PATH ?? "").split(delimiter),
    "/usr/local/bin",
    "/usr/bin",
  ]);
  for (const folder of folders) {
    const node = join(folder, "node");
    const { code, out } = await runToEnd(node, ["-p", "process.versions.node"], {
      cwd: root,
      env: {},
    });
    if (code === 0 && !isNodeNewEnough(out.trim())) return node;
  }
  return undefined;
}

describe("the package", () => {
  const documents = "README.md|LICENSE|CHANGELOG.md|package.json";
  const belongs = new RegExp(
    `^(${documents}|dist/(land|agent-brief|cli|mcp|serve|brief)\\.js|dist/THIRD-PARTY-NOTICES\\.txt|docs/[\\w-]+\\.(md|json)|(skills|briefs|deploy)/.+)$`,
  );

  const bundles = [...bundlePaths, ".mcpbignore"];

  it("holds what a user needs, and nothing of how it is made", async () => {
    const paths = packed.files.map(({ path }) => path);
    expect(paths.filter((path) => !belongs.test(path) && !bundles.includes(path))).toEqual([]);
    const needed = [...documents.split("|"), ...(await below("dist")), ...(await below("docs"))];
    const shown = [
      ...(await below("skills")),
      ...(await below("briefs")),
      ...(await below("deploy")),
    ];
    expect(paths.toSorted()).toEqual([...new Set([...needed, ...shown, ...bundles])].toSorted());
  });

  it("is small", () => {
    expect(packed.size).toBeLessThan(1_500_000);
    expect(packed.unpackedSize).toBeLessThan(6_000_000);
  });

  it("needs no other package, and no script to be installed", async () => {
    const own = JSON.parse(await readFile(join(installed, "package.json"), "utf8"));
    expect(Object.keys(own).filter((key) => /^(dep|optionalDep|peerDep)/.test(key))).toEqual([]);
    expect(Object.keys(own.scripts).filter((name) => /install|^prepare$/.test(name))).toEqual([]);
  });

  it("names no folder of the checkout it was made in", async () => {
    const telling = [join(root, "src"), join(root, "node_modules")];
    const naming: string[] = [];
    for (const { path } of packed.files) {
      const text = await readFile(join(installed, path), "utf8");
      if (telling.some((folder) => text.includes(folder))) naming.push(path);
    }
    expect(naming).toEqual([]);
  });
});

/** Every file below a folder of the checkout, from the checkout's top; none if there is no such. */
async function below(folder: string): Promise<string[]> {
  const folderPath = join(root, folder);
  if (!existsSync(folderPath)) return [];
  const entries = await readdir(folderPath, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}

it("lands a branch in a repository that it never saw", async () => {
  const land = (...args: string[]) => runToEnd(command, args, { cwd: scene.repo, env });
  expect(await land("--version")).toMatchObject({ code: 0, out: `${packed.version}\n` });
  try {
    expect((await land("init", "--json")).json()).toMatchObject({
      target: "main",
      remote: "forge",
      ci: { state: "present" },
    });
    const head = await scene.branch("feature/packed", { "packed.txt": "1\n" });
    const landed = await land("--json");
    expect(landed).toMatchObject({ code: 0 });
    expect(landed.json()).toMatchObject({ state: "landed", branch: "feature/packed", head });
    await scene.git("fetch", "-q", "forge");
    await scene.git("merge-base", "--is-ancestor", head, "refs/remotes/forge/main");

    const client = await connect(
      new StdioClientTransport({ command, args: ["mcp"], cwd: scene.repo, env: { ...env } }),
      "modern",
    );
    const status = await client.callTool({ name: "branch_status", arguments: {} });
    expect(status.structuredContent).toMatchObject({ state: "merged", branch: "feature/packed" });
    await client.close();
  } finally {
    expect((await land("stop", "--json")).json()).toEqual({ state: "stopped" });
  }
});

describe("under a Node that is too old", () => {
  it("says which one it needs, in one line", async (context) => {
    const node = oldNode ?? context.skip("this machine has no old Node");
    const ran = await runToEnd(node, [command, "status"], { cwd: scene.repo, env });
    expect(ran).toMatchObject({ code: 1, out: "" });
    expect(ran.err).toMatch(/^land needs Node 22\.13 or later; this is \d+\.\d+\.\d+\..*\n$/);
  });

  it("goes on with the pinned Node where it is a checkout's own", async (context) => {
    const node = oldNode ?? context.skip("this machine has no old Node");
    if (findPinnedNode(root) === undefined) context.skip("this checkout has no pinned Node");
    const doctor = await runToEnd(node, [launcher, "doctor", "--json"], {
      cwd: scene.repo,
      env,
    });
    expect(doctor.json()).toMatchObject({
      checks: expect.arrayContaining([expect.objectContaining({ name: "node", state: "ok" })]),
    });
  });
});
