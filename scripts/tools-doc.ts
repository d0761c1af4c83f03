// Writes docs/tools.md from the catalogue, so that what is told of the tools is what they are.
import { z } from "zod";
import { catalogue } from "../src/operations/catalogue.ts";
import type { AnyOperation } from "../src/operations/operation.ts";

/** The part of JSON schema that zod writes and this document reads. */
interface Schema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly const?: unknown;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly anyOf?: readonly Schema[];
  readonly additionalProperties?: unknown;
}

/** The whole of docs/tools.md. */
export function toolsDocument(): string {
  const tools = catalogue.filter((operation) => operation.faces.tool !== undefined);
  return [
    "# Tools",
    "",
    "Written by `npm run generate` from `src/operations/`; change it there.",
    "",
    "Each tool takes `worktree`, a path in the repository it speaks of (default: the folder where the server was started), and its answer names the worktree, branch and forge. Answers are given twice with the same facts: as `structuredContent` of the shape below, and as text. An answer has at most 12,000 bytes unless more was asked for, and what was left out is said.",
    "",
    'An error is a result with `isError` and `{"error": {"code", "message", "state", "next", …}}`: what happened, how things stand, and what to do next. Unknown arguments and arguments of a wrong type are such an error (`bad_argument`).',
    "",
    "| Tool | CLI | changes things | `state` |",
    "|---|---|---|---|",
    ...tools.map(overviewRow),
    "",
    ...tools.flatMap(sectionOf),
  ].join("\n");
}

function overviewRow(operation: AnyOperation): string {
  const { tool, command } = operation.faces;
  const cells = [
    `[\`${tool}\`](#${tool})`,
    command === undefined ? "" : code(command === "land" ? "land" : `land ${command}`),
    operation.hints.readOnly ? "no" : operation.hints.destructive ? "yes, for good" : "yes",
    statesOf(operation).map(code).join(" ") || "–",
  ];
  return `| ${cells.join(" | ")} |`;
}

function sectionOf(operation: AnyOperation): readonly string[] {
  const input = schemaOf(operation.input, "input");
  const names = Object.keys(input.properties ?? {}).filter((name) => name !== "worktree");
  return [
    `## ${operation.faces.tool}`,
    "",
    operation.summary,
    "",
    `Hints: ${hintsOf(operation)}.`,
    "",
    ...(names.length === 0
      ? ["No arguments beside `worktree`."]
      : [
          "| Argument | Type | |",
          "|---|---|---|",
          ...names.map((name) => argumentRow(name, input)),
        ]),
    "",
    operation.textOnly === true
      ? "The answer is text alone; the log in it stands between two lines with a nonce. Its parts:"
      : "Answer:",
    "",
    "```ts",
    typeText(schemaOf(operation.result, "output"), ""),
    "```",
    "",
  ];
}

function hintsOf({ hints }: AnyOperation): string {
  return [
    hints.readOnly ? "read-only" : "changes things",
    hints.destructive ? "destructive" : "not destructive",
    hints.idempotent ? "idempotent" : "not idempotent",
  ].join(", ");
}

function argumentRow(name: string, input: Schema): string {
  const schema = input.properties?.[name] ?? {};
  const type = typeText(schema, "").replaceAll("\n", " ").replaceAll(/\s+/g, " ");
  const required = input.required?.includes(name) === true ? "Required." : "";
  const bounds = boundsOf(schema);
  const described = schema.description === undefined ? "" : `${schema.description}.`;
  const words = [required, described, bounds].filter((part) => part !== "");
  return `| \`${name}\` | ${code(type.replaceAll("|", "\\|"))} | ${words.join(" ")} |`;
}

function boundsOf({ minimum, maximum }: Schema): string {
  const most = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  if (minimum === undefined) return "";
  return most === undefined ? `From ${minimum}.` : `${minimum} to ${most}.`;
}

function statesOf(operation: AnyOperation): readonly string[] {
  const state = schemaOf(operation.result, "output").properties?.state;
  if (state?.const !== undefined) return [String(state.const)];
  return operation.faces.tool === "list_branches" ? [] : (state?.enum ?? []);
}

/** A schema as a type is written, since that is the shortest way to read one. */
function typeText(schema: Schema, indent: string): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((word) => JSON.stringify(word)).join(" | ");
  if (schema.anyOf !== undefined) {
    return schema.anyOf.map((one) => typeText(one, indent)).join(" | ");
  }
  if (schema.type === "array") return `${inBrackets(typeText(schema.items ?? {}, indent))}[]`;
  if (schema.properties !== undefined) return objectText(schema, indent);
  if (schema.type === "object") return "{ [key: string]: unknown }";
  if (schema.type === "integer" || schema.type === "number") return "number";
  return schema.type ?? "unknown";
}

function objectText(schema: Schema, indent: string): string {
  const inner = `${indent}  `;
  const lines = Object.entries(schema.properties ?? {}).map(([name, held]) => {
    const optional = schema.required?.includes(name) === true ? "" : "?";
    return `${inner}${name}${optional}: ${typeText(held, inner)};`;
  });
  return ["{", ...lines, `${indent}}`].join("\n");
}

function inBrackets(type: string): string {
  return !type.startsWith("{") && type.includes(" | ") ? `(${type})` : type;
}

function schemaOf(type: z.ZodType, io: "input" | "output"): Schema {
  return z.toJSONSchema(type, { io, unrepresentable: "any" }) as Schema;
}

function code(text: string): string {
  return `\`${text}\``;
}
