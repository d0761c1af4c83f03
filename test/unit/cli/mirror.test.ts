import { describe, expect, it } from "vitest";
import type { MirrorFacts } from "../../../src/cli/services.ts";
import { runInProcess } from "../../support/cli-in-process.ts";

const standing: MirrorFacts = {
  remote: "/srv/mirror.git",
  state: "error",
  lagging: 1,
  laggingRefs: ["refs/heads/main"],
  lastSuccessAt: undefined,
  failures: 2,
  problem: { kind: "auth", words: "it said no" },
  history: [
    {
      startedAt: "2026-01-01T00:00:00.000Z",
      finishedAt: "2026-01-01T00:00:01.500Z",
      ...{ trigger: "manual", end: "auth", lagging: 1 },
    },
  ],
};

const withMirror = (facts: MirrorFacts, wishes: unknown[] = []) => ({
  local: {
    mirror: {
      status: async () => facts,
      sync: async () => facts,
      set: async (_: unknown, wish: unknown) => void wishes.push(wish),
    },
  } as never,
});

describe("land mirror", () => {
  it("says how far the mirror is behind, and fails where it failed", async () => {
    const { code, out } = await runInProcess(["mirror", "sync"], withMirror(standing));
    expect(code).not.toBe(0);
    expect(out).toMatch(
      /1 ref lags[\s\S]*refs\/heads\/main[\s\S]*Failed 2× \(auth\): it said no[\s\S]*\nNext: /,
    );
    expect(out).toContain("  2026-01-01T00:00:00.000Z manual: auth after 1.5 s, 1 ref lags");
  });

  it("says where there is none", async () => {
    const none = { ...standing, remote: undefined, problem: undefined };
    const { code, out } = await runInProcess(["mirror", "status"], withMirror(none));
    expect([code, out.trim()]).toEqual([
      0,
      "The forge has no mirror. `land mirror set URL` names one.",
    ]);
    const alone = await runInProcess(["mirror"], withMirror(none));
    expect(alone).toMatchObject({ code, out });
  });

  it("passes on what was named, and nothing else", async () => {
    const wishes: unknown[] = [];
    const services = withMirror(standing, wishes);
    await runInProcess(["mirror", "set", "/srv/m.git"], services);
    await runInProcess(["mirror", "set", "/srv/m.git", "--interval", "0", "--import"], services);
    await runInProcess(["mirror", "set", "/srv/m.git", "--token-file", "t"], services);
    await runInProcess(["mirror", "off"], services);
    expect(wishes).toEqual([
      { url: "/srv/m.git" },
      { url: "/srv/m.git", interval: 0, import: true },
      { url: "/srv/m.git", tokenFile: "t" },
      undefined,
    ]);
    const bad = await runInProcess(["mirror", "set", "/srv/m.git", "--interval", "soon"], services);
    expect([bad.code === 0, wishes.length]).toEqual([false, 4]);
  });
});
