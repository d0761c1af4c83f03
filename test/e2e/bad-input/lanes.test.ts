import { randomInt } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { layoutOf } from "../../../src/local/layout.ts";
import { updateSettings } from "../../../src/local/settings.ts";
import { answerOf } from "../../support/bad-input.ts";
import { type ForgeScene, manifestOf, withForge } from "../../support/cli.ts";
import { type Connected, spawnMcp } from "../../support/mcp.ts";

let scene: ForgeScene;
let mcp: Connected;

/** Told apart from every other sleep of this machine by how long it would take. */
const napSeconds = `86${randomInt(1e9)}`;
const laneValue = `value-of-a-lane-${randomInt(1e9)}`;
/** A lane's own cache lies in the forge's state. */
const state = 'state="$XDG_CACHE_HOME/../../.."';

const bad: Readonly<Record<string, string>> = {
  thief: `${state}; cat "$state"/keys/* "$state"/sessions/* "$state/forge.json"; exit 1`,
  loud: "yes a line of a very loud lane | head -c 300000000; echo THE END; exit 1",
  long: "head -c 3000000 /dev/zero | tr '\\0' y; echo; echo after; exit 1",
  bytes: "printf '\\377\\376\\000 \\033]0;title\\007\\033[31mred\\n'; exit 1",
  daemon: `(setsid sleep ${napSeconds} >/dev/null 2>&1 &); exit 1`,
  endless: "sleep 600",
  vandal: 'rm -rf "$PWD"/* "$PWD"/.git; cd /; exit 1',
  signal: "kill -SEGV $$",
  mover: `${state}; git --git-dir="$state/repository.git" update-ref refs/heads/main "$FORGE_HEAD"; exit 1`,
};

const commands = Object.fromEntries(
  Object.entries(bad).map(([lane, script]) => [lane, ["sh", "-c", script]]),
);
const manifest = manifestOf({ ...commands, missing: ["no-such-program"] }).replace(
  'id = "endless"\n',
  'id = "endless"\ntimeout_seconds = 1\n',
);

beforeAll(async () => {
  scene = await withForge({ "readme.txt": "one\n" });
  // The thief is to find something; only the owner can let a lane out.
  await updateSettings(layoutOf(scene.stateDir), (before) => ({
    ...before,
    unsandboxedLanes: ["thief"],
    laneEnv: { VALUE: laneValue },
  }));
  mcp = await spawnMcp(scene.repo, scene.env);
});

afterAll(async () => {
  await mcp[Symbol.asyncDispose]();
  await scene[Symbol.asyncDispose]();
});

async function log(given: Record<string, unknown>): Promise<string> {
  const answer = await mcp.client.callTool({ name: "lane_logs", arguments: given });
  return (answer.content as { text: string }[]).map(({ text }) => text).join("\n");
}

describe("lanes that behave badly", () => {
  it("fail as what they did, and the answer stays short and keeps every secret", async () => {
    const before = await scene.git("rev-parse", "main");
    await scene.branch("bad-lanes", { "ci/forge-lanes.toml": manifest });
    // The very first command here: the session that the thief shows is younger than this process.
    const ran = await scene.land(["--json"]);
    expect(ran.code).toBe(5);
    expect(ran.out.length).toBeLessThan(13_000);
    const status = await mcp.client.callTool({ name: "branch_status", arguments: {} });
    const { lanes } = status.structuredContent as { lanes: { lane: string; why?: string }[] };
    expect(lanes.map(({ lane }) => lane).sort()).toEqual([...Object.keys(bad), "missing"].sort());
    const kinds = Object.fromEntries(lanes.map((one) => [one.lane, one.why]));
    expect(kinds).toMatchObject({ endless: "timeout", missing: "infrastructure" });
    expect(kinds).toMatchObject({ signal: "test_failure", vandal: "test_failure" });

    const session = JSON.parse(await readFile(join(scene.stateDir, "sessions/agent.json"), "utf8"));
    const shown = `${ran.out}${await log({ lane: "thief" })}`;
    expect(ran.out).toContain("laneEnv");
    for (const secret of [session.token as string, laneValue, "nsec1"]) {
      expect(shown).not.toContain(secret);
    }
    expect(await scene.git("ls-remote", "forge", "refs/heads/main")).toContain(before);
  });

  it("leave logs that can be read: 300 MB, one line of 3 MB, no UTF-8", async () => {
    expect(await log({ lane: "loud", tail_bytes: 2000 })).toMatch(/THE END\n\[forge\] exit code 1/);
    expect(await log({ lane: "long", grep: "^after" })).toMatch(/@3000001: after/);
    const bytes = await log({ lane: "bytes" });
    expect(bytes).toMatch(/\uFFFD\uFFFD red\n/);
    expect(bytes).not.toMatch(/[\x00\x07\x1b]/);
    expect(await log({ lane: "signal" })).toContain("killed by SIGSEGV");
    expect(await log({ lane: "missing" })).toContain('"no-such-program" is not in PATH');
  });

  it("leave no process behind", async () => {
    const running = await Promise.all(
      (await readdir("/proc"))
        .filter((name) => /^\d+$/.test(name))
        .map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")),
    );
    expect(running.filter((line) => line.includes(napSeconds))).toEqual([]);
  });
});

describe("a manifest that is not right is never green, and its line is told", () => {
  const lane = (id: string) => manifestOf({ [id]: ["true"] });
  it.each([
    ["a duplicate id", `${lane("unit")}${lane("unit").slice(lane("unit").indexOf("[["))}`, /:9: /],
    ["an empty id", lane(""), /:4: .*must not be empty/],
    ["another version", lane("unit").replace("= 1", "= 7"), /:1: .*version 7/],
    ["no TOML", '[[branch.lanes]\nid = "x"\n', /:1: the TOML cannot be read/],
  ])("%s", async (what, text, told) => {
    await scene.branch(`manifest-${what.replaceAll(" ", "-")}`, { "ci/forge-lanes.toml": text });
    const answer = await answerOf(scene, []);
    expect(answer).toMatchObject({ exit: 5, state: "ci_failed", lanes: [] });
    expect(answer.note).toMatch(told);
    const merged = await mcp.client.callTool({ name: "merge_branch", arguments: {} });
    expect(merged.structuredContent).toMatchObject({ state: "refused", code: "ci_not_green" });
  });
});
