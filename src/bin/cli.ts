import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { McpOptions, ServeOptions } from "../cli/long-running.ts";
import { runCli } from "../cli/run.ts";
import type { Services } from "../cli/services.ts";
import { terminalOf } from "../cli/terminal.ts";
import { type Environment, readEnvironment } from "../config/environment.ts";
import { lookAround } from "../doctor/look.ts";
import { forgesRoot } from "../local/layout.ts";
import { catalogue } from "../operations/catalogue.ts";
import { readRoadmap } from "../roadmap/read.ts";
import { type AgentHalf, agentHalf } from "./agent-half.ts";
import { hostingOf } from "./hosting.ts";
import { localForges } from "./local-forges.ts";
import { loginsOf } from "./logins.ts";
import { ownPackage, type Package } from "./package.ts";
import { endProcess } from "./report.ts";
import { setupsOf } from "./setups.ts";
import { stopSignals } from "./stop-signals.ts";

/** The launcher's way in for every command but the two that have bundles of their own. */
export async function main(args: readonly string[]): Promise<void> {
  await endProcess(async () => {
    const environment = readEnvironment();
    const terminal = terminalOf(process, environment.isCi);
    const signal = stopSignals();
    return runCli(args, { terminal, services: services(environment, signal), signal });
  });
}

/** Ties the command line's services together. `agent`: given where others share its connections. */
export function services(
  environment: Environment,
  signal: AbortSignal,
  agent: AgentHalf = agentHalf(environment, ownPackage()),
): Services {
  const own = ownPackage();
  return {
    version: own.version,
    operations: catalogue,
    openWorktree: (path, named) => agent.openWorktree(path, signal, named),
    local: localForges(agent),
    logins: loginsOf(agent),
    setups: setupsOf(agent, own),
    hosting: hostingOf(environment, signal),
    doctor: (path, its) =>
      lookAround(
        {
          path: agent.pathOf(path),
          stateFolder: forgesRoot(environment.stateHome),
          env: environment.env,
          version: own.version,
          storeProblem: async (file) => (await forgesEyes(own)).storeProblem(file),
          lookAtManifest: async (worktree) => (await forgesEyes(own)).lookAtManifest(worktree),
          node: { version: process.versions.node, execPath: process.execPath },
        },
        its,
      ),
    readRoadmap: (path, its) =>
      readRoadmap({ folder: agent.pathOf(path), env: environment.env }, its),
    serve: async (options) => {
      const { serve } = (await bundle(own, "serve")) as {
        serve(options: ServeOptions): Promise<number>;
      };
      return serve(options);
    },
    mcp: async (options) => {
      const { mcp } = (await bundle(own, "mcp")) as { mcp(options: McpOptions): Promise<number> };
      return mcp(options);
    },
  };
}

/** What a forge itself knows of its store and of manifests. */
async function forgesEyes(own: Package) {
  return (await bundle(own, "serve")) as Pick<
    typeof import("./serve.ts"),
    "storeProblem" | "lookAtManifest"
  >;
}

/** A bundle beside ours, loaded only when its command is wanted. */
function bundle(own: Package, name: string): Promise<unknown> {
  return import(pathToFileURL(join(own.root, "dist", `${name}.js`)).href);
}
