import { LandError } from "../domain/errors.ts";

/**
 * The options of the two commands that run until they are told to stop. Their bundles read them
 * without the rest of the command line; help and docs are made of the same data.
 */
export interface LongOption {
  readonly name: string;
  /** What stands for its value; none = a flag, `[x]` = may be left out. */
  readonly value?: string;
  readonly description: string;
  /** For this kit's own use; not shown. */
  readonly hidden?: boolean;
}

export const serveOptions: readonly LongOption[] = [
  {
    name: "port",
    value: "<number>",
    description: "The port to listen on; default: the stored one.",
  },
  {
    name: "state",
    value: "<folder>",
    description: "The forge's state folder; default: that of the work tree's repository.",
  },
  { name: "detached", description: "Stop when idle; answer to nobody.", hidden: true },
  { name: "end-with-input", description: "Stop when standard input ends.", hidden: true },
];

export const mcpOptions: readonly LongOption[] = [
  {
    name: "http",
    value: "[port]",
    description:
      "Speak over HTTP on loopback instead of stdio. Address and bearer token are printed; LAND_MCP_TOKEN sets the token.",
  },
  {
    name: "wait",
    value: "<seconds>",
    description: "How long waiting tools wait unless told otherwise (45).",
  },
  { name: "read-only", description: "Only tools that change nothing." },
  { name: "tools", value: "<names>", description: "Only these tools, separated by commas." },
];

/** Options that every command has. */
const common: readonly LongOption[] = [
  { name: "worktree", value: "<folder>", description: "" },
  { name: "json", description: "" },
];

export interface ServeOptions {
  readonly worktree: string | undefined;
  readonly state: string | undefined;
  readonly port: number | undefined;
  readonly detached: boolean;
  readonly endWithInput: boolean;
}

export interface McpOptions {
  readonly worktree: string | undefined;
  /** Undefined: stdio. 0: any free port. */
  readonly httpPort: number | undefined;
  readonly waitSeconds: number | undefined;
  readonly readOnly: boolean;
  readonly tools: readonly string[] | undefined;
}

type Values = Readonly<Record<string, string | boolean | undefined>>;

/** Reads the words after `serve`. Throws `bad_argument`. */
export function readServeOptions(args: readonly string[]): ServeOptions {
  return serveOptionsOf(readWords("serve", args, serveOptions));
}

/** Reads the words after `mcp`. Throws `bad_argument`. */
export function readMcpOptions(args: readonly string[]): McpOptions {
  return mcpOptionsOf(readWords("mcp", args, mcpOptions));
}

/** The options from values by name, however they were read. */
export function serveOptionsOf(values: Values): ServeOptions {
  return {
    worktree: text(values.worktree),
    state: text(values.state),
    port: whole("port", values.port, 0, 65_535),
    detached: values.detached === true,
    endWithInput: values["end-with-input"] === true || values.endWithInput === true,
  };
}

export function mcpOptionsOf(values: Values): McpOptions {
  const tools = text(values.tools);
  return {
    worktree: text(values.worktree),
    httpPort: values.http === true ? 0 : whole("http", values.http, 0, 65_535),
    waitSeconds: whole("wait", values.wait, 1, 3600),
    readOnly: values["read-only"] === true || values.readOnly === true,
    tools: tools?.split(",").flatMap((name) => (name.trim() === "" ? [] : [name.trim()])),
  };
}

function text(value: string | boolean | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function whole(
  name: string,
  value: string | boolean | undefined,
  least: number,
  most: number,
): number | undefined {
  if (value === undefined || value === false) return undefined;
  const read = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (read >= least && read <= most) return read;
  throw wrong(`--${name} must be a whole number from ${least} to ${most}.`);
}

function readWords(
  command: string,
  args: readonly string[],
  own: readonly LongOption[],
): Record<string, string | boolean> {
  const options = [...own, ...common];
  const values: Record<string, string | boolean> = {};
  for (let at = 0; at < args.length; at += 1) {
    const word = args[at] ?? "";
    const [, name, given] =
      /^--([a-z-]+)(?:=([\s\S]*))?$/.exec(word === "-C" ? "--worktree" : word) ?? [];
    const option = options.find((one) => one.name === name);
    if (option === undefined) {
      const known = own.filter((one) => one.hidden !== true).map((one) => `--${one.name}`);
      throw wrong(`land ${command} does not know \`${word}\`; it knows ${known.join(", ")}.`);
    }
    const next = args[at + 1];
    if (option.value === undefined) {
      if (given !== undefined) throw wrong(`--${option.name} takes no value.`);
      values[option.name] = true;
    } else if (given !== undefined) {
      values[option.name] = given;
    } else if (next !== undefined && (option.value.startsWith("<") || !next.startsWith("-"))) {
      values[option.name] = next;
      at += 1;
    } else if (option.value.startsWith("[")) {
      values[option.name] = true;
    } else {
      throw wrong(`--${option.name} needs a value.`);
    }
  }
  return values;
}

function wrong(message: string): LandError {
  return new LandError("bad_argument", message, {
    state: "Nothing was started.",
    next: "`land serve --help` and `land mcp --help` show what they take.",
  });
}
