import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { probeIsolation } from "../../src/server/ci/sandbox.ts";
import { CiBench, shellLane, usualSettings } from "../support/ci.ts";
import {
  endProcessesIn,
  laneProcesses,
  lifelinesOf,
  pidsOfCommand,
  processesIn,
} from "../support/lane-processes.ts";

const program = fileURLToPath(new URL("../support/ci-forge.ts", import.meta.url));
const boxed = probeIsolation({ PATH: process.env.PATH }) === "bwrap";
const soon = { interval: 1, timeout: 30_000 };
const rounds = 12;
/** What those who hide from everybody are known by. */
const hiddenFor = String(70_000_000 + process.pid);

/**
 * For some milliseconds a sandbox that is being set up does not end with its forge yet: without the
 * process that ends a killed forge's lanes, half of them stay.
 */
it.runIf(boxed)("a forge that is killed while it sets a sandbox up leaves nothing", async () => {
  const bench = await CiBench.make();
  const head = await bench.commit({ "file.txt": "content\n" });
  const told = JSON.stringify({ ...usualSettings, ciConcurrency: 2 });
  const script = `(env -i setsid sleep ${hiddenFor} &); exec env -i sleep ${hiddenFor}`;
  const lane = shellLane(script);
  try {
    for (let round = 0; round < rounds; round += 1) {
      const run = bench.queue(head, [lane, { ...lane, lane: "other" }]);
      const forge = spawn(process.execPath, [program, bench.dir, "bwrap", told], {
        stdio: "inherit",
      });
      const instance = () => bench.store.read.setting("ci_instance") ?? "none yet";
      const begun = () => laneProcesses(instance()).filter(({ claim }) => claim !== null).length;
      await expect.poll(begun, soon).toBeGreaterThan(0);
      const gone = once(forge, "exit");
      forge.kill("SIGKILL");
      await gone;
      await expect.poll(() => lifelinesOf(instance()), soon).toEqual([]);
      await expect.poll(() => laneProcesses(instance()), soon).toEqual([]);
      expect(pidsOfCommand("sleep", hiddenFor)).toEqual([]);
      expect(processesIn(bench.config.workspacesDir)).toEqual([]);
      bench.store.write((tx) => {
        const end = { status: "failed", failureKind: "cancelled", note: null } as const;
        for (const { id } of tx.lanesOfRun(run.id)) tx.endLane(id, end);
        tx.refoldRun(run.id);
      });
    }
  } finally {
    endProcessesIn(bench.config.workspacesDir);
    await bench.dispose();
  }
});
