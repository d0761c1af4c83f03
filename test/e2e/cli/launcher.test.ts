import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { findPinnedNode } from "../../../tools/toolchain/pinned-node.mjs";
import { launcher, runToEnd } from "../../support/cli.ts";
import { root } from "../../support/sources.ts";

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

/** Makes this Node say that it is an old one; what it starts is not told so. */
const beOld = [
  "--import",
  'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.1.0"}})',
];
let dir: string;
let env: Record<string, string>;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "land-launcher-"));
  env = { PATH: process.env.PATH ?? "", HOME: dir };
});

afterAll(() => rm(dir, { recursive: true, force: true }));

const pinned = findPinnedNode(root) !== undefined;

const missing = pinned ? "" : " (partly skipped: no pinned Node is installed)";

describe(`the launcher on an old Node${missing}`, () => {
  it.runIf(pinned)("goes on with the checkout's own Node, and ends as it does", async () => {
    const version = await runToEnd(process.execPath, [...beOld, launcher, "--version"], {
      cwd: dir,
      env,
    });
    expect(version).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
    const wrong = await runToEnd(process.execPath, [...beOld, launcher, "nonsense"], {
      cwd: dir,
      env,
    });
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining("nonsense") });
  });

  it.runIf(pinned)("passes signals on", async () => {
    const child = spawn(process.execPath, [...beOld, launcher, "mcp"], { cwd: dir, env });
    const hello = {
      jsonrpc: "2.0",
      id: 1,
      method: "initialize",
      params: {
        protocolVersion: "2025-06-18",
        capabilities: {},
        clientInfo: { name: "t", version: "1" },
      },
    };
    child.stdin.write(`${JSON.stringify(hello)}\n`);
    const [answer] = (await once(child.stdout, "data")) as [Buffer];
    expect(JSON.parse(answer.toString())).toMatchObject({ id: 1, result: expect.anything() });
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  it("says which Node is needed where it has none of its own", async () => {
    const alone = join(dir, "package", "dist", "land.mjs");
    await mkdir(join(alone, ".."), { recursive: true });
    await copyFile(launcher, alone);
    const ran = await runToEnd(process.execPath, [...beOld, alone], { cwd: dir, env });
    expect(ran).toMatchObject({ code: 1, out: "" });
    expect(ran.err).toMatch(/^land needs Node 22\.13 or later; this is 20\.1\.0\..*\n$/);
  });
});

it("is not built again where nothing changed", async () => {
  const built = async () => (await stat(launcher)).ino;
  const build = () => runToEnd(process.execPath, ["scripts/build.ts"], { cwd: root, env });
  expect(await build()).toMatchObject({ code: 0, out: "", err: "" });
  const before = await built();
  expect(await build()).toMatchObject({ code: 0, out: "", err: "" });
  expect(await built()).toBe(before);
});
