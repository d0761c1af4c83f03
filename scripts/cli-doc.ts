import type { Command } from "commander";
import { createProgram } from "../src/cli/program.ts";
import { cliReference } from "../src/cli/reference.ts";
import type { Services } from "../src/cli/services.ts";
import { catalogue } from "../src/operations/catalogue.ts";

/** docs/cli.md. */
export function cliDocument(): string {
  return cliReference(documentedProgram());
}

/** The command line to be looked at: definitions alone, no command of it can run. */
export function documentedProgram(): Command {
  const why = "Nothing runs while documents are made.";
  const services = { ...unusedServices(why), operations: catalogue };
  const act = () => Promise.reject(new Error(why));
  return createProgram(services, { act, endWith: act, output: {} });
}

/** Services that may be asked for nothing; `why` is what they fail with. */
export function unusedServices(why: string): Services {
  const unused = () => Promise.reject(new Error(why));
  return {
    version: "0.0.0",
    operations: [],
    openWorktree: unused,
    doctor: unused,
    readRoadmap: unused,
    serve: unused,
    mcp: unused,
    local: {
      init: unused,
      offer: unused,
      writeManifest: unused,
      landUntested: unused,
      stop: unused,
      env: { list: unused, set: unused, unset: unused },
      mirror: { status: unused, sync: unused, set: unused },
    },
    logins: { login: unused, logout: unused },
    setups: { plan: unused, survey: unused },
    hosting: { authorizedKeys: unused, gitShell: unused },
  };
}
