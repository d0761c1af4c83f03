import { statSync } from "node:fs";
import { join } from "node:path";
import { type Brief, makeBrief } from "../brief/brief.ts";
import { type Format, formatFrom, inFormat, projectFolders } from "../brief/formats.ts";
import { type BriefRequest, helpText, readRequest } from "../brief/options.ts";
import { nestedMark } from "../brief/run-section.ts";
import { type Environment, readEnvironment } from "../config/environment.ts";
import { systemClock } from "../forges/clock.ts";
import { ensurePrivateFolder, writePrivateFile } from "../identity/private-file.ts";
import { asLandError, errorView, renderError } from "../operations/errors.ts";
import { Captures } from "../process/capture.ts";
import { agentHalf } from "./agent-half.ts";
import { landInProcess, sharedAgentHalf, startFolder } from "./land-in-process.ts";
import { ownPackage, type Package } from "./package.ts";

/** How long after its own deadline the brief is waited for at most. */
const patienceMs = 1500;
/** How long a hosted forge that cannot be reached is tried: a session should not begin late. */
const networkPatienceMs = 1500;
/** How long whoever stopped us may still have to wait. */
const stopPatienceMs = 700;

/**
 * The launcher's way in. Prints one brief and ends with exit code 0, whatever happens: also when it
 * is told to stop, when its reader goes away, and when something in it fails.
 */
export async function main(args: readonly string[]): Promise<void> {
  const end = () => process.exit(0);
  process.stdout.on("error", end);
  process.stderr.on("error", end);
  const request = readRequest(args);
  const captures = new Captures();
  const stop = new AbortController();
  /** What still runs once the brief is printed is ended with it. */
  const over = new AbortController();
  let format: Format = "text";
  let isPrinted = false;
  const print = async (brief: Brief) => {
    if (isPrinted) return;
    isPrinted = true;
    const text = inFormat(brief.text, format, brief.facts);
    over.abort();
    await captures.endAll();
    process.stdout.write(text, end);
  };
  const printFailure = (thrown: unknown) => void print(failureOf(thrown));
  process.on("uncaughtException", printFailure);
  for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    process.removeAllListeners(name);
    process.on(name, () => {
      if (stop.signal.aborted) end();
      stop.abort(name);
      setTimeout(printFailure, stopPatienceMs, new Error("it was told to stop"));
    });
  }
  setTimeout(printFailure, request.overallMs + patienceMs, new Error("it took too long"));
  try {
    const environment = readEnvironment();
    const signal = AbortSignal.any([stop.signal, over.signal]);
    format = formatOf(request, environment);
    await print(await briefFor(request, environment, format, captures, signal));
  } catch (error) {
    printFailure(error);
  }
}

function formatOf(request: BriefRequest, { env }: Environment): Format {
  if (request.act === "help" || request.act === "version") return "text";
  if (request.format !== "auto") return request.format;
  return process.stdout.isTTY ? "text" : formatFrom(env);
}

async function briefFor(
  request: BriefRequest,
  environment: Environment,
  format: Format,
  captures: Captures,
  signal: AbortSignal,
): Promise<Brief> {
  const own = ownPackage();
  if (request.act === "help") return { text: helpText(), facts: {} };
  if (request.act === "version")
    return { text: `${own.version}\n`, facts: { version: own.version } };
  if (environment.env[nestedMark] !== undefined) {
    return { text: "No brief is made inside a section of a brief.\n", facts: {} };
  }
  const projects = projectFolders(environment.env, format);
  const folder = startFolder(environment.cwd, request.worktree, projects, isFolder);
  return makeBrief(
    request,
    folder,
    hostFor({ environment, own, folder, captures, signal }),
    signal,
  );
}

function hostFor(made: {
  environment: Environment;
  own: Package;
  folder: string;
  captures: Captures;
  signal: AbortSignal;
}) {
  const { environment, own, folder, captures, signal } = made;
  const agent = sharedAgentHalf(agentHalf(environment, own, folder, networkPatienceMs), signal);
  let secrets = (): readonly string[] => [];
  return {
    env: environment.env,
    stateHome: environment.stateHome,
    baseUrl: environment.baseUrl,
    clock: systemClock,
    kitFolder: own.root,
    captures,
    land: landInProcess(agent),
    landProgram: [process.execPath, join(own.root, "dist", "land.js")],
    async identity(its: AbortSignal) {
      const worktree = await agent.openWorktree(undefined);
      secrets = () => worktree.secrets?.() ?? [];
      const { npub, admin, canLand } = await (await worktree.forge(its)).identity(its);
      return `${npub} (${[admin && "owner", canLand ? "may land" : "may only read"].filter(Boolean).join(", ")})`;
    },
    secrets: () => secrets(),
    files: { ensureFolder: ensurePrivateFolder, write: writePrivateFile },
  };
}

function failureOf(thrown: unknown): Brief {
  const words = renderError(errorView(asLandError(thrown)));
  return { text: `The session brief could not be made: ${words}\n`, facts: { failed: true } };
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
