import { rm } from "node:fs/promises";
import type { AboutAnswer } from "../contract/forge.ts";
import { LandError } from "../domain/errors.ts";
import { ensurePrivateFolder } from "../identity/private-file.ts";
import { type FolderTrouble, folderTrouble } from "../process/folder-trouble.ts";
import { signalProcess } from "../process/living.ts";
import { askAbout } from "./about.ts";
import { FileChanges } from "./file-changes.ts";
import type { ForgeLayout } from "./local-forge.ts";
import { type ForgeProcess, lifeOf, readProcessFile } from "./process-file.ts";
import { requireSettings } from "./settings.ts";
import { type Launcher, type Start, startForge } from "./start.ts";
import { versionFit } from "./versions.ts";

export {
  type ForgeProcess,
  readProcessFile,
  removeProcessFile,
  writeProcessFile,
} from "./process-file.ts";

export interface EnsureOptions {
  readonly layout: ForgeLayout;
  readonly launcher: Launcher;
  /** Our own version; an older forge gives way to it. */
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal | undefined;
  /** Asks a forge to finish its lanes and stop. Without it, or if it fails, TERM does so. */
  readonly drain?: ((origin: string, signal?: AbortSignal) => Promise<void>) | undefined;
  /** How long a start, and how long a drain, may take. */
  readonly startMs?: number;
  readonly drainMs?: number;
}

export interface RunningForge {
  readonly origin: string;
  readonly about: AboutAnswer;
}

/** What can be seen of a forge's process. */
export type Sight =
  | ({ readonly state: "serving" | "draining"; readonly file: ForgeProcess } & RunningForge)
  /** Its process is there and does not answer (yet, or any more). */
  | { readonly state: "silent"; readonly file: ForgeProcess }
  | { readonly state: "absent" };

/** A forge needs this much to write down that it runs. */
const leastRoomBytes = 1024 ** 2;
const aboutMs = 2_000;
const lookAgainMs = 250;
/** A start that lost to another one is tried again after this long, should that one not come up. */
const lostMs = 1_500;
/** How long a start that failed may turn out to have had a luckier rival. */
const failedMs = 500;

/**
 * Looks for the process that serves a forge. It is believed only if it has the number, start time
 * and boot of `process.json` and answers with the instance named there: another process that got
 * the port, or the number, is never taken for the forge.
 */
export async function lookForForge(layout: ForgeLayout, signal?: AbortSignal): Promise<Sight> {
  const file = await readProcessFile(layout);
  if (file === undefined || lifeOf(file) === "gone") return { state: "absent" };
  const origin = `http://127.0.0.1:${file.port}`;
  const about = await askAbout(origin, aboutMs, signal);
  if (about === undefined || about.instance !== file.instance) {
    // In another namespace the process cannot be seen; silence then means that it is gone.
    return lifeOf(file) === "unseen" ? { state: "absent" } : { state: "silent", file };
  }
  return { state: about.draining ? "draining" : "serving", file, origin, about };
}

/**
 * The running forge of a state folder, started where none runs. Many at once start one: those
 * that lose the server's lock end by themselves, and everybody waits for a forge that answers.
 */
export async function ensureRunning(options: EnsureOptions): Promise<RunningForge> {
  const { layout, signal } = options;
  const first = await lookForForge(layout, signal);
  if (first.state === "serving" && versionFit(first.about, options) === "fits") return first;
  await requireSettings(layout);
  await ensurePrivateFolder(layout.stateDir);
  const changes = new FileChanges(layout.processFile);
  try {
    return await new Bringing(options, changes).run();
  } finally {
    changes.close();
  }
}

/** One effort to have the forge running, from looking to an answering forge. */
class Bringing {
  readonly #options: EnsureOptions;
  readonly #changes: FileChanges;
  #start: Start | undefined;
  #until: number;
  #retired: string | undefined;

  constructor(options: EnsureOptions, changes: FileChanges) {
    this.#options = options;
    this.#changes = changes;
    this.#until = Date.now() + (options.startMs ?? 20_000);
  }

  async run(): Promise<RunningForge> {
    const { layout, signal } = this.#options;
    for (;;) {
      throwIfCancelled(signal);
      const sight = await lookForForge(layout, signal);
      if (sight.state === "serving") {
        const fit = versionFit(sight.about, this.#options);
        if (fit === "fits") return sight;
        if (fit === "too_new") throw tooNew(sight.about, this.#options.version);
        await this.#retire(sight.file, sight.origin);
      } else if (sight.state === "draining") {
        this.#allowDrain(sight.file);
      } else if (sight.state === "absent") {
        this.#startUnlessStarting();
      }
      if (Date.now() > this.#until) throw this.#tooLate(sight);
      await this.#changes.next(lookAgainMs, signal);
    }
  }

  /** Asks an older forge, once, to finish and stop. */
  async #retire(file: ForgeProcess, origin: string): Promise<void> {
    if (this.#retired === file.instance) return;
    this.#allowDrain(file);
    try {
      if (this.#options.drain === undefined) throw new Error("no way to drain");
      await this.#options.drain(origin, this.#options.signal);
    } catch {
      throwIfCancelled(this.#options.signal);
      signalProcess(file, "SIGTERM");
    }
  }

  /** A forge that finishes its lanes gets its own time, once. */
  #allowDrain(file: ForgeProcess): void {
    if (this.#retired === file.instance) return;
    this.#retired = file.instance;
    this.#until = Date.now() + (this.#options.drainMs ?? 60_000);
  }

  #startUnlessStarting(): void {
    const end = this.#start?.ended();
    if (this.#start !== undefined && end === undefined) return;
    if (end !== undefined) {
      const lost = end.exitCode === 0;
      if (Date.now() - end.since < (lost ? lostMs : failedMs)) return;
      if (!lost) throw this.#failed();
    }
    const trouble = folderTrouble([this.#options.layout.stateDir], leastRoomBytes);
    // It would only find out by itself, and could not even write down what it found.
    if (trouble !== undefined) throw cannotStart(trouble, this.#options.layout);
    this.#start = startForge(this.#options.layout, this.#options.launcher, this.#options.env);
  }

  #failed(): LandError {
    const { layout } = this.#options;
    const end = this.#start?.ended();
    const how = end?.notStarted ?? `it ended with exit code ${end?.exitCode ?? "unknown"}`;
    return notRunning(`The local forge did not start: ${how}.`, layout, this.#start);
  }

  #tooLate(sight: Sight): LandError {
    const { layout } = this.#options;
    if (sight.state === "draining" || this.#retired !== undefined) {
      return new LandError("forge_unreachable", "The local forge is still finishing its lanes.", {
        state: "It stops when they have ended; its next start is in the wanted version.",
        next: "Ask again in a while; `land stop` ends its lanes at once, they run again later.",
      });
    }
    if (sight.state === "silent") {
      return new LandError(
        "forge_unreachable",
        `The local forge's process ${sight.file.pid} runs but does not answer.`,
        {
          state: "Nothing was changed.",
          next: `Run \`land stop\`, then try again; its log is ${layout.serverLogFile}.`,
        },
      );
    }
    if (this.#start !== undefined && this.#start.ended() === undefined) {
      return new LandError("forge_unreachable", "The local forge is still starting.", {
        state: `It goes on by itself; its log is ${layout.serverLogFile}.`,
        next: "Ask again in a while.",
      });
    }
    return notRunning("The local forge did not start in time.", layout, this.#start);
  }
}

/**
 * Stops the forge's process: lanes that run are ended and run again later. Answers whether one
 * ran. Throws `timed_out` where it does not go.
 */
export async function stopForge(
  layout: ForgeLayout,
  options: { signal?: AbortSignal; timeoutMs?: number } = {},
): Promise<"stopped" | "not_running"> {
  const file = await readProcessFile(layout);
  if (file === undefined) return "not_running";
  const life = lifeOf(file);
  if (life === "unseen") {
    throw new LandError("unsupported", "The forge runs outside of the sandbox that this is in.", {
      state: `It is process ${file.pid} there, and goes on.`,
      next: "Run `land stop` outside of the sandbox.",
    });
  }
  if (life === "gone" || !signalProcess(file, "SIGTERM")) {
    await rm(layout.processFile, { force: true });
    return "not_running";
  }
  const changes = new FileChanges(layout.processFile);
  try {
    const until = Date.now() + (options.timeoutMs ?? 30_000);
    while (lifeOf(file) === "alive") {
      throwIfCancelled(options.signal);
      if (Date.now() > until) {
        throw new LandError("timed_out", `The forge's process ${file.pid} does not end.`, {
          state: "It was asked to stop and still runs.",
          next: `Look into ${layout.serverLogFile}; as a last resort end the process by hand.`,
        });
      }
      await changes.next(50, options.signal);
    }
  } finally {
    changes.close();
  }
  return "stopped";
}

function cannotStart({ kind, words }: FolderTrouble, layout: ForgeLayout): LandError {
  return new LandError(
    "storage_failed",
    `The local forge does not run and cannot start: ${words}.`,
    {
      state: "Nothing was changed; its repository and database are as they were.",
      next:
        kind === "full"
          ? "Free some space, then try again."
          : `Make ${layout.stateDir} writable again, or, where only this shell may not write there, start the forge outside it with \`land serve\`.`,
    },
  );
}

function notRunning(what: string, layout: ForgeLayout, start: Start | undefined): LandError {
  const tail = start?.logTail() ?? "";
  return new LandError("forge_unreachable", tail === "" ? what : `${what} It said:\n${tail}`, {
    state: "No forge runs; its repository and database are as they were.",
    next: `Run \`land serve\` to see it start; its log is ${layout.serverLogFile}.`,
  });
}

function tooNew(about: AboutAnswer, own: string): LandError {
  return new LandError(
    "unsupported",
    `The running forge is of version ${about.version}, too new for this kit's ${own}.`,
    { state: "Nothing was changed.", next: "Update forge-landing-kit here." },
  );
}

function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw new LandError("cancelled", "Starting the forge was cancelled.", {
    state: "The forge may still start; that does no harm.",
    next: "Ask again.",
  });
}
