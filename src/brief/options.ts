import { parseArgs } from "node:util";
import { oneLine } from "../text/control.ts";
import { type Format, formats } from "./formats.ts";

/** What `agent-brief` takes, as its help and documents show it. */
export const briefOptions: readonly { readonly flag: string; readonly description: string }[] = [
  { flag: "--format <format>", description: `One of auto, ${formats.join(", ")}; default: auto.` },
  { flag: "--list", description: "The sections and where they come from; runs none of them." },
  { flag: "--section <name>", description: "One section, whole." },
  { flag: "--max-chars <number>", description: "Most characters of the brief; default: 9500." },
  { flag: "--timeout <seconds>", description: "Longest time for all sections; default: 12." },
  { flag: "-C, --worktree <folder>", description: "The work tree; default: the client's project." },
  { flag: "--help", description: "This help." },
  { flag: "--version", description: "The version." },
];

export const defaultMaxChars = 9500;
const defaultTimeoutSeconds = 12;

/** What a command line asks for. */
export interface BriefRequest {
  readonly act: "brief" | "list" | "help" | "version";
  readonly format: Format | "auto";
  readonly section: string | undefined;
  /** undefined: the default, or no limit for a single section. */
  readonly maxChars: number | undefined;
  readonly overallMs: number;
  readonly worktree: string | undefined;
  /** What was wrong with the command line. It never keeps the brief from being made. */
  readonly notes: readonly string[];
}

const known = {
  format: { type: "string" },
  list: { type: "boolean" },
  section: { type: "string" },
  "max-chars": { type: "string" },
  timeout: { type: "string" },
  worktree: { type: "string", short: "C" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean", short: "V" },
} as const;

/** Reads a command line. Never throws: what is wrong becomes a note, and the default counts. */
export function readRequest(args: readonly string[]): BriefRequest {
  const notes: string[] = [];
  const values = new Map<string, string | true>();
  const { tokens } = parseArgs({ args: [...args], options: known, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional") {
      notes.push(`${quoted(token.value)} was not understood and was ignored.`);
    } else if (!Object.hasOwn(known, token.name)) {
      notes.push(`There is no option ${quoted(token.rawName)}; it was ignored.`);
    } else values.set(token.name, token.value ?? true);
  }
  const given = (name: string): string | undefined => {
    const value = values.get(name);
    if (value !== true) return value;
    notes.push(`--${name} needs a value; it was ignored.`);
    return undefined;
  };
  return {
    act: actOf(values),
    format: formatOf(given("format"), notes),
    section: given("section")?.replace(/\.md$/, ""),
    maxChars: numberOf("max-chars", given("max-chars"), [200, 10_000_000], notes),
    overallMs:
      1000 * (numberOf("timeout", given("timeout"), [0.1, 600], notes) ?? defaultTimeoutSeconds),
    worktree: given("worktree"),
    notes,
  };
}

/** The help, from the same list as the documents. */
export function helpText(): string {
  const width = Math.max(...briefOptions.map(({ flag }) => flag.length));
  return [
    "Usage: agent-brief [options]",
    "",
    "Prints what an agent should know before its first step: rules, branch, CI, queue, questions.",
    "Its sections are files in briefs/. It always ends with exit code 0.",
    "",
    ...briefOptions.map(({ flag, description }) => `  ${flag.padEnd(width)}  ${description}`),
    "",
  ].join("\n");
}

function actOf(values: ReadonlyMap<string, string | true>): BriefRequest["act"] {
  if (values.has("help")) return "help";
  if (values.has("version")) return "version";
  return values.has("list") ? "list" : "brief";
}

function formatOf(value: string | undefined, notes: string[]): Format | "auto" {
  if (value === undefined || value === "auto") return "auto";
  const found = formats.find((format) => format === value);
  if (found === undefined) {
    notes.push(`There is no format ${quoted(value)}; they are auto, ${formats.join(", ")}.`);
  }
  return found ?? "auto";
}

function numberOf(
  name: string,
  value: string | undefined,
  [least, most]: readonly [number, number],
  notes: string[],
): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (value.trim() !== "" && number >= least && number <= most) return number;
  notes.push(`--${name} takes a number from ${least} to ${most}; ${quoted(value)} was ignored.`);
  return undefined;
}

function quoted(text: string): string {
  return JSON.stringify(oneLine(text).slice(0, 60));
}
