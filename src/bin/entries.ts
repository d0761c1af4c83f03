/** The bundles behind the launcher, each with what its commands need and no more. */
export type Entry = "cli" | "mcp" | "serve";

/**
 * Which bundle a command line is for. The two long-running commands have their own when they come
 * first; anything else, and any wish for help, is the command line's.
 */
export function entryFor(args: readonly string[]): Entry {
  const first = args[0];
  if (first !== "mcp" && first !== "serve") return "cli";
  return args.includes("--help") || args.includes("-h") ? "cli" : first;
}
