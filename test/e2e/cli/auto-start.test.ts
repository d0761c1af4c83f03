import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { aRepository, processFile } from "../../support/cli.ts";

vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

/** Starts of the forge that came as far as serving. */
async function served(stateDir: string): Promise<number> {
  const log = await readFile(join(stateDir, "server.log"), "utf8");
  return log.split("\n").filter((line) => line.includes('"forge serves"')).length;
}

it("starts one forge for ten commands at once, again after SIGKILL, and stops it", async () => {
  await using scene = await aRepository();
  const ready = (await scene.land(["init", "--json"])).json() as { state_dir: string; url: string };
  const stateDir = ready.state_dir;
  try {
    expect((await scene.land(["stop", "--json"])).json()).toEqual({ state: "stopped" });
    expect((await scene.land(["stop", "--json"])).json()).toEqual({ state: "not_running" });
    const before = await served(stateDir);

    const ten = await Promise.all(Array.from({ length: 10 }, () => scene.land(["status"])));
    expect(ten.map((ran) => ran.code)).toEqual(ten.map(() => 0));
    expect(await served(stateDir)).toBe(before + 1);

    const first = await processFile(stateDir);
    process.kill(first.pid, "SIGKILL");
    expect((await scene.land(["status"])).code).toBe(0);
    const second = await processFile(stateDir);
    expect(second.pid).not.toBe(first.pid);
    expect(second.port).toBe(first.port);
    expect(await served(stateDir)).toBe(before + 2);
  } finally {
    await scene.land(["stop"]);
  }
  await expect(processFile(stateDir)).rejects.toThrow("ENOENT");
});
