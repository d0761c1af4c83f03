import { type Command, InvalidArgumentError, Option } from "commander";
import { LandError } from "../../domain/errors.ts";
import type { AnyOperation } from "../../operations/operation.ts";
import type { Face } from "../face.ts";
import { type ContextOf, runOperation } from "../operation-command.ts";

/**
 * The words of the reference client that are not ours: its commands on stuck CI, which are
 * `land recover` by other names, and an option of its `wait`.
 */
export interface ReferenceCommand {
  readonly name: string;
  readonly action: "fail" | "requeue" | "recover" | "wake";
  readonly description: string;
  readonly about: "lane" | "run" | "forge";
}

export const referenceCommands: readonly ReferenceCommand[] = [
  {
    name: "fail-lane",
    action: "fail",
    about: "lane",
    description: "Marks a queued or running lane as failed, as `land recover fail` does.",
  },
  {
    name: "requeue-lane",
    action: "requeue",
    about: "lane",
    description: "Puts a lane back into the queue, as `land recover requeue` does.",
  },
  {
    name: "recover-run",
    action: "recover",
    about: "run",
    description: "Requeues the lanes of a stuck run, as `land recover recover` does.",
  },
  {
    name: "wake-ci",
    action: "wake",
    about: "forge",
    description: "Makes the forge look at its branches and lanes now, as `land recover wake` does.",
  },
];

interface Given {
  readonly lane?: string;
  readonly laneRunId?: string;
  readonly runId?: string;
  readonly nightlyRunId?: string;
}

/** Adds one of the reference client's commands, carried out by the operation behind `recover`. */
export function addReferenceCommand(
  command: Command,
  one: ReferenceCommand,
  face: Face,
  contextOf: ContextOf,
  operations: readonly AnyOperation[],
): void {
  command.description(one.description);
  if (one.about !== "forge") addSubject(command, one.about);
  command.action(() =>
    face((call) => {
      const recover = operations.find(({ faces }) => faces.command === "recover");
      if (recover === undefined) throw new LandError("unsupported", "Nothing can be recovered.");
      const branch: unknown = command.processedArgs[0];
      const given = argumentsOf(one, branch, command.opts<Given>());
      return runOperation("recover", recover, given, call, contextOf);
    }),
  );
}

function addSubject(command: Command, about: "lane" | "run"): void {
  command.argument("[branch]", "Name or number; default: the checked-out one.");
  const number = (flags: string, description: string) =>
    command.addOption(new Option(flags, description).argParser(readId));
  if (about === "lane") {
    command.option("--lane <text>", "The lane by its name; its newest run is meant.");
    number("--lane-run-id <number>", "A lane of one run, by its id.");
  } else {
    number("--run-id <number>", "The run; default: the one that decides about the head.");
  }
  number("--nightly-run-id <number>", "A nightly run instead of a branch.");
}

function argumentsOf(
  { action, about }: ReferenceCommand,
  branch: unknown,
  given: Given,
): Record<string, unknown> {
  const { laneRunId, runId, nightlyRunId } = given;
  const lane = given.lane?.trim() || undefined;
  if (about === "lane" && (lane === undefined) === (laneRunId === undefined)) {
    throw usage("Pass exactly one of --lane and --lane-run-id.");
  }
  if (nightlyRunId !== undefined && (branch !== undefined || runId !== undefined)) {
    throw usage("--nightly-run-id is instead of a branch and of --run-id.");
  }
  const named = { branch, lane, lane_run: laneRunId, run: runId, nightly: nightlyRunId };
  const said = Object.entries(named).filter(([, value]) => value !== undefined);
  return { action, ...Object.fromEntries(said) };
}

/** Adds what the reference client's `wait` takes beside ours. */
export function addReferenceWords(program: Command): void {
  const wait = program.commands.find((command) => command.name() === "wait");
  wait?.addOption(
    new Option(
      "--poll-secs <number>",
      "Look at least so often, in seconds; a forge that tells of changes is looked at sooner.",
    ).argParser(readSeconds),
  );
}

function readId(text: string): string {
  if (/^#?\d{1,16}$/.test(text.trim())) return text.trim().replace(/^#/, "");
  throw new InvalidArgumentError("Not a number.");
}

/** Never more often than once a second. */
function readSeconds(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Math.max(1, Number(text));
  throw new InvalidArgumentError("Not a number of seconds.");
}

function usage(message: string): LandError {
  return new LandError("bad_argument", message, {
    state: "Nothing was done.",
    next: "Call again with that put right; `--help` shows what the command takes.",
  });
}
