import { spawn } from "node:child_process";
import { once } from "node:events";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, it, vi } from "vitest";
import { launcher, manifestOf, serveForeground, withForge } from "../../support/cli.ts";

vi.setConfig({ testTimeout: 90_000 });

const slow = { "ci/forge-lanes.toml": manifestOf({ slow: ["sleep", "600"] }) };

it.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("ends a waiting command at %s with %i; asked again, it goes on", async (name, code) => {
  await using scene = await withForge(slow);
  await scene.branch("feature/slow", { "a.txt": "a" });
  const child = spawn(process.execPath, [launcher, "--json", "--max-seconds", "600"], {
    cwd: scene.repo,
    env: scene.env,
  });
  const ended = once(child, "exit");
  const out = child.stdout.toArray();
  const watcher = spawn(process.execPath, [launcher, "wait", "feature/slow"], {
    cwd: scene.repo,
    env: scene.env,
  });
  // The second command says when the lane runs, so that the first is in the middle of its wait.
  for await (const line of createInterface({ input: watcher.stderr })) {
    if (line.includes("running")) break;
  }
  watcher.kill("SIGKILL");
  child.kill(name);
  expect(await ended).toEqual([code, null]);
  expect(JSON.parse(Buffer.concat(await out).toString())).toMatchObject({
    exit_code: code,
    error: { code: "cancelled" },
  });
  const again = await scene.land(["--max-seconds", "0", "--json"]);
  expect(again.code).toBe(3);
  expect(again.json()).toMatchObject({ state: "waiting" });
});

it.each(["SIGINT", "SIGTERM"] as const)("stops a served forge at %s with 0", async (name) => {
  await using scene = await withForge();
  expect((await scene.land(["stop"])).code).toBe(0);
  await expect(access(join(scene.stateDir, "process.json"))).rejects.toThrow("ENOENT");
  const forge = await serveForeground(scene.env, scene.stateDir);
  await access(join(scene.stateDir, "process.json"));
  const ended = once(forge, "exit");
  forge.kill(name);
  expect(await ended).toEqual([0, null]);
  await expect(access(join(scene.stateDir, "process.json"))).rejects.toThrow("ENOENT");
});
