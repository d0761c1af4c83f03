import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { endTagged, endTree, killOrphan } from "../../../src/process/ending.ts";
import { identityOf, isStillThere, parseStat } from "../../../src/process/identity.ts";
import { type LaneProcess, startLane } from "../../../src/process/lane.ts";
import { findTagged, holdsTag } from "../../../src/process/tagged.ts";

const eventually = { interval: 5, timeout: 10_000 };
const dir = mkdtempSync(join(tmpdir(), "flk-process-"));
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function sleeper(env: Record<string, string> = {}): number {
  const child = spawn("sleep", ["1000"], { detached: true, env: { ...process.env, ...env } });
  children.push(child);
  return child.pid ?? 0;
}

async function started(script: string, env: Record<string, string> = {}): Promise<LaneProcess> {
  const answer = await startLane({
    file: "/bin/sh",
    args: ["-c", script],
    cwd: dir,
    env: { PATH: process.env.PATH ?? "", ...env },
    output: openSync(join(dir, "output"), "w"),
    reportsState: true,
  });
  if ("notStarted" in answer) throw new Error(answer.notStarted);
  return answer;
}

describe("identity", () => {
  it("reads a program name with spaces and parentheses", () => {
    const fields = Array.from({ length: 49 }, (_, n) => n + 4);
    expect(parseStat(`7 (a) b (c) S 1 2 ${fields.slice(2).join(" ")}`)).toEqual({
      state: "S",
      parent: 1,
      group: 2,
      startTime: "22",
      bare: false,
    });
    expect(parseStat("")).toBeUndefined();
  });

  it("knows a process from another one with the same pid", () => {
    const mine = identityOf(process.pid);
    expect(isStillThere(mine)).toBe(true);
    expect(isStillThere({ ...mine, startTime: "1" })).toBe(false);
    expect(isStillThere({ ...mine, bootId: "another" })).toBe(false);
    expect(isStillThere({ ...mine, startTime: null })).toBe(false);
    expect(killOrphan({ ...identityOf(sleeper()), startTime: "1" })).toBe(false);
  });
});

describe("tags", () => {
  it("are found as a whole or by their beginning", async () => {
    const value = `test-${process.pid}-1`;
    const pid = sleeper({ SOME_TAG: value });
    const find = (text: string, match: "exact" | "prefix") =>
      findTagged({ name: "SOME_TAG", value: text, match });
    await expect
      .poll(() => find(value, "exact"), eventually)
      .toMatchObject([{ pid, parent: process.pid }]);
    expect(await find(value.slice(0, -1), "prefix")).toHaveLength(1);
    expect(await find(value.slice(0, -1), "exact")).toEqual([]);
    expect(await endTagged({ name: "SOME_TAG", value, match: "exact" })).toEqual([]);
  });

  it("are found on what becomes another program all the time", async () => {
    const tag = { name: "SOME_TAG", value: `becomes-${process.pid}`, match: "exact" } as const;
    const script = join(dir, "again");
    writeFileSync(script, 'exec sh "$0"\n');
    const env = { PATH: process.env.PATH, SOME_TAG: tag.value };
    const child = spawn("sh", [script], { env });
    children.push(child);
    await expect.poll(async () => (await findTagged(tag)).length, eventually).toBe(1);
    const looks = Array.from({ length: 20 }, () => findTagged(tag));
    const found = (await Promise.all(looks)).map((all) => all.map(({ pid }) => pid));
    expect(found).toEqual(looks.map(() => [child.pid]));
    expect(await endTagged(tag)).toEqual([]);
  });

  it("are not found inside other variables", () => {
    const tag = { name: "T", value: "1", match: "exact" } as const;
    expect(holdsTag(Buffer.from("T=1\0A=2\0"), tag)).toBe(true);
    expect(holdsTag(Buffer.from("A=2\0T=1\0"), tag)).toBe(true);
    expect(holdsTag(Buffer.from("XT=1\0A=T=1\0T=12\0"), tag)).toBe(false);
    expect(holdsTag(Buffer.from(""), tag)).toBe(false);
  });
});

describe("startLane", () => {
  it("reports exit code, signal and what was written to descriptor 3", async () => {
    const ended = await (await started("echo state >&3; echo out; echo err >&2; exit 3")).ended;
    expect(ended).toEqual({ exitCode: 3, signal: null, report: "state\n" });
    expect(readFileSync(join(dir, "output"), "utf8")).toBe("out\nerr\n");
    expect(await (await started("kill -KILL $$")).ended).toMatchObject({ signal: "SIGKILL" });
  });

  it("says why a program could not be started", async () => {
    const command = { args: [], cwd: dir, env: {}, output: 2, reportsState: false };
    expect(await startLane({ ...command, file: join(dir, "nothing") })).toMatchObject({
      notStarted: expect.stringContaining("ENOENT"),
    });
    expect(await startLane({ ...command, file: "a\0b" })).toHaveProperty("notStarted");
  });

  it("does not wait for a process that keeps descriptor 3 open", async () => {
    const lane = await started("sleep 1000 & exit 0", { SOME_TAG: "keeps-3" });
    expect(await lane.ended).toMatchObject({ exitCode: 0 });
    await endTagged({ name: "SOME_TAG", value: "keeps-3", match: "exact" });
  });
});

it("endTree ends what left the process group too", async () => {
  const tag = { name: "SOME_TAG", value: `tree-${process.pid}`, match: "exact" } as const;
  const lane = await started("trap '' TERM; setsid sleep 1000 & sleep 1000; sleep 1000", {
    SOME_TAG: tag.value,
  });
  await expect.poll(async () => (await findTagged(tag)).length, eventually).toBe(3);
  await endTree({ ...lane, tag, sandboxed: false }, 20);
  expect(await findTagged(tag)).toEqual([]);
  expect(await lane.ended).toMatchObject({ signal: "SIGKILL" });
});
