import { createProgram } from "../src/cli/program.ts";
import { cliReference } from "../src/cli/reference.ts";
import type { Services } from "../src/cli/services.ts";
import { catalogue } from "../src/operations/catalogue.ts";

/** docs/cli.md. Definitions alone are looked at; no command is run. */
export function cliDocument(): string {
  const unused = () => Promise.reject(new Error("Nothing runs while documents are made."));
  const services: Services = {
    version: "0.0.0",
    operations: catalogue,
    openWorktree: unused,
    doctor: unused,
    serve: unused,
    mcp: unused,
    local: {
      init: unused,
      offer: unused,
      writeManifest: unused,
      landUntested: unused,
      stop: unused,
      env: { list: unused, set: unused, unset: unused },
    },
    logins: { login: unused, logout: unused },
  };
  return cliReference(createProgram(services, { act: unused, endWith: unused, output: {} }));
}
