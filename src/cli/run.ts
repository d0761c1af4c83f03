import { type Command, CommanderError } from "commander";
import { LandError } from "../domain/errors.ts";
import { asLandError, errorView, renderError } from "../operations/errors.ts";
import { oneLine } from "../text/control.ts";
import { type Ending, endingOfError, exitCodes } from "./exit-codes.ts";
import type { Answer, Call, CommonOptions } from "./face.ts";
import { createProgram } from "./program.ts";
import { progressOn, silent } from "./progress.ts";
import type { Services } from "./services.ts";
import type { Terminal } from "./terminal.ts";
import { inCommandWords } from "./tool-names.ts";

/** What a run of the command line needs beside its services. */
export interface CliHost {
  readonly terminal: Terminal;
  readonly services: Services;
  /** Aborts with the name of the signal that ended us, such as `SIGTERM`. */
  readonly signal: AbortSignal;
}

/** Runs one command line, without program and script name, and answers its exit code. */
export async function runCli(args: readonly string[], host: CliHost): Promise<number> {
  const { terminal } = host;
  let ending: Ending = "ok";
  let ownCode: number | undefined;
  const act = async (options: CommonOptions, action: (call: Call) => Promise<Answer>) => {
    const progress = options.json ? silent : progressOn(terminal);
    try {
      const answer = await action({ options, terminal, progress, signal: host.signal });
      progress.stop();
      printAnswer(host, options, answer);
      ending = answer.ending;
    } catch (thrown) {
      progress.stop();
      const error = asLandError(thrown);
      ending = endingOfThrown(error, host.signal);
      printError(host, options.json, error, ending);
    }
  };
  const endWith = async (run: () => Promise<number>) => {
    try {
      ownCode = await run();
    } catch (thrown) {
      const error = asLandError(thrown);
      ending = endingOfThrown(error, host.signal);
      printError(host, false, error, ending);
    }
  };
  const said: string[] = [];
  const output = {
    writeOut: (text: string) => terminal.out(text),
    writeErr: (text: string) => void said.push(text),
  };
  const program = createProgram(host.services, { act, endWith, output });
  try {
    refuseUnknownCommand(program, args[0]);
    await program.parseAsync([...args], { from: "user" });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    ending = thrown.exitCode === 0 ? "ok" : "usage";
    const message = said.join("").trim() || thrown.message;
    if (ending === "usage") printUsage(host, args, message);
  }
  return ownCode ?? exitCodes[ending].code;
}

/** The command without a name takes no words, so a first word is the name of one. */
function refuseUnknownCommand(program: Command, word: string | undefined): void {
  const names = ["help", ...program.commands.map((command) => command.name())];
  if (word === undefined || word.startsWith("-") || names.includes(word)) return;
  const near = names.filter((name) => name.startsWith(word.slice(0, 2)));
  const hint = near.length === 0 ? "" : ` Did you mean ${near.join(" or ")}?`;
  program.error(
    `error: there is no command '${oneLine(word)}'.${hint} A branch is named with --branch.`,
  );
}

function endingOfThrown(error: LandError, signal: AbortSignal): Ending {
  const ending = endingOfError(error.code);
  return ending === "interrupted" && signal.reason === "SIGTERM" ? "terminated" : ending;
}

function printAnswer(host: CliHost, options: CommonOptions, answer: Answer): void {
  const words = () =>
    answer.verbatim === true ? answer.text : inCommandWords(answer.text, host.services.operations);
  const text = options.json ? JSON.stringify(answer.facts) : words();
  if (text !== "") host.terminal.out(text.endsWith("\n") ? text : `${text}\n`);
}

function printError(host: CliHost, json: boolean, error: LandError, ending: Ending): void {
  const view = errorView(error);
  if (json) {
    host.terminal.out(`${JSON.stringify({ ...view, exit_code: exitCodes[ending].code })}\n`);
  } else {
    host.terminal.err(`${inCommandWords(renderError(view), host.services.operations)}\n`);
  }
}

function printUsage(host: CliHost, args: readonly string[], message: string): void {
  const help = "`land --help` shows the commands, `land COMMAND --help` the options of one.";
  const dash = "A branch whose name begins with a dash comes after `--`.";
  const next = /unknown option/.test(message) ? `${help} ${dash}` : help;
  if (!args.includes("--json")) {
    host.terminal.err(`${message}\nNext: ${next}\n`);
    return;
  }
  const error = new LandError("bad_argument", message.replace(/^error: /, ""), {
    state: "Nothing was done.",
    next,
  });
  printError(host, true, error, "usage");
}
