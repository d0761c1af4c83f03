import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { missing, note, ok, renderChecks } from "../../../src/doctor/check.ts";
import { lookAround } from "../../../src/doctor/look.ts";
import { checkNode, judgeGit } from "../../../src/doctor/machine.ts";
import { lookAtManifest } from "../../../src/server/ci/manifest-file.ts";

describe("judging", () => {
  it.each([
    ["git version 2.38.0", "ok"],
    ["git version 2.39.5 (Apple Git-154)", "ok"],
    ["git version 3.0.1", "ok"],
    ["git version 2.37.9", "missing"],
    ["what?", "missing"],
  ])("takes %j as %s", (said, state) => {
    expect(judgeGit(said).state).toBe(state);
  });

  it("knows the oldest Node", () => {
    expect([checkNode("22.13.0").state, checkNode("22.12.9").state]).toEqual(["ok", "missing"]);
  });
});

it("renders what to do below what needs it, and names it at the end", () => {
  const text = renderChecks([
    ok("git", "2.39"),
    missing("forge", "none", "Run it."),
    note("x", "y"),
  ]);
  expect(text).toBe(
    "ok       git    2.39\nmissing  forge  none\n                → Run it.\nnote     x      y\nLook at: forge.",
  );
});

describe("lookAround", () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "land-doctor-test-"));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  const look = async (change: { stateFolder?: string; execPath?: string }) => {
    const checks = await lookAround(
      {
        path: dir,
        stateFolder: change.stateFolder ?? join(dir, "not", "yet"),
        env: { PATH: process.env.PATH },
        version: "1.0.0",
        storeProblem: async () => undefined,
        lookAtManifest,
        node: { version: "24.0.0", execPath: change.execPath ?? process.execPath },
      },
      new AbortController().signal,
    );
    return Object.fromEntries(checks.map((check) => [check.name, check]));
  };

  it("finds what is there and what is not, and leaves nothing behind", async () => {
    const checks = await look({});
    expect(checks).toMatchObject({
      git: { state: "ok" },
      disk: { found: expect.stringContaining("GiB free") },
      "state folder": { state: "ok" },
      loopback: { state: "ok" },
      processes: { state: "ok" },
      repository: { state: "missing", next: expect.stringContaining("git work tree") },
    });
    await expect(mkdir(join(dir, "not"))).resolves.toBeUndefined();
  });

  it("calls blocked what this shell may not do", async () => {
    const checks = await look({ stateFolder: "/proc/self/land", execPath: join(dir, "no-such") });
    expect(checks).toMatchObject({
      "state folder": { state: "blocked", next: expect.stringContaining("XDG_STATE_HOME") },
      processes: { state: "blocked" },
    });
  });
});
