import { describe, expect, it } from "vitest";
import { z } from "zod";
import { LandError } from "../../../src/domain/errors.ts";
import { input, oneOf, text, whole, yesOrNo } from "../../../src/operations/arguments.ts";
import { catalogue } from "../../../src/operations/catalogue.ts";
import { type AnyOperation, defineOperation } from "../../../src/operations/operation.ts";
import { runInProcess, scriptedTerminal } from "../../support/cli-in-process.ts";

const echo = (command: string, state: () => string): AnyOperation =>
  defineOperation({
    faces: { tool: `${command}_branch`, command },
    summary: "Does it; `dry_run` only tells. See `land_branch`.",
    input: input({
      branch: text(100).optional(),
      dry_run: yesOrNo,
      merge: yesOrNo,
      max_seconds: whole(0, 10),
      mood: oneOf(["good", "bad"]).optional(),
      steps: z.array(z.string()).optional(),
    }),
    hints: { readOnly: true, destructive: false, idempotent: true },
    result: z.object({ state: z.string(), given: z.unknown() }),
    handle: async (context, given) => {
      context.progress("working");
      return { state: state(), given };
    },
    render: (result) => `${result.state}, see \`land_branch\``,
  });

let state = "landed";
const operations = [echo("land", () => state), echo("status", () => "open")];

async function given(...args: string[]) {
  const { out } = await runInProcess([...args, "--json"], { operations });
  return (JSON.parse(out) as { given: unknown }).given;
}

describe("commands made of operations", () => {
  it("turns arguments into options, the branch into a place, and leaves out what is not given", async () => {
    expect(await given("status")).toEqual({});
    expect(
      await given("status", "feature/x", "--dry-run", "--max-seconds", "7", "--mood", "bad"),
    ).toEqual({ branch: "feature/x", dry_run: true, max_seconds: 7, mood: "bad" });
    expect(await given("status", "-C", "/somewhere")).toEqual({ worktree: "/somewhere" });
    expect(await given("-C", "/somewhere", "status", "42")).toEqual({
      worktree: "/somewhere",
      branch: "42",
    });
  });

  it("takes a branch name that begins with a dash after --", async () => {
    const { out } = await runInProcess(["status", "--json", "--", "-x"], { operations });
    expect(JSON.parse(out)).toMatchObject({ given: { branch: "-x" } });
  });

  it("switches off what is on by default, on the command without a name", async () => {
    expect(await given("--no-merge", "--branch", "b")).toEqual({ branch: "b", merge: false });
    expect(await given()).toEqual({});
  });

  it("reads documents as JSON, from standard input after a dash", async () => {
    expect(await given("status", "--steps", '["a"]')).toEqual({ steps: ["a"] });
    const terminal = scriptedTerminal({ stdin: '["b"]' });
    const { out } = await runInProcess(
      ["status", "--steps", "-", "--json"],
      { operations },
      terminal,
    );
    expect(JSON.parse(out)).toMatchObject({ given: { steps: ["b"] } });
    const broken = await runInProcess(["status", "--steps", "{"], { operations });
    expect(broken).toMatchObject({ code: 2, err: expect.stringContaining("not JSON") });
  });

  it("speaks of commands where operations speak of tools", async () => {
    const { out, err } = await runInProcess(["status"], { operations });
    expect(out).toBe("open, see `land`\n");
    expect(err).toBe("working\n");
    const help = await runInProcess(["status", "--help"], { operations });
    expect(help.out).toContain("`--dry-run` only tells. See `land`.");
  });
});

describe("exit codes", () => {
  it.each([
    ["landed", 0],
    ["planned", 0],
    ["waiting", 3],
    ["conflict", 4],
    ["ci_failed", 5],
    ["refused", 6],
    ["closed", 7],
  ])("ends a landing that is %s with %i", async (end, code) => {
    state = end;
    expect((await runInProcess([], { operations })).code).toBe(code);
  });

  it.each([
    [["stauts"], "stauts"],
    [["status", "a", "b"], "too many arguments"],
    [["status", "--mood", "odd"], "odd"],
    [["status", "--max-seconds", "soon"], "soon"],
    [["--frobnicate"], "--frobnicate"],
  ])("calls %j a usage error, 2, in words and as JSON", async (args, words) => {
    const plain = await runInProcess(args, { operations });
    expect(plain).toMatchObject({ code: 2, out: "", err: expect.stringContaining(words) });
    const json = await runInProcess(["--json", ...args], { operations });
    expect(json).toMatchObject({ code: 2, err: "" });
    expect(JSON.parse(json.out)).toMatchObject({ exit_code: 2, error: { code: "bad_argument" } });
  });

  it("gives each command its place and one short line in the overview", async () => {
    const { out } = await runInProcess(["--help"], { operations: catalogue });
    const [, ...groups] = out.split(/^(?=\S.*:$)/m);
    expect(groups.map((group) => group.split("\n", 1)[0])).not.toContain("Commands:");
    expect(out).toContain("recover [options] <action> [branch]");
    expect(out).not.toContain("One rerun lane never");
    expect(out).toContain("`land COMMAND --help` has the rest");
    expect(out.split("\n").length).toBeLessThan(130);
  });

  it("answers help and version with 0, on standard output", async () => {
    expect(await runInProcess(["--version"], {})).toMatchObject({
      code: 0,
      out: "1.2.3\n",
      err: "",
    });
    expect(await runInProcess(["--help"], {})).toMatchObject({ code: 0, err: "" });
  });

  it("tells an error once, with what to do, and what it knows as JSON", async () => {
    const openWorktree = () =>
      Promise.reject(new LandError("no_forge", "No forge here.", { next: "Run `land init`." }));
    const plain = await runInProcess(["url"], { openWorktree });
    expect(plain).toMatchObject({
      code: 8,
      out: "",
      err: "No forge here. (no_forge)\nNext: Run `land init`.\n",
    });
    const json = await runInProcess(["url", "--json"], { openWorktree });
    expect(JSON.parse(json.out)).toEqual({
      error: { code: "no_forge", message: "No forge here.", next: "Run `land init`." },
      exit_code: 8,
    });
  });
});

describe("land env", () => {
  const local = (set: (name: string, value: string) => void) => ({
    local: {
      env: {
        set: async (_: unknown, name: string, value: string) => set(name, value),
        list: async () => ["TOKEN"],
        unset: async () => true,
      },
    } as never,
  });

  it("reads a value from standard input, and asks for it at a terminal", async () => {
    const values: string[] = [];
    const services = local((name, value) => values.push(`${name}=${value}`));
    await runInProcess(["env", "set", "A"], services, scriptedTerminal({ stdin: "one\n" }));
    await runInProcess(["env", "set", "B"], services, scriptedTerminal({ answers: ["two"] }));
    expect(values).toEqual(["A=one", "B=two"]);
  });

  it("warns of a value on the command line, and never prints one", async () => {
    const { code, out, err } = await runInProcess(
      ["env", "set", "A", "s3cret"],
      local(() => {}),
    );
    expect({ code, leaked: `${out}${err}`.includes("s3cret") }).toEqual({ code: 0, leaked: false });
    expect(err).toContain("Warning");
  });

  it.each([
    [["env", "set", "A"], "no value"],
    [["env", "set", "A=B"], "no name"],
  ])("refuses %j", async (args, words) => {
    const result = await runInProcess(
      args,
      local(() => {}),
    );
    expect(result).toMatchObject({ code: 2, err: expect.stringContaining(words) });
  });
});
