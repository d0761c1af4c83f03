import { unusedServices } from "../../scripts/cli-doc.ts";
import { runCli } from "../../src/cli/run.ts";
import type { Services } from "../../src/cli/services.ts";
import type { Terminal } from "../../src/cli/terminal.ts";

/** A terminal that keeps what is written and answers questions from a list. */
export interface ScriptedTerminal extends Terminal {
  readonly written: { out: string; err: string };
  readonly asked: string[];
}

/** A terminal that keeps everything. `answers`: given, in order, a person is there to ask. */
export function scriptedTerminal(
  how: { answers?: readonly string[]; stdin?: string; live?: boolean } = {},
): ScriptedTerminal {
  const written = { out: "", err: "" };
  const asked: string[] = [];
  const answers = [...(how.answers ?? [])];
  return {
    written,
    asked,
    out: (text) => {
      written.out += text;
    },
    err: (text) => {
      written.err += text;
    },
    live: how.live === true,
    canAsk: how.answers !== undefined,
    columns: () => 80,
    ask: async (question) => {
      asked.push(question);
      return answers.shift();
    },
    readAll: async () => how.stdin ?? "",
  };
}

/** Services that fail when used, but for the given ones. */
export function servicesWith(given: Partial<Services>): Services {
  return { ...unusedServices("not part of this test"), version: "1.2.3", ...given };
}

/** Runs a command line in this process. */
export async function runInProcess(
  args: readonly string[],
  services: Partial<Services>,
  terminal: ScriptedTerminal = scriptedTerminal(),
): Promise<{ code: number; out: string; err: string; asked: readonly string[] }> {
  const signal = new AbortController().signal;
  const code = await runCli(args, { terminal, services: servicesWith(services), signal });
  return { code, ...terminal.written, asked: terminal.asked };
}
