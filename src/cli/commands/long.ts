import { type Command, Option } from "commander";
import {
  type LongOption,
  mcpOptions,
  mcpOptionsOf,
  serveOptions,
  serveOptionsOf,
} from "../long-running.ts";
import type { Services } from "../services.ts";

type Values = Readonly<Record<string, string | boolean | undefined>>;

/** Ends a command that has no answer of its own with an exit code. */
export type EndWith = (run: (values: Values) => Promise<number>) => Promise<void>;

/** `land serve`: the local forge in the foreground. */
export function addServe(command: Command, endWith: EndWith, services: Services): void {
  command
    .description(
      "Serves this repository's local forge in the foreground, until Ctrl-C. It never stops for being idle, and schedules run.",
    )
    .action(() => endWith((values) => services.serve(serveOptionsOf(values))));
  addOptions(command, serveOptions);
}

/** `land mcp`: the same operations as tools of an MCP server. */
export function addMcp(command: Command, endWith: EndWith, services: Services): void {
  command
    .description("Serves the operations as MCP tools, over stdio unless told otherwise.")
    .action(() => endWith((values) => services.mcp(mcpOptionsOf(values))));
  addOptions(command, mcpOptions);
}

function addOptions(command: Command, options: readonly LongOption[]): void {
  for (const one of options) {
    const flags = one.value === undefined ? `--${one.name}` : `--${one.name} ${one.value}`;
    command.addOption(new Option(flags, one.description).hideHelp(one.hidden === true));
  }
}
