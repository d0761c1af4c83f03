import { resolve } from "node:path";
import { type Logger, pino } from "pino";
import { readServeOptions, type ServeOptions } from "../cli/long-running.ts";
import { type Environment, readEnvironment } from "../config/environment.ts";
import { isLandError, LandError } from "../domain/errors.ts";
import { layoutOf } from "../local/layout.ts";
import type { ForgeLayout } from "../local/local-forge.ts";
import { lookForForge, removeProcessFile, writeProcessFile } from "../local/process.ts";
import { serverConfig } from "../local/server-config.ts";
import { rememberPort, requireSettings } from "../local/settings.ts";
import { AlreadyServedError, type RunningServer, startServer } from "../server/server.ts";
import { storageFault } from "../server/storage.ts";
import { patientLog } from "./forge-log.ts";
import { localForgeOf } from "./local-forge-of.ts";
import { ownPackage } from "./package.ts";
import { endProcess } from "./report.ts";
import { stopSignals } from "./stop-signals.ts";

/** For `land doctor`, which has no use for the rest of a forge. */
export { lookAtManifest } from "../server/ci/manifest-file.ts";
export { storeProblem } from "../server/store/probe-store.ts";

/** A forge that was started by itself stops after this long without work. */
const idleSeconds = 600;

/** The launcher's way in: `land serve …`. */
export async function main(args: readonly string[]): Promise<void> {
  await endProcess(() => serve(readServeOptions(args.slice(1))));
}

/** Serves a forge until it is told to stop, or is idle where it was started by itself. */
export async function serve(options: ServeOptions): Promise<number> {
  const stop = stopSignals();
  const environment = readEnvironment();
  const { version } = ownPackage();
  const layout = await layoutFor(options, environment);
  const settings = await requireSettings(layout);
  const log = options.detached ? pino({}, patientLog(1)) : pino({}, spokenLog(patientLog(2)));
  // The trace belongs into the log; the process itself then ends, and the next one recovers.
  process.prependListener("uncaughtException", (error) => log.fatal({ err: error }, "forge fails"));
  const wanted = options.port === undefined ? settings : { ...settings, port: options.port };
  const config = serverConfig(layout, wanted, {
    version,
    env: environment.env,
    stateHome: environment.stateHome,
    idleSeconds: options.detached ? idleSeconds : null,
  });
  let server: RunningServer;
  try {
    server = await startServer(config, { log });
  } catch (error) {
    if (!(error instanceof AlreadyServedError)) throw cannotServe(error, layout);
    // Of many that start one forge at once, all but one end here.
    if (options.detached) return 0;
    throw await servedElsewhere(layout);
  }
  stop.addEventListener("abort", () => void server.close({ drain: false }), { once: true });
  if (stop.aborted) void server.close({ drain: false });
  endWithInput(options, server);
  try {
    if (server.port !== settings.port) await rememberPort(layout, server.port);
    const { port, instance } = server;
    await writeProcessFile(layout, {
      port,
      version,
      instance,
      startedAt: new Date().toISOString(),
    });
    if (!options.detached) announce(settings.repo, server.origin);
    await server.closed;
  } catch (error) {
    await server.close({ drain: false });
    throw error;
  } finally {
    await removeProcessFile(layout, server.instance).catch((error: unknown) => report(log, error));
  }
  return 0;
}

async function layoutFor(options: ServeOptions, environment: Environment): Promise<ForgeLayout> {
  if (options.state !== undefined) return layoutOf(resolve(environment.cwd, options.state));
  return (await localForgeOf(environment, options.worktree)).layout;
}

/** What the server itself says of its state, such as a damaged store, is no fault of this kit's. */
function cannotServe(error: unknown, layout: ForgeLayout): unknown {
  if (!(error instanceof Error) || isLandError(error)) return error;
  const fault = storageFault(error);
  if ("code" in error && fault === undefined) return error;
  return new LandError(fault === undefined ? "forge_error" : "storage_failed", error.message, {
    state: `Nothing is served, and nothing in ${layout.stateDir} was repaired or thrown away.`,
    next: "Put that right, or put back a copy of that folder as a whole; then try again.",
    cause: error,
  });
}

async function servedElsewhere(layout: ForgeLayout): Promise<LandError> {
  const sight = await lookForForge(layout);
  const where = sight.state === "serving" ? ` at ${sight.origin} (process ${sight.file.pid})` : "";
  return new LandError("operation_in_progress", `This forge is served already${where}.`, {
    state: "It goes on; nothing was changed.",
    next: "Run `land stop`, then `land serve` again.",
  });
}

/** A test's forge ends with the test, however that ends: its standard input then does. */
function endWithInput(options: ServeOptions, server: RunningServer): void {
  if (!options.endWithInput) return;
  process.stdin.resume();
  process.stdin.once("end", () => void server.close({ drain: false }));
}

function announce(repo: string, origin: string): void {
  process.stderr.write(`Serving ${repo} at ${origin}/git — Ctrl-C stops it.\n`);
}

function report(log: Logger, error: unknown): void {
  log.error({ err: error }, "process.json could not be removed");
}

const levels: Readonly<Record<number, string>> = { 40: "warning: ", 50: "error: ", 60: "fatal: " };

/** Log lines as a person reads them: time and message, and what went wrong. */
function spokenLog(to: { write(line: string): void }): { write(line: string): void } {
  return {
    write(line) {
      const { level, time, msg, err } = JSON.parse(line) as {
        level: number;
        time: number;
        msg?: string;
        err?: { message?: string };
      };
      const at = new Date(time).toISOString().slice(11, 19);
      const why = err?.message === undefined ? "" : `: ${err.message}`;
      to.write(`${at} ${levels[level] ?? ""}${msg ?? ""}${why}\n`);
    },
  };
}
