import { resolve } from "node:path";
import type { Environment } from "../config/environment.ts";
import { Connections } from "../forges/open.ts";
import { worktreeOpener } from "../operations/open-worktree.ts";
import { type Package, serveCommand } from "./package.ts";

/** How a process of the agent half gets at work trees and forges. */
export interface AgentHalf {
  readonly environment: Environment;
  readonly openWorktree: ReturnType<typeof worktreeOpener>;
  readonly connections: Connections;
  /** A path as given, from the folder on where relative paths begin. */
  pathOf(path: string | undefined): string;
}

/**
 * Ties the agent half together. `folder`: where relative paths begin; default: the current one.
 * `patienceMs`: how long a hosted forge that cannot be reached is tried.
 */
export function agentHalf(
  environment: Environment,
  own: Package,
  folder?: string,
  patienceMs?: number,
): AgentHalf {
  const { env, stateHome, baseUrl, agent } = environment;
  const cwd = resolve(environment.cwd, folder ?? ".");
  const options = {
    launcher: (stateDir: string) => serveCommand(own, stateDir),
    version: own.version,
    env,
    cwd,
    stateHome,
    baseUrl,
    agent,
    patienceMs,
  };
  return {
    environment,
    openWorktree: worktreeOpener(options),
    connections: new Connections(options),
    pathOf: (path) => resolve(cwd, path ?? "."),
  };
}
