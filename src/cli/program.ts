import { Command, Option, type OutputConfiguration } from "commander";
import type { OperationContext } from "../operations/operation.ts";
import { addEnv } from "./commands/env.ts";
import { addDoctor, addStop } from "./commands/forge.ts";
import { addAuthorizedKeys, addGitShell } from "./commands/hosting.ts";
import { addInit } from "./commands/init.ts";
import { addLogin, addLogout, addWhoami } from "./commands/login.ts";
import { addMcp, addServe, type EndWith } from "./commands/long.ts";
import { addMirror } from "./commands/mirror.ts";
import { addReferenceCommand, addReferenceWords, referenceCommands } from "./commands/ph.ts";
import { addRoadmap } from "./commands/roadmap.ts";
import { addSetup } from "./commands/setup.ts";
import { addUrl } from "./commands/url.ts";
import type { Answer, Call, CommonOptions, Face } from "./face.ts";
import { groupCommands } from "./help-groups.ts";
import { addOperation } from "./operation-command.ts";
import type { Services } from "./services.ts";
import { inCommandWords } from "./tool-names.ts";

/** How the caller runs what a command line asks for. */
export interface Runner {
  /** Runs an action, prints its answer or error, keeps its ending. */
  act(options: CommonOptions, action: (call: Call) => Promise<Answer>): Promise<void>;
  /** Runs a command that has no answer of its own and ends with an exit code. */
  endWith(run: () => Promise<number>): Promise<void>;
  /** Where help and the parser's complaints go. */
  readonly output: OutputConfiguration;
}

/** Longest time a command waits unless told otherwise: a person at a terminal can interrupt. */
const waitSeconds = 3600;

/**
 * The command line as commander's definitions, which help and docs/cli.md are made of. Nothing runs
 * before it is parsed.
 */
export function createProgram(services: Services, runner: Runner): Command {
  const program = new Command("land")
    .version(services.version)
    .enablePositionalOptions()
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput(runner.output);
  addCommon(program);
  const faceOf =
    (command: Command): Face =>
    (action) =>
      runner.act(commonOptions(command), action);
  const contextOf = (call: Call) => operationContext(services, call);
  for (const operation of services.operations) {
    const name = operation.faces.command;
    if (name === undefined) continue;
    const command = name === "land" ? program : addCommon(program.command(name));
    const spoken = {
      ...operation,
      summary: inCommandWords(operation.summary, services.operations),
    };
    addOperation(command, name, spoken, faceOf(command), contextOf);
  }
  const add = (name: string) => addCommon(program.command(name));
  const face = (
    name: string,
    define: (command: Command, face: Face, services: Services) => void,
  ) => {
    const command = add(name);
    define(command, faceOf(command), services);
  };
  face("init", (command, its) => addInit(command, its, services.local));
  face("url", (command, its) => addUrl(command, its, contextOf));
  addReferenceWords(program);
  for (const one of referenceCommands) {
    const command = add(one.name);
    addReferenceCommand(command, one, faceOf(command), contextOf, services.operations);
  }
  face("stop", addStop);
  face("doctor", addDoctor);
  face("roadmap", addRoadmap);
  face("login", (command, its) => addLogin(command, its, services, contextOf));
  face("whoami", addWhoami);
  face("logout", addLogout);
  face("setup", addSetup);
  const env = program.command("env").enablePositionalOptions();
  addEnv(env, subcommandOf(env), faceOf, services);
  const mirror = program.command("mirror").enablePositionalOptions();
  addMirror(mirror, subcommandOf(mirror), faceOf, services);
  const endWith =
    (command: Command): EndWith =>
    (run) =>
      runner.endWith(() => run(command.optsWithGlobals()));
  const serve = add("serve");
  addServe(serve, endWith(serve), services);
  const mcp = add("mcp");
  addMcp(mcp, endWith(mcp), services);
  face("authorized-keys", addAuthorizedKeys);
  const gitShell = add("git-shell");
  addGitShell(gitShell, endWith(gitShell), services);
  addNamedForge(program);
  groupCommands(program);
  return program;
}

function commonOptions(command: Command): CommonOptions {
  const given = command.optsWithGlobals<Readonly<Record<string, unknown>>>();
  const text = (name: string) => {
    const value = given[name];
    return typeof value === "string" && value.trim() !== "" ? value : undefined;
  };
  return {
    json: given.json === true,
    worktree: text("worktree"),
    pollSeconds: typeof given.pollSecs === "number" ? given.pollSecs : undefined,
    named: { baseUrl: text("baseUrl"), referenceStateDir: text("stateDir") },
  };
}

/** Which hosted forge is meant can be said before and after any command's name. */
function addNamedForge(command: Command): void {
  if (longRunning.has(command.name())) return;
  for (const option of namedForgeOptions()) {
    const known = command.options.some(({ long }) => long === option.long);
    if (!known) command.addOption(option.hideHelp(command.parent !== null));
  }
  for (const one of command.commands) addNamedForge(one);
}

/** They speak of one forge on this machine, or are read without the rest of the command line. */
const longRunning = new Set(["serve", "mcp", "authorized-keys", "git-shell"]);

function namedForgeOptions(): Option[] {
  return [
    new Option(
      "--base-url <url>",
      "The hosted forge that is meant; default: PH_BASE_URL, else the one this work tree belongs to.",
    ),
    new Option(
      "--state-dir <folder>",
      "Where the reference client keeps its session; default: its own place.",
    ),
  ];
}

/** Subcommands that only show how things stand, which their command alone does as well. */
const showing = new Set(["status", "list"]);

function subcommandOf(parent: Command): (name: string) => Command {
  return (name) => addCommon(parent.command(name, { isDefault: showing.has(name) }));
}

function addCommon(command: Command): Command {
  return command
    .option("--json", "Answer as one JSON document, errors too.")
    .option("-C, --worktree <folder>", "The work tree to speak of; default: the current folder.");
}

function operationContext(services: Services, call: Call): OperationContext {
  return {
    worktree: (path) => services.openWorktree(path, call.options.named),
    signal: call.signal,
    progress: (message) => call.progress.show(message),
    waitSeconds,
    lookEveryMs:
      call.options.pollSeconds === undefined ? undefined : call.options.pollSeconds * 1000,
    async confirm({ message, expected }) {
      if (!call.terminal.canAsk || call.options.json) return "no_way";
      call.progress.stop();
      const question = `${message}\nType ${expected} to agree: `;
      const typed = await call.terminal.ask(question, { hidden: false, signal: call.signal });
      return typed?.trim() === expected ? "agreed" : "declined";
    },
  };
}
