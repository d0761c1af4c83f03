import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import type { Argument, Command, Option } from "commander";
import { z } from "zod";
import { documentedProgram } from "../../scripts/cli-doc.ts";
import { exitCodes } from "../../src/cli/exit-codes.ts";
import { errorCodes } from "../../src/domain/errors.ts";
import { catalogue, operationForCommand } from "../../src/operations/catalogue.ts";
import { manifestPath } from "../../src/server/ci/select.ts";
import {
  bareArguments,
  codePieces,
  commandsOf,
  isPlaceholder,
  linksOf,
  type NamedCommand,
  type Piece,
  pathsOf,
  snakeWord,
  toolCall,
} from "./named-things.ts";
import { root, sourcesBelow } from "./sources.ts";

/** What really exists, taken from the code, and what of a text does not. */

const program = documentedProgram();
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly scripts: Readonly<Record<string, string>>;
  readonly bin: Readonly<Record<string, string>>;
};

/** The reference client's commands and their options; it is no part of this repository. */
const referenceClient: Readonly<Record<string, readonly string[]>> = {
  login: ["--nsec", "--nsec-file"],
  whoami: [],
  logout: [],
  status: [],
  wait: ["--poll-secs"],
  logs: ["--lane", "--lane-run-id"],
  merge: ["--force"],
  close: [],
  url: [],
  "fail-lane": ["--nightly-run-id", "--lane", "--lane-run-id"],
  "requeue-lane": ["--nightly-run-id", "--lane", "--lane-run-id"],
  "recover-run": ["--run-id", "--nightly-run-id"],
  "wake-ci": [],
};
const referenceOptions = ["--base-url", "--state-dir", "--help", "--version"];

/** Options of other programs that texts name alone. */
const optionsOfOthers = new Set(["--force", "--ignore-scripts", "--allow-all-tools"]);

/** What a text names and what is not there, a line each, beginning with the line's number. */
export function wrongNames(
  path: string,
  markdown: string,
  briefFlags?: readonly string[],
): string[] {
  const pieces = codePieces(markdown);
  const faults = [
    ...pieces.flatMap((piece) =>
      commandsOf(piece).flatMap((command) => told(command, faultOfCommand(command, briefFlags))),
    ),
    ...pieces.flatMap((piece) => told(piece, faultOfWord(piece, briefFlags))),
    ...pieces.flatMap(pathsOf).flatMap((piece) => told(piece, faultOfPath(piece.text))),
    ...linksOf(markdown).flatMap((link) => told(link, faultOfLink(path, link.text))),
    ...withWords(markdown),
    // The other documents speak of lanes' exit codes too.
    ...(path.startsWith("docs/") ? [] : exitCodesIn(markdown)),
  ];
  return [...new Set(faults)].toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
}

function told({ line }: { readonly line: number }, fault: string | undefined): string[] {
  return fault === undefined ? [] : [`${line}: ${fault}`];
}

function faultOfCommand(
  { program: name, words }: NamedCommand,
  briefFlags: readonly string[] | undefined,
): string | undefined {
  if (name === "land") return faultOfLand(words);
  if (name === "npm") return faultOfNpm(words);
  if (name === "ph") return faultOfReferenceClient(words);
  if (name !== "agent-brief" || briefFlags === undefined) return undefined;
  const unknown = flagsIn(words).find((flag) => !briefFlags.includes(flag));
  return unknown === undefined ? undefined : `agent-brief has no ${unknown}`;
}

function flagsIn(words: readonly string[]): string[] {
  return words.filter((word) => /^--?[a-z]/i.test(word)).map((word) => word.replace(/=.*/, ""));
}

/** Walks down the commands, as the parser would, but lets what must be given be left out. */
function faultOfLand(words: readonly string[]): string | undefined {
  let command = program;
  let places = 0;
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    if (word === "[options]") continue;
    if (/^--?[a-z]/i.test(word)) {
      const [flag = "", inline] = word.split("=", 2);
      if (flag === "--help") continue;
      const option = optionOf(command, flag);
      if (option === undefined) return `${pathOf(command)} has no ${flag}`;
      if (!option.required && !option.optional) continue;
      const next = words[at + 1];
      const value = inline ?? (next?.startsWith("--") === true ? undefined : next);
      if (inline === undefined && value !== undefined) at += 1;
      const wrong = wrongChoice(value, option.argChoices);
      if (wrong !== undefined) return `${pathOf(command)} ${flag} takes no ${wrong}`;
    } else if (command.commands.length > 0) {
      if (isPlaceholder(word)) return undefined;
      const below = command.commands.find((one) => one.name() === word);
      if (below === undefined) return `there is no ${pathOf(command)} ${word}`;
      command = below;
    } else {
      const place = command.registeredArguments[places];
      if (place === undefined) return `${pathOf(command)} takes no ${word}`;
      const wrong = wrongChoice(word, choicesOf(command, place));
      if (wrong !== undefined) return `${pathOf(command)} takes no ${wrong}`;
      if (!place.variadic) places += 1;
    }
  }
  return undefined;
}

function optionOf(command: Command, flag: string): Option | undefined {
  const own = command.options.find((option) => option.long === flag || option.short === flag);
  if (own !== undefined || command.parent === null) return own;
  const above = optionOf(command.parent, flag);
  return ["--json", "--worktree"].includes(above?.long ?? "") ? above : undefined;
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function choicesOf(command: Command, place: Argument): readonly string[] | undefined {
  return place.argChoices ?? enumsOf(operationForCommand(command.name())?.input)[place.name()];
}

/** Which of the words of `a|b` is no choice. */
function wrongChoice(
  value: string | undefined,
  choices: readonly string[] | undefined,
): string | undefined {
  if (value === undefined || choices === undefined || isPlaceholder(value)) return undefined;
  return value.split("|").find((word) => !choices.includes(word));
}

function faultOfNpm(words: readonly string[]): string | undefined {
  const [verb, ...rest] = words.filter((word) => !word.startsWith("-"));
  const name = verb === "test" ? "test" : verb === "run" ? rest[0] : undefined;
  if (name === undefined || isPlaceholder(name) || Object.hasOwn(manifest.scripts, name)) {
    return undefined;
  }
  return `there is no npm script ${name}`;
}

function faultOfReferenceClient(words: readonly string[]): string | undefined {
  const verb = words.find((word, at) => {
    const isValue = ["--base-url", "--state-dir"].includes(words[at - 1] ?? "");
    return !isValue && !word.startsWith("-");
  });
  const options = verb === undefined ? [] : referenceClient[verb];
  if (options === undefined) return `ph has no ${verb}`;
  const known = [...options, ...referenceOptions];
  const unknown = flagsIn(words).find((flag) => !known.includes(flag));
  return unknown === undefined ? undefined : `ph ${verb} has no ${unknown}`;
}

/** The part of a JSON schema that is looked at. */
interface SchemaPart {
  readonly properties?: Readonly<Record<string, SchemaPart>>;
  readonly items?: SchemaPart;
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly anyOf?: readonly SchemaPart[];
}

function partOf(schema: z.ZodType): SchemaPart {
  return z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as SchemaPart;
}

function enumsOf(schema: z.ZodType | undefined): Readonly<Record<string, readonly string[]>> {
  const { properties = {} } = schema === undefined ? {} : partOf(schema);
  return Object.fromEntries(
    Object.entries(properties).flatMap(([name, part]) =>
      part.enum === undefined ? [] : [[name, part.enum]],
    ),
  );
}

/** Names of properties and words that a schema knows, all the way down. */
function wordsOfSchema(part: SchemaPart): string[] {
  const { properties = {}, items, anyOf = [] } = part;
  return [
    ...Object.keys(properties),
    ...[...Object.values(properties), ...anyOf, ...(items === undefined ? [] : [items])].flatMap(
      wordsOfSchema,
    ),
    ...(part.enum ?? []),
    ...(part.const === undefined ? [] : [part.const]),
  ];
}

const tools = new Map(
  catalogue.flatMap((operation) =>
    operation.faces.tool === undefined ? [] : [[operation.faces.tool, operation] as const],
  ),
);

/** Words of the operations: tools, arguments, states, keys of answers, error codes. */
const operationWords = new Set<string>([
  ...tools.keys(),
  ...errorCodes,
  ...catalogue.flatMap(({ input, result }) =>
    [input, result].flatMap((schema) => wordsOfSchema(partOf(schema))),
  ),
]);

const sources = sourcesBelow("src");
/** Every snake_case word of the sources: settings, wire keys, reasons. */
const sourceWords = new Set(
  sources.flatMap(({ text }) => text.match(/[a-z][a-z0-9]*(?:_[a-z0-9]+)+/g) ?? []),
);

/** Settings of the reference that ours are compared with. */
const referenceSettings = new Set([
  "bind_address",
  "bind_port",
  "bootstrap_admin_npubs",
  "hook_url",
  "poll_interval_secs",
]);

/** Whether the operations know a word: as a tool, argument, state, action, key or code. */
export function isOperationWord(word: string): boolean {
  return operationWords.has(word);
}

/** What begins like a tool's name must be one, or another word of the operations. */
const toolVerbs = new Set([...tools.keys()].map((name) => name.split("_")[0]));

function faultOfWord(piece: Piece, briefFlags: readonly string[] | undefined): string | undefined {
  const call = toolCall(piece);
  if (call !== undefined) return faultOfCall(call.tool, call.json);
  const bare = bareArguments(piece);
  if (bare !== undefined) return faultOfArguments(bare);
  const word = snakeWord(piece);
  if (word !== undefined) {
    const known = toolVerbs.has(word.split("_")[0]) ? operationWords : sourceWords;
    if (referenceSettings.has(word)) return undefined;
    return known.has(word) ? undefined : `there is no tool, argument, state or code ${word}`;
  }
  if (/^--[a-z][\w-]*$/.test(piece.text)) return faultOfFlag(piece.text, briefFlags ?? []);
  const named = /^(?:(?:LAND|FORGE)_[A-Z_]+|land\.[a-zA-Z]+)$/.test(piece.text);
  const isThere = () => sources.some(({ text }) => text.includes(piece.text));
  return named && !isThere() ? `${piece.text} is read nowhere` : undefined;
}

function faultOfCall(tool: string, json: string): string | undefined {
  const operation = tools.get(tool);
  if (operation === undefined) return `there is no tool ${tool}`;
  const read = operation.input.safeParse(parse(json));
  return read.success ? undefined : `${tool} ${json}: ${read.error.issues[0]?.message}`;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}

function faultOfArguments(json: string): string | undefined {
  const given = parse(json);
  if (typeof given !== "object" || given === null) return undefined;
  const fits = [...tools.values()].some(
    ({ input }) =>
      Object.keys(given).every((key) => Object.hasOwn(input.shape, key)) &&
      input.partial().safeParse(given).success,
  );
  return fits ? undefined : `no tool takes ${json}`;
}

function faultOfFlag(flag: string, briefFlags: readonly string[]): string | undefined {
  const commands = [program, ...program.commands, ...program.commands.flatMap((c) => c.commands)];
  const known =
    optionsOfOthers.has(flag) ||
    briefFlags.includes(flag) ||
    commands.some((command) => optionOf(command, flag) !== undefined);
  return known ? undefined : `nothing here has ${flag}`;
}

/** "`tool` with `word`": an argument of it, or a word that one of its arguments takes. */
function withWords(markdown: string): string[] {
  return markdown.split("\n").flatMap((line, at) =>
    [...line.matchAll(/`([a-z]+(?:_[a-z]+)+)` with `([a-z_]+)`/g)].flatMap(
      ([, tool = "", word = ""]) => {
        const operation = tools.get(tool);
        if (operation === undefined) return [];
        const knows = wordsOfSchema(partOf(operation.input)).includes(word);
        return knows ? [] : [`${at + 1}: ${tool} knows no ${word}`];
      },
    ),
  );
}

function faultOfPath(path: string): string | undefined {
  // Other words that begin like this are parts of addresses.
  if (path.startsWith("ci/")) {
    const isRight = path === manifestPath || !path.endsWith(".toml");
    return isRight ? undefined : `CI's manifest is ${manifestPath}, not ${path}`;
  }
  if (path.startsWith("dist/") && path.endsWith(".js")) {
    return Object.values(manifest.bin).includes(path) ? undefined : `nothing builds ${path}`;
  }
  return path.startsWith("dist/") || existsSync(join(root, path))
    ? undefined
    : `there is no ${path}`;
}

function faultOfLink(from: string, target: string): string | undefined {
  const path = normalize(join(dirname(from), target));
  return existsSync(join(root, path)) ? undefined : `the link to ${target} leads nowhere`;
}

function exitCodesIn(markdown: string): string[] {
  const known: readonly number[] = Object.values(exitCodes).map(({ code }) => code);
  return markdown
    .split("\n")
    .flatMap((line, at) =>
      [...line.matchAll(/\bexit code (\d+)/gi)]
        .filter(([, code]) => !known.includes(Number(code)))
        .map(([words]) => `${at + 1}: there is no ${words}`),
    );
}
