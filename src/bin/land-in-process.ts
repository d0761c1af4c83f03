import { resolve } from "node:path";
import type { LandRunner } from "../brief/run-section.ts";
import { runCli } from "../cli/run.ts";
import type { Terminal } from "../cli/terminal.ts";
import { operationForCommand } from "../operations/catalogue.ts";
import type { Worktree } from "../operations/worktree.ts";
import type { AgentHalf } from "./agent-half.ts";
import { services } from "./cli.ts";

/** Commands beside the operations that only look. */
const looking: readonly string[] = [
  "whoami",
  "roadmap",
  "doctor",
  "url",
  "help",
  "--help",
  "--version",
];

/** Whether a command line of `land` changes nothing, so that it may run inside another command. */
export function changesNothing(args: readonly string[]): boolean {
  const [word = ""] = args;
  return looking.includes(word) || operationForCommand(word)?.hints.readOnly === true;
}

/**
 * The agent half as several commands share it that only look, all at one moment: each work tree is
 * opened once, and git is asked once how it stands.
 */
export function sharedAgentHalf(agent: AgentHalf, signal: AbortSignal): AgentHalf {
  const open = new Map<string, Promise<Worktree>>();
  return {
    ...agent,
    openWorktree: (path) => {
      const folder = agent.pathOf(path);
      const known = open.get(folder) ?? agent.openWorktree(folder, signal).then(seenOnce(signal));
      open.set(folder, known);
      return known;
    },
  };
}

function seenOnce(signal: AbortSignal): (worktree: Worktree) => Worktree {
  return (worktree) => {
    let seen: ReturnType<Worktree["copy"]["state"]> | undefined;
    const state = () => {
      seen ??= worktree.copy.state(signal);
      return seen;
    };
    return { ...worktree, copy: { ...worktree.copy, state } };
  };
}

/** Runs commands of `land` in this process that change nothing; any other is refused. */
export function landInProcess(agent: AgentHalf): LandRunner {
  return (args, signal) => {
    if (!changesNothing(args)) return undefined;
    const written = { out: "", err: "" };
    const its = services(agent.environment, signal, agent);
    return runCli(args, { terminal: keeping(written), services: its, signal }).then((code) => ({
      code,
      ...written,
    }));
  };
}

/** A terminal that nobody watches. Of what is not the answer only the last word counts. */
function keeping(written: { out: string; err: string }): Terminal {
  return {
    out: (text) => {
      written.out += text;
    },
    err: (text) => {
      written.err = text;
    },
    live: false,
    canAsk: false,
    columns: () => 100,
    ask: async () => undefined,
    readAll: async () => "",
  };
}

/** A folder as given, else the one that the client names as its project, else the current one. */
export function startFolder(
  cwd: string,
  given: string | undefined,
  projects: readonly string[],
  isFolder: (path: string) => boolean,
): string {
  if (given !== undefined) return resolve(cwd, given);
  const project = projects.map((path) => resolve(cwd, path)).find(isFolder);
  if (project === undefined) return cwd;
  // A client may work in one of the worktrees inside its project.
  return `${cwd}/`.startsWith(`${project}/`) ? cwd : project;
}
