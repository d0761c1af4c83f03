import { readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { layoutOf } from "../../../src/local/layout.ts";
import { serverConfig } from "../../../src/local/server-config.ts";
import {
  createSettings,
  readSettings,
  rememberPort,
  requireSettings,
  settingsShape,
  updateSettings,
} from "../../../src/local/settings.ts";
import type { ServerConfig } from "../../../src/server/config.ts";
import { failureOf, temporaryFolder } from "../../support/agent-half.ts";

const settings = settingsShape.parse({
  version: 1,
  repo: "o/r",
  target: "main",
  commonDir: "/r/.git",
  ownerNpub: "npub1owner",
  agentNpub: "npub1agent",
  seed: { fromRepository: "/r/.git", sha: "a".repeat(40) },
});
const newLayout = async () => layoutOf(await temporaryFolder());

describe("settings", () => {
  test("are made once, private, and read back", async () => {
    const layout = await newLayout();
    expect(await readSettings(layout)).toBeUndefined();
    expect(await failureOf(requireSettings(layout))).toMatchObject({ code: "no_forge" });
    expect(await createSettings(layout, settings)).toBe(true);
    expect(await createSettings(layout, { ...settings, target: "other" })).toBe(false);
    expect(await readSettings(layout)).toEqual(settings);
    expect((await stat(layout.settingsFile)).mode & 0o777).toBe(0o600);
  });

  test("lose no change of many at once", async () => {
    const layout = await newLayout();
    await createSettings(layout, settings);
    const names = Array.from({ length: 10 }, (_, i) => `NAME_${i}`);
    await Promise.all(
      names.map((name) =>
        updateSettings(layout, (now) => ({ ...now, laneEnv: { ...now.laneEnv, [name]: "v" } })),
      ),
    );
    await rememberPort(layout, 4321);
    const after = await requireSettings(layout);
    expect(Object.keys(after.laneEnv).sort()).toEqual(names);
    expect(after.port).toBe(4321);
    expect(await readdir(layout.stateDir)).toEqual(["forge.json"]);
    expect((await stat(layout.settingsFile)).mode & 0o777).toBe(0o600);
  });

  test("are changed in spite of a lock that was left behind", async () => {
    const layout = await newLayout();
    await createSettings(layout, settings);
    const lock = `${layout.settingsFile}.lock`;
    await writeFile(lock, "");
    const longAgo = new Date(Date.now() - 60_000);
    await utimes(lock, longAgo, longAgo);
    await rememberPort(layout, 1234);
    expect((await requireSettings(layout)).port).toBe(1234);
  });

  test("take no impossible change", async () => {
    const layout = await newLayout();
    await createSettings(layout, settings);
    const broken = updateSettings(layout, (now) => ({ ...now, laneEnv: { "A=B": "v" } }));
    expect(await failureOf(broken)).toMatchObject({ code: "bad_argument" });
    expect(await requireSettings(layout)).toEqual(settings);
  });

  test.each([
    ["no JSON", "{"],
    ["a later version", JSON.stringify({ ...settings, version: 2 })],
    ["a wrong type", JSON.stringify({ ...settings, port: "a" })],
  ])("that are malformed (%s) are told without their values", async (_what, text) => {
    const layout = await newLayout();
    await writeFile(layout.settingsFile, text);
    const error = await failureOf(readSettings(layout));
    expect(error).toMatchObject({ code: "no_forge", next: expect.any(String) });
    expect(String(error)).toContain(layout.settingsFile);
  });
});

describe("what the forge's process is told", () => {
  const options = { version: "1.0.0", env: { A: "1" }, stateHome: "/state", idleSeconds: 600 };

  test("fits the server", async () => {
    const layout = layoutOf("/state/forge-landing-kit/r-12345678");
    const config: ServerConfig = serverConfig(layout, { ...settings, port: 99 }, options);
    expect(config).toMatchObject({ port: 99, host: "127.0.0.1", target: "main", idleSeconds: 600 });
    expect(config.hiddenDirs).toEqual(["/state/forge-landing-kit", "/state/ph"]);
  });

  test("a state folder elsewhere is hidden by itself, not with all around it", () => {
    const config = serverConfig(layoutOf("/srv/forge"), settings, options);
    expect(config.hiddenDirs).toEqual(["/state/forge-landing-kit", "/srv/forge", "/state/ph"]);
  });

  test("follows the owner's changes, and keeps the last good ones", async () => {
    const layout = await newLayout();
    await createSettings(layout, settings);
    const config = serverConfig(layout, settings, options);
    await updateSettings(layout, (now) => ({ ...now, ci: "none" }));
    expect(config.settings().ci).toBe("none");
    await writeFile(layout.settingsFile, "{");
    expect(config.settings().ci).toBe("none");
    expect(await readFile(layout.settingsFile, "utf8")).toBe("{");
  });
});

test("everything of a forge lies in its state folder", () => {
  for (const path of Object.values(layoutOf("/state/x"))) {
    expect(join(path, "/").startsWith("/state/x/")).toBe(true);
  }
});
