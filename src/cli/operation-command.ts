import { type Command, InvalidArgumentError, Option } from "commander";
import { z } from "zod";
import { LandError } from "../domain/errors.ts";
import type { AnyOperation, OperationContext } from "../operations/operation.ts";
import { perform } from "../operations/perform.ts";
import { endingOfAnswer } from "./exit-codes.ts";
import type { Answer, Call, Face } from "./face.ts";

/** Arguments that a command takes by position rather than by name. */
const positional: Readonly<Record<string, readonly string[]>> = {
  recover: ["action", "branch"],
  target: ["action"],
  members: ["action", "member"],
  tokens: ["action", "token"],
  audit: [],
  nightly: ["nightly"],
};
const usualPositional: readonly string[] = ["branch"];

/** What tools leave out, since every byte of theirs travels with each conversation. */
const usualDescriptions: Readonly<Record<string, string>> = {
  abort: "Give up the rebase; the branch is as it was before.",
  continue: "Go on with the rebase after its conflicts are solved.",
  cursor: "Where the page before ended.",
  dry_run: "Show the plan; change nothing.",
  force:
    "Merge without green CI: the owner's right, at a terminal, after typing the branch's number.",
  head: "The full commit id that the branch must be at.",
  lane: "A lane by its name in the manifest.",
  lane_run: "A lane of one run, by its id.",
  ci_target: "A CI target, by its key; what `reset_health` is about.",
  limit: "At most so many.",
  max_seconds: "Longest wait.",
  merge: "Stop when CI is green; do not merge.",
  reason: "Why; it is recorded.",
  run: "A run by its id.",
  nightly: "A nightly run by its number, instead of a branch.",
  target: "The branch to land on; the forge has one, another is refused.",
};

/** What the reference client calls an argument of ours; both are taken. */
const referenceFlags: Readonly<Record<string, string>> = {
  lane_run: "lane-run-id",
  run: "run-id",
  nightly: "nightly-run-id",
};

/** Longest document a command reads from standard input. */
const maxDocumentBytes = 1024 * 1024;

/** One argument of an operation, as its schema tells it. */
interface Argument {
  readonly name: string;
  readonly kind: "flag" | "number" | "text" | "document";
  readonly choices: readonly string[] | undefined;
  readonly required: boolean;
  readonly description: string;
}

/** The part of a JSON schema that options are made of. */
interface SchemaPart {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly description?: string;
}

/** What an operation needs to run; made anew for each call. */
export type ContextOf = (call: Call) => OperationContext;

/**
 * Adds a command for an operation. Its options come from the operation's own input schema, so that
 * its contract is written once.
 */
export function addOperation(
  command: Command,
  name: string,
  operation: AnyOperation,
  face: Face,
  contextOf: ContextOf,
): Command {
  const byPosition = name === "land" ? [] : (positional[name] ?? usualPositional);
  const all = argumentsOf(operation);
  const places = byPosition.flatMap((wanted) => all.filter((one) => one.name === wanted));
  command.description(inOptionWords(operation.summary, all, places));
  for (const one of places) {
    command.argument(one.required ? `<${one.name}>` : `[${one.name}]`, describe(one));
  }
  for (const one of all) {
    if (!places.includes(one)) for (const option of optionsOf(one)) command.addOption(option);
  }
  command.action(async () => {
    const given = givenArguments(command, places, all);
    await face((call) => runOperation(name, operation, given, call, contextOf));
  });
  return command;
}

/** A tool's description names its arguments; on a command line most of them are options. */
function inOptionWords(
  text: string,
  all: readonly Argument[],
  places: readonly Argument[],
): string {
  return text.replaceAll(/`([a-z_]+)`/g, (word, name: string) => {
    const one = all.find((argument) => argument.name === name);
    return one === undefined || places.includes(one) ? word : `\`--${flagOf(one)}\``;
  });
}

function flagOf(one: Argument): string {
  return one.name.replaceAll("_", "-");
}

function argumentsOf(operation: AnyOperation): Argument[] {
  const schema = z.toJSONSchema(operation.input, { io: "input", unrepresentable: "any" });
  const required = new Set(schema.required ?? []);
  return Object.entries((schema.properties ?? {}) as Record<string, SchemaPart>)
    .filter(([name]) => name !== "worktree")
    .map(([name, part]) => ({
      name,
      kind: kindOf(part),
      choices: part.enum,
      required: required.has(name),
      description: descriptionOf(name, part),
    }));
}

/** A flag's own words on a command line, where it is a bare word; else the tool's, if it has any. */
function descriptionOf(name: string, part: SchemaPart): string {
  const usual = usualDescriptions[name];
  return (kindOf(part) === "flag" ? usual : undefined) ?? part.description ?? usual ?? "";
}

function kindOf(part: SchemaPart): Argument["kind"] {
  if (part.type === "boolean") return "flag";
  if (part.type === "integer" || part.type === "number") return "number";
  return part.type === "string" || part.enum !== undefined ? "text" : "document";
}

function describe(one: Argument): string {
  const choices = one.choices === undefined ? "" : `One of ${one.choices.join(", ")}.`;
  const document = one.kind === "document" ? "JSON; `-` reads it from standard input." : "";
  const own = one.description === "" ? "" : `${one.description.replace(/\.$/, "")}.`;
  return [own, choices, document].filter((part) => part !== "").join(" ");
}

/** Flags that are asked for by switching them off: they are on unless an option says otherwise. */
const onByDefault = new Set(["merge"]);

function optionsOf(one: Argument): Option[] {
  const flag = flagOf(one);
  if (one.kind === "flag") {
    return [new Option(onByDefault.has(one.name) ? `--no-${flag}` : `--${flag}`, describe(one))];
  }
  const value = one.kind === "number" ? "number" : one.kind === "document" ? "json" : "text";
  const option = new Option(`--${flag} <${value}>`, describe(one));
  if (one.choices !== undefined) option.choices(one.choices);
  if (one.kind === "number") option.argParser(readNumber);
  const alias = referenceFlags[one.name];
  return [
    option.makeOptionMandatory(one.required),
    ...(alias === undefined ? [] : [new Option(`--${alias} <${value}>`).hideHelp()]),
  ];
}

function readNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value))
    throw new InvalidArgumentError("Not a number.");
  return value;
}

/** The key that commander keeps an option under. */
function keyOf(name: string): string {
  return name.replaceAll(/[_-]([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** What the command line gave, by the operation's own names. Absent arguments stay absent. */
function givenArguments(
  command: Command,
  places: readonly Argument[],
  all: readonly Argument[],
): Record<string, unknown> {
  const values = command.opts<Record<string, unknown>>();
  const given: Record<string, unknown> = {};
  for (const one of all) {
    const at = places.indexOf(one);
    const alias = referenceFlags[one.name];
    const byName =
      values[keyOf(one.name)] ?? (alias === undefined ? undefined : values[keyOf(alias)]);
    const value = at === -1 ? byName : command.processedArgs[at];
    const untouched = onByDefault.has(one.name) && one.kind === "flag" && value === true;
    if (value !== undefined && !untouched) given[one.name] = value;
  }
  return given;
}

/** Carries an operation out with arguments by its own names. */
export async function runOperation(
  name: string,
  operation: AnyOperation,
  given: Readonly<Record<string, unknown>>,
  call: Call,
  contextOf: ContextOf,
): Promise<Answer> {
  const documents = argumentsOf(operation).filter((one) => one.kind === "document");
  const read: Record<string, unknown> = { ...given };
  for (const { name: key } of documents) {
    if (typeof read[key] === "string") read[key] = await readDocument(read[key], call);
  }
  if (call.options.worktree !== undefined) read.worktree = call.options.worktree;
  const performed = await perform(operation, contextOf(call), read);
  if (!performed.done) throw performed.error;
  return {
    facts: performed.result,
    text: performed.text,
    ending: endingOfAnswer(name, performed.result),
    verbatim: operation.textOnly === true,
  };
}

async function readDocument(given: string, call: Call): Promise<unknown> {
  const text = given === "-" ? await call.terminal.readAll(maxDocumentBytes) : given;
  try {
    return JSON.parse(text ?? "") as unknown;
  } catch {
    throw new LandError("bad_argument", "The given document is not JSON.", {
      state: "Nothing was done.",
      next: "Give a JSON document, or `-` and the document on standard input (at most 1 MiB).",
    });
  }
}
