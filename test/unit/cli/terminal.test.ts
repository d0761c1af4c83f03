import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { terminalOf } from "../../../src/cli/terminal.ts";
import { input } from "../../../src/operations/arguments.ts";
import { defineOperation } from "../../../src/operations/operation.ts";
import { runInProcess, scriptedTerminal } from "../../support/cli-in-process.ts";

function streams(tty: boolean) {
  const made = () => Object.assign(new PassThrough(), { isTTY: tty, columns: 40 });
  return { stdin: made(), stdout: made(), stderr: made() };
}

const signal = new AbortController().signal;

describe("terminalOf", () => {
  it("asks a person, shows what is typed unless it is hidden", async () => {
    const made = streams(true);
    const terminal = terminalOf(made, false);
    expect(terminal).toMatchObject({ live: true, canAsk: true });
    const open = terminal.ask("name? ", { hidden: false, signal });
    made.stdin.write("ada\n");
    expect(await open).toBe("ada");
    const hidden = terminal.ask("key? ", { hidden: true, signal });
    made.stdin.write("s3cret\n");
    expect(await hidden).toBe("s3cret");
    const shown = String(made.stderr.read());
    expect(shown).toContain("name? ");
    expect(shown).toContain("key? ");
    expect(shown).not.toContain("s3cret");
  });

  it("gives up a question when the input ends or the command is cancelled", async () => {
    const made = streams(true);
    const terminal = terminalOf(made, false);
    const cancel = new AbortController();
    const asked = terminal.ask("? ", { hidden: false, signal: cancel.signal });
    cancel.abort();
    expect(await asked).toBeUndefined();
    const ended = terminal.ask("? ", { hidden: false, signal });
    made.stdin.end();
    expect(await ended).toBeUndefined();
  });

  it("asks nobody without a terminal, or in a CI system that has one", async () => {
    expect(terminalOf(streams(false), false)).toMatchObject({ live: false, canAsk: false });
    const inCi = terminalOf(streams(true), true);
    expect(inCi).toMatchObject({ live: false, canAsk: false });
    expect(await inCi.ask("? ", { hidden: false, signal })).toBeUndefined();
  });

  it("reads standard input whole, up to its cap", async () => {
    for (const [max, read] of [
      [5, "größ"],
      [4, undefined],
    ] as const) {
      const made = streams(false);
      made.stdin.end(Buffer.from("größ").subarray(0, 6));
      expect(await terminalOf(made, false).readAll(max + 1)).toBe(read);
    }
  });
});

describe("confirming", () => {
  const operations = [
    defineOperation({
      faces: { tool: "merge_branch", command: "merge" },
      summary: "Merges.",
      input: input({}),
      hints: { readOnly: false, destructive: true, idempotent: true },
      result: z.object({ said: z.string() }),
      handle: async ({ confirm }) => ({
        said: await confirm({ message: "Force #42?", expected: "42" }),
      }),
      render: ({ said }) => said,
    }),
  ];

  it.each([
    [["42"], [], "agreed"],
    [[" 42 "], [], "agreed"],
    [["yes"], [], "declined"],
    [[], [], "declined"],
    [undefined, [], "no_way"],
    [["42"], ["--json"], "no_way"],
  ] as const)("takes %j with %j as %s", async (answers, options, said) => {
    const terminal = scriptedTerminal(answers === undefined ? {} : { answers });
    const ran = await runInProcess(["merge", ...options], { operations }, terminal);
    expect(ran.out).toContain(said);
    expect(ran.asked).toEqual(said === "no_way" ? [] : ["Force #42?\nType 42 to agree: "]);
  });
});
