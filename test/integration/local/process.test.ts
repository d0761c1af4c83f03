import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { FileChanges } from "../../../src/local/file-changes.ts";
import { layoutOf } from "../../../src/local/layout.ts";
import type { ForgeLayout } from "../../../src/local/local-forge.ts";
import {
  type EnsureOptions,
  ensureRunning,
  lookForForge,
  readProcessFile,
  stopForge,
} from "../../../src/local/process.ts";
import { createSettings, settingsShape } from "../../../src/local/settings.ts";
import { identityOf } from "../../../src/process/identity.ts";
import { isRunning } from "../../../src/process/living.ts";
import {
  afterwards,
  failureOf,
  httpDouble,
  json,
  temporaryFolder,
} from "../../support/agent-half.ts";

const fakeForge = fileURLToPath(new URL("./fake-forge.ts", import.meta.url));

async function newForge() {
  const layout = layoutOf(await temporaryFolder("land-forge"));
  await createSettings(
    layout,
    settingsShape.parse({
      version: 1,
      repo: "o/r",
      target: "main",
      commonDir: "/r/.git",
      ownerNpub: "npub1owner",
      agentNpub: "npub1agent",
      seed: { fromRepository: "/r/.git", sha: "a".repeat(40) },
    }),
  );
  let launched = 0;
  afterwards(async () => {
    // One that is only just starting would take over from the one that is stopped.
    await told(layout, () => launched);
    await stopForge(layout);
  });
  const options = (more: { version?: string; mood?: string } = {}): EnsureOptions => ({
    layout,
    version: more.version ?? "1.0.0",
    env: { PATH: process.env.PATH },
    launcher: (stateDir) => {
      if (more.mood !== "broken") launched += 1;
      return [process.execPath, fakeForge, stateDir, more.version ?? "1.0.0", more.mood ?? ""];
    },
  });
  return { layout, options };
}

const trail = async (layout: ForgeLayout) =>
  (await readFile(join(layout.stateDir, "trail"), "utf8").catch(() => ""))
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split(" ").slice(0, 2).join(" "));

/** Waits until as many processes as were launched have told whether they serve. */
async function told(layout: ForgeLayout, launched: () => number): Promise<void> {
  const changes = new FileChanges(join(layout.stateDir, "trail"));
  const signal = AbortSignal.timeout(15_000);
  try {
    while (!signal.aborted) {
      const lines = await trail(layout);
      if (lines.filter((line) => !line.startsWith("stopped")).length >= launched()) return;
      await changes.next(1000, signal);
    }
  } finally {
    changes.close();
  }
}

describe("ten at once", () => {
  test("start one forge, which is nobody's child, and keep using it", async () => {
    const { layout, options } = await newForge();
    const all = await Promise.all(Array.from({ length: 10 }, () => ensureRunning(options())));
    expect(new Set(all.map(({ about }) => about.instance)).size).toBe(1);
    expect((await trail(layout)).filter((line) => line.startsWith("started"))).toHaveLength(1);
    const again = await ensureRunning(options());
    expect(again.about.instance).toBe(all[0]?.about.instance);
    expect((await stat(layout.serverLogFile)).mode & 0o777).toBe(0o600);
    expect((await stat(layout.processFile)).mode & 0o777).toBe(0o600);
    const file = await readProcessFile(layout);
    const session = (await readFile(`/proc/${file?.pid}/stat`, "utf8"))
      .split(") ")[1]
      ?.split(" ")[3];
    expect(session).toBe(String(file?.pid));
  });
});

describe("a process file that lies", () => {
  test("of a process that is gone, whose number another has, does not keep a forge from starting", async () => {
    const { layout, options } = await newForge();
    const self = identityOf(process.pid);
    const stale = {
      ...self,
      startTime: "1",
      namespace: null,
      port: 1234,
      version: "1.0.0",
      instance: "old",
      startedAt: "2026-01-01T00:00:00.000Z",
    };
    await writeFile(layout.processFile, JSON.stringify(stale));
    expect(await lookForForge(layout)).toEqual({ state: "absent" });
    expect((await ensureRunning(options())).about.instance).not.toBe("old");
  });

  test("of another boot is stale too", async () => {
    const { layout } = await newForge();
    const other = {
      ...identityOf(process.pid),
      bootId: "another",
      namespace: "pid:[1]",
      port: 1234,
      version: "1.0.0",
      instance: "old",
      startedAt: "2026-01-01T00:00:00.000Z",
    };
    await writeFile(layout.processFile, JSON.stringify(other));
    expect(await lookForForge(layout)).toEqual({ state: "absent" });
    expect(await stopForge(layout)).toBe("not_running");
    expect(await readProcessFile(layout)).toBeUndefined();
  });

  test.each([["rubbish"], ["{}"], [""]])("%j is as good as none", async (text) => {
    const { layout } = await newForge();
    await writeFile(layout.processFile, text);
    expect(await lookForForge(layout)).toEqual({ state: "absent" });
  });

  test("never makes another program on that port our forge", async () => {
    const { layout } = await newForge();
    const double = await httpDouble({
      "GET /git/api/forge/about": json(200, {
        name: "forge-landing-kit",
        version: "1.0.0",
        protocol: 1,
        instance: "theirs",
        repo: "o/r",
        target: "main",
        landing_rule: "up_to_date",
        recovery: [],
        isolation: "none",
        draining: false,
        frozen: null,
      }),
    });
    await writeFile(
      layout.processFile,
      JSON.stringify({
        ...identityOf(process.pid),
        namespace: null,
        port: Number(new URL(double.origin).port),
        version: "1.0.0",
        instance: "ours",
        startedAt: "2026-01-01T00:00:00.000Z",
      }),
    );
    expect(await lookForForge(layout)).toMatchObject({ state: "silent" });
    // This test's own process has that number; it must not be the one to be stopped.
    await writeFile(layout.processFile, "");
  });
});

describe("an older forge", () => {
  test("is asked to stop and replaced", async () => {
    const { layout, options } = await newForge();
    const older = await ensureRunning(options({ version: "0.9.0" }));
    const asked: string[] = [];
    const newer = await ensureRunning({
      ...options({ version: "1.0.0" }),
      drain: async (origin) => {
        asked.push(origin);
        throw new Error("it does not know how");
      },
    });
    expect(asked).toEqual([older.origin]);
    expect(newer.about.version).toBe("1.0.0");
    expect(await trail(layout)).toEqual(["started 0.9.0", "stopped 0.9.0", "started 1.0.0"]);
  });

  test("client takes a newer forge of its protocol as it is", async () => {
    const { options } = await newForge();
    const newer = await ensureRunning(options({ version: "2.0.0" }));
    const same = await ensureRunning({ ...options(), version: "1.0.0" });
    expect(same.about.instance).toBe(newer.about.instance);
  });
});

describe("a start that fails", () => {
  test("says what the forge said", async () => {
    const { options } = await newForge();
    expect(await failureOf(ensureRunning(options({ mood: "broken" })))).toMatchObject({
      code: "forge_unreachable",
      message: expect.stringMatching(/exit code 3.*no such luck/s),
      next: expect.stringContaining("land serve"),
    });
  });

  test("for want of the program says so", async () => {
    const { options } = await newForge();
    const none = { ...options(), launcher: () => ["/nowhere/node", "x"] };
    expect(await failureOf(ensureRunning(none))).toMatchObject({
      code: "forge_unreachable",
      message: expect.stringContaining("ENOENT"),
    });
  });

  test("without settings is not tried", async () => {
    const layout = layoutOf(await temporaryFolder());
    const { options } = await newForge();
    expect(await failureOf(ensureRunning({ ...options(), layout }))).toMatchObject({
      code: "no_forge",
    });
  });

  test("is left at once by a caller that gives up", async () => {
    const { options } = await newForge();
    const signal = AbortSignal.abort();
    expect(await failureOf(ensureRunning({ ...options(), signal }))).toMatchObject({
      code: "cancelled",
    });
  });
});

test("a stopped forge is gone, and stopping again is nothing", async () => {
  const { layout, options } = await newForge();
  await ensureRunning(options());
  const file = await readProcessFile(layout);
  expect(await stopForge(layout)).toBe("stopped");
  expect(file === undefined || isRunning(file)).toBe(false);
  expect(await stopForge(layout)).toBe("not_running");
});

test("a killed forge is started again", async () => {
  const { layout, options } = await newForge();
  const first = await ensureRunning(options());
  process.kill((await readProcessFile(layout))?.pid ?? 0, "SIGKILL");
  const second = await ensureRunning(options());
  expect(second.about.instance).not.toBe(first.about.instance);
});
