import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, it, vi } from "vitest";
import { manifestOf } from "../support/cli.ts";
import {
  aFaultScene,
  aftermathOf,
  type FaultScene,
  isLandedOnce,
  processesOf,
  startLand,
} from "../support/faults.ts";

/** A lane that goes on until its test says so, by a file in the lane's cache. */
const files = {
  "ci/forge-lanes.toml": manifestOf({
    held: ["sh", "-c", 'until test -e "$XDG_CACHE_HOME/go"; do sleep 0.05; done'],
  }),
  "readme.txt": "one\n",
};

async function letGo({ stateDir }: FaultScene): Promise<void> {
  const dir = join(stateDir, "cache", "held", "xdg");
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, "go"), "");
}

const running = /running held/;

/** Resolves with the first line of progress that matches. */
async function lineOf(child: ChildProcess, wanted: RegExp): Promise<void> {
  if (child.stderr === null) throw new Error("no standard error");
  for await (const line of createInterface({ input: child.stderr })) if (wanted.test(line)) return;
  throw new Error(`ended without ${wanted}`);
}

it("leaves nothing hanging when a client is killed in the middle of a wait", async () => {
  await using scene = await aFaultScene(files);
  const dir = await scene.worktree("x", { "x.txt": "x\n" });
  const landing = startLand(scene, dir, "--max-seconds", "600");
  await landing.said(running);
  landing.kill();
  await landing.ended;

  const script = fileURLToPath(new URL("./lone-client.ts", import.meta.url));
  const client = spawn(process.execPath, [script], {
    cwd: dir,
    env: scene.env,
    stdio: ["ignore", "inherit", "pipe"],
  });
  await lineOf(client, running);
  const servers = () => processesOf(scene.dir).filter(({ command }) => / mcp\b/.test(command));
  expect(servers()).toHaveLength(1);
  client.kill("SIGKILL");
  await once(client, "exit");
  await vi.waitFor(() => expect(servers()).toEqual([]), { timeout: 5000, interval: 50 });

  await letGo(scene);
  expect((await scene.landToEnd(dir)).at(-1)?.state).toBe("landed");
  expect(await aftermathOf(scene, "x")).toSatisfy(isLandedOnce);
  await scene.stop();
  expect(processesOf(scene.dir)).toEqual([]);
});

it("goes on when the forge is stopped in the middle", async () => {
  await using scene = await aFaultScene(files);
  const dir = await scene.worktree("x", { "x.txt": "x\n" });
  const landing = startLand(scene, dir, "--max-seconds", "600");
  await landing.said(running);
  expect((await scene.land(dir, "stop", "--json")).json()).toMatchObject({ state: "stopped" });
  expect(processesOf(scene.dir).filter(({ lane }) => lane)).toEqual([]);
  await letGo(scene);
  expect((await landing.ended).state).toBe("landed");
  expect(await aftermathOf(scene, "x")).toSatisfy(isLandedOnce);
});

it("tells that the forge is gone when it is killed and its state removed in the middle", async () => {
  await using scene = await aFaultScene(files);
  const dir = await scene.worktree("x", { "x.txt": "x\n" });
  const landing = startLand(scene, dir, "--max-seconds", "600");
  await landing.said(running);
  await scene.killForge();
  await rm(scene.stateDir, { recursive: true, force: true, maxRetries: 5 });
  const begun = performance.now();
  const end = await landing.ended;
  console.log(`Told after ${((performance.now() - begun) / 1000).toFixed(1)} s`);
  expect(end.code, JSON.stringify(end)).toBe(8);
  expect(JSON.stringify(end.answer)).toContain("land init");
  expect((await scene.land(dir, "--json")).json()).toMatchObject({ error: { code: "no_forge" } });
  expect(processesOf(scene.dir)).toEqual([]);
});

it("leaves no forge running whose state was removed", async () => {
  await using scene = await aFaultScene(files);
  const dir = await scene.worktree("x", { "x.txt": "x\n" });
  const landing = startLand(scene, dir, "--max-seconds", "600");
  await landing.said(running);
  await rm(scene.stateDir, { recursive: true, force: true, maxRetries: 5 });
  expect((await landing.ended).code).not.toBe(0);
  expect((await scene.land(dir, "--json")).json()).toMatchObject({ error: { code: "no_forge" } });
  await vi.waitFor(() => expect(processesOf(scene.dir)).toEqual([]), { timeout: 15_000 });
});
