import { type JSONVisitor, visit } from "jsonc-parser";
import type { Client } from "./shapes.ts";
import { lineAt } from "./text-edit.ts";

/** What a JSON file may have that strict JSON does not know. */
export type Extra = "comment" | "trailing comma" | "byte order mark";

/** What a client takes in one of its files. */
export interface Dialect {
  readonly client: string;
  readonly takes: readonly Extra[];
  /** What the client does while the file has anything else. */
  readonly otherwise: string;
  /** Whether the real client was seen to do so; else it is only feared. */
  readonly tried: boolean;
}

const all: readonly Extra[] = ["comment", "trailing comma", "byte order mark"];

function seen(client: string, takes: readonly Extra[], otherwise = ""): Dialect {
  return { client, takes, otherwise, tried: true };
}

/** Copilot CLI reads servers leniently and hooks strictly; VS Code reads the same hooks. */
const copilotHooks = seen("Copilot CLI", [], "runs no hook of it");
const gemini = seen("Gemini CLI", ["comment"], "does not start");
const cursor: Dialect = {
  client: "Cursor",
  takes: [],
  otherwise: "may load nothing of it",
  tried: false,
};

const dialects: Readonly<Record<Client, Partial<Record<"mcp" | "hook", Dialect>>>> = {
  "claude-code": {
    mcp: seen("Claude Code", ["byte order mark"], "takes it for damaged"),
    hook: seen("Claude Code", ["byte order mark"], "loads nothing of it"),
  },
  codex: { hook: seen("Codex", [], "runs no hook of it") },
  gemini: { mcp: gemini, hook: gemini },
  copilot: { mcp: seen("Copilot CLI", all), hook: copilotHooks },
  cursor: { mcp: cursor, hook: cursor },
  vscode: { hook: { ...copilotHooks, client: "VS Code", tried: false } },
  opencode: { mcp: seen("OpenCode", all) },
};

/** What a client takes in the file of that role; undefined where that is all of JSON with comments. */
export function dialectOf(client: Client, role: "mcp" | "hook"): Dialect | undefined {
  return dialects[client][role];
}

/** Why a client could not read a file as it is, with the line where one is to blame. */
export interface Unreadable {
  readonly why: string;
  readonly line: number | undefined;
}

/** Holds a JSON text against what a client takes. `bom`: whether a byte order mark came before it. */
export function unreadableFor(
  dialect: Dialect,
  text: string,
  bom: boolean,
): Unreadable | undefined {
  const { client, takes, otherwise } = dialect;
  const because = (extra: Extra, line?: number): Unreadable => ({
    why: `${client} ${otherwise} while it has a ${extra}`,
    line,
  });
  if (bom && !takes.includes("byte order mark")) return because("byte order mark");
  const found = extrasIn(text).find(({ extra }) => !takes.includes(extra));
  return found === undefined ? undefined : because(found.extra, lineAt(text, found.offset));
}

/** What a text has beyond strict JSON, in the order in which it is met. */
function extrasIn(text: string): readonly { readonly extra: Extra; readonly offset: number }[] {
  const extras: { extra: Extra; offset: number }[] = [];
  let comma: number | undefined;
  const begin = () => {
    comma = undefined;
  };
  const end = () => {
    if (comma !== undefined) extras.push({ extra: "trailing comma", offset: comma });
    comma = undefined;
  };
  const visitor: JSONVisitor = {
    onComment: (offset) => extras.push({ extra: "comment", offset }),
    onSeparator: (character, offset) => {
      comma = character === "," ? offset : undefined;
    },
    onObjectProperty: begin,
    onLiteralValue: begin,
    onObjectBegin: begin,
    onArrayBegin: begin,
    onObjectEnd: end,
    onArrayEnd: end,
  };
  visit(text, visitor, { allowTrailingComma: true });
  return extras;
}
