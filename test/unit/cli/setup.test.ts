import { describe, expect, it } from "vitest";
import type { SetupWish } from "../../../src/cli/services.ts";
import type { PlannedFile, SetupPlan } from "../../../src/setup/setup.ts";
import { runInProcess, scriptedTerminal } from "../../support/cli-in-process.ts";

const files: readonly PlannedFile[] = [
  {
    path: "/home/u/.codex/config.toml",
    action: "change",
    roles: ["mcp"],
    diff: ['-token = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"', "+# `land_branch` \u001b[31mred"],
  },
  {
    path: "/home/u/.codex/skills/land/SKILL.md",
    action: "create",
    roles: ["skill"],
    diff: ["+a", "+b"],
  },
];

/** The command with a plan that is made up; what it applied and was asked for. */
async function setup(
  args: readonly string[],
  how: { files?: readonly PlannedFile[]; answers?: string[] } = {},
) {
  const seen: { applied: number; wish?: SetupWish } = { applied: 0 };
  const terminal = scriptedTerminal(how.answers === undefined ? {} : { answers: how.answers });
  const plan = async (wish: SetupWish): Promise<SetupPlan> => {
    seen.wish = wish;
    return {
      client: wish.client,
      scope: wish.project ? "project" : "user",
      files: how.files ?? files,
      notes: ["a note"],
      problem: undefined,
      apply: async () => {
        seen.applied += 1;
      },
    };
  };
  const setups = {
    plan,
    survey: async () => [
      {
        client: "codex" as const,
        found: ["/usr/bin/codex"],
        user: "set_up" as const,
        project: "none" as const,
      },
      { client: "cursor" as const, found: [], user: "unknown" as const, project: undefined },
    ],
  };
  return { ...(await runInProcess(["setup", ...args], { setups }, terminal)), seen };
}

describe("land setup", () => {
  it("lists clients without one", async () => {
    const { out, code } = await setup([]);
    expect(code).toBe(0);
    expect(out).toContain(
      "codex        found on this machine · you: set up · this project: not set up",
    );
    expect(out).toContain("cursor       not found on this machine · you: cannot be told\n");
    expect(JSON.parse((await setup(["--json"])).out)).toMatchObject({
      clients: [{ client: "codex", user: "set_up" }, { client: "cursor" }],
    });
  });

  it("does not take a wish without a client for a look", async () => {
    const { err, code } = await setup(["--undo"]);
    expect(code).not.toBe(0);
    expect(err).toContain("--undo needs a client");
  });

  it("goes on where nobody can be asked", async () => {
    const { out, seen, asked } = await setup(["codex"]);
    expect(seen).toMatchObject({
      applied: 1,
      wish: { project: false, undo: false, replace: false },
    });
    expect(asked).toEqual([]);
    expect(out).toContain("change /home/u/.codex/config.toml");
    expect(out).toContain("Note: a note");
    expect(out).toContain("`land setup codex --undo` takes it back");
  });

  it("shows the plan at a terminal and asks", async () => {
    const no = await setup(["codex"], { answers: ["n"] });
    expect(no.asked.join()).toMatch(
      /config\.toml[\s\S]*SKILL\.md \(skill\) \+2 -0 lines[\s\S]*Write this\? \[y\/N\]/,
    );
    expect(no.seen.applied).toBe(0);
    expect(no.out).toContain("Nothing was written.");
    expect((await setup(["codex"], { answers: ["y"] })).seen.applied).toBe(1);
    expect((await setup(["codex", "--yes"], { answers: [] })).asked).toEqual([]);
    expect((await setup(["codex"], { files: [], answers: [] })).asked).toEqual([]);
  });

  it("only prints, without secrets and control sequences", async () => {
    const { out, seen } = await setup(["codex", "--print"]);
    expect(seen.applied).toBe(0);
    expect(out).not.toMatch(/ghp_abc|\u001b/);
    expect(out).toContain("+# `land_branch`");
    const json = JSON.parse((await setup(["codex", "--print", "--json"])).out);
    expect(json).toMatchObject({
      state: "planned",
      files: [{ action: "change" }, { action: "create" }],
    });
    expect(JSON.stringify(json)).not.toContain("ghp_abc");
  });

  it("tells that there was nothing to do", async () => {
    const none = { files: [] };
    expect((await setup(["codex"], none)).out).toContain("already set up in your own files");
    expect((await setup(["codex", "--project"], none)).out).toContain(
      "this project's shared files",
    );
    const undone = await setup(["codex", "--undo", "--json"], none);
    expect(JSON.parse(undone.out)).toMatchObject({ state: "nothing_to_undo", files: [] });
  });

  it("says what to commit", async () => {
    const { out } = await setup(["codex", "--project"]);
    expect(out).toContain("Commit these files");
    expect(out).toContain("`land setup codex --project --undo`");
  });

  it("refuses what it does not know", async () => {
    const unknown = await setup(["emacs"]);
    expect(unknown).toMatchObject({ code: 2 });
    expect(unknown.err).toContain("claude-code");
    expect(await setup(["codex", "--undo", "--replace"])).toMatchObject({ code: 2 });
  });
});
