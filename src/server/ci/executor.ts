import { mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { endTree, type ProcessTree, untilGone, untilNoneLeft } from "../../process/ending.ts";
import { type Identity, identityOf } from "../../process/identity.ts";
import { type LaneExit, type LaneProcess, startLane } from "../../process/lane.ts";
import type { Lifeline } from "../../process/lifeline.ts";
import type { Tag } from "../../process/tagged.ts";
import { maskSecrets } from "../../text/mask.ts";
import type { OwnerSettings, ServerConfig } from "../config.ts";
import type { LaneRecord, ProcessIdentity } from "../store/records.ts";
import { awakeTimer } from "./awake-timer.ts";
import { findProgram } from "./find-program.ts";
import { makeLaneCache } from "./lane-cache.ts";
import { cacheName, laneEnvironment, missingValues } from "./lane-environment.ts";
import { LaneLog } from "./lane-log.ts";
import { laneLogFile } from "./lane-log-file.ts";
import {
  infrastructureFailure,
  type LaneOutcome,
  outcomeOf,
  readStatement,
} from "./lane-result.ts";
import { type LifecycleLine, lifecycleLines } from "./lifecycle.ts";
import type { CiLog } from "./log.ts";
import { bubblewrapOf, hiddenFrom, type Isolation, keeperIn, sandboxArguments } from "./sandbox.ts";
import { laneTag } from "./tags.ts";
import type { CiTiming } from "./timing.ts";
import type { Workspace, Workspaces } from "./workspaces.ts";

export interface ExecutorOptions {
  readonly config: ServerConfig;
  readonly workspaces: Workspaces;
  /** The canonical repository's objects. */
  readonly objectsDir: string;
  readonly isolation: Isolation;
  /** Begins the tag of every process of the lanes that this start of the forge runs. */
  readonly instance: string;
  /** Ends the lanes should the forge be killed. */
  readonly lifeline: Pick<Lifeline, "hold" | "add" | "letGo">;
  readonly timing: CiTiming;
  readonly log: CiLog;
}

/** What the executor tells while a lane runs, and asks. */
export interface LaneHooks {
  /** Aborted when nobody wants the lane's result any more. */
  readonly signal: AbortSignal;
  readonly branch: string | null;
  /** Its process is there. False: the claim is lost, end it. */
  readonly started: (process: ProcessIdentity, isolation: Isolation) => boolean;
  readonly executorIds: (ids: { runId: string | null; targetId: string | null }) => unknown;
  /**
   * It ended, but the system cannot end some process of it. Its slot is free once this resolves,
   * which it does when none is left.
   */
  readonly lingers?: (gone: Promise<void>) => void;
}

/** One lane being run. */
interface Attempt {
  readonly lane: LaneRecord;
  readonly hooks: LaneHooks;
  readonly settings: OwnerSettings;
  readonly isolation: Isolation;
  readonly log: LaneLog;
  readonly tag: Tag;
}

interface Prepared {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Where the forge finds what the lane stated. */
  readonly resultFile: string;
}

/** How much of a log is searched in one look, and more than a lifecycle line can have. */
const readAtOnce = 256 * 1024;
/** How much of a log's end is looked at for a runner's last words. */
const lastWordsBytes = 64 * 1024;

/** Runs lanes as real processes in workspaces of the pool. */
export class Executor {
  readonly #options: ExecutorOptions;
  readonly #releasing = new Set<Promise<void>>();

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  /** Runs a lane to its end. Undefined where it was called off. Nothing of it runs afterwards. */
  async run(lane: LaneRecord, hooks: LaneHooks): Promise<LaneOutcome | undefined> {
    const { config, instance, isolation } = this.#options;
    const settings = config.settings();
    mkdirSync(config.logsDir, { recursive: true });
    const log = new LaneLog(laneLogFile(config, lane.id), settings.maxLogBytes);
    const lines: string[] = [];
    this.#options.lifeline.hold();
    try {
      const outcome = await this.#attempt({
        lane,
        hooks,
        settings,
        isolation: settings.unsandboxedLanes.includes(lane.lane) ? "none" : isolation,
        log,
        tag: laneTag(instance, lane),
      });
      if (hooks.signal.aborted) lines.push("called off");
      else if (outcome.status !== "success" && outcome.note !== null) lines.push(outcome.note);
      return hooks.signal.aborted ? undefined : outcome;
    } finally {
      this.#finishLog(log, lines);
    }
  }

  /** Resolves once no workspace is being cleaned. */
  async settled(): Promise<void> {
    while (this.#releasing.size > 0) await Promise.all(this.#releasing);
  }

  /** A full disk must not take a lane's result away. */
  #finishLog(log: LaneLog, lines: readonly string[]): void {
    try {
      log.finish(lines);
    } catch (error) {
      this.#options.log.warn({ log: log.path, error: wordsOf(error) }, "a log is incomplete");
    }
  }

  async #attempt(attempt: Attempt): Promise<LaneOutcome> {
    const { lane, settings, hooks } = attempt;
    const missing = missingValues(lane, settings.laneEnv);
    if (missing.length > 0) {
      return infrastructureFailure(
        `no value for ${missing.join(", ")}; the owner sets one with \`land env set\``,
      );
    }
    let workspace: Workspace;
    try {
      workspace = await this.#options.workspaces.take(lane, hooks.signal);
    } catch (error) {
      return infrastructureFailure(`no workspace could be made: ${wordsOf(error)}`);
    }
    try {
      return await this.#runIn(attempt, workspace);
    } catch (error) {
      return infrastructureFailure(`the lane could not be run: ${wordsOf(error)}`);
    } finally {
      this.#giveBack(workspace);
    }
  }

  /** Cleaning takes as long as it takes; the lane's result does not wait for it. */
  #giveBack(workspace: Workspace): void {
    const releasing = workspace.release().finally(() => this.#releasing.delete(releasing));
    this.#releasing.add(releasing);
  }

  async #runIn(attempt: Attempt, workspace: Workspace): Promise<LaneOutcome> {
    const { hooks, isolation, log } = attempt;
    const prepared = await this.#prepare(attempt, workspace);
    if ("problem" in prepared) return infrastructureFailure(prepared.problem);
    const process = await startLane({
      ...prepared,
      output: log.output,
      reportsState: isolation === "bwrap",
    });
    if ("notStarted" in process) {
      return infrastructureFailure(`the program could not be started: ${process.notStarted}`);
    }
    // A sandbox ends by itself with the process that started it, and until it is set up it shows its
    // tag, which no lane can take from it.
    const lifeline = isolation === "none" ? this.#options.lifeline : undefined;
    lifeline?.add(process.identity.pid);
    const wanted = hooks.started(process.identity, isolation);
    const stopWatching = this.#watch(attempt);
    try {
      const { exit, timedOutAfterSeconds } = await this.#untilEnd(attempt, process, wanted);
      const outcome = outcomeOf({
        exit,
        isolation,
        timedOutAfterSeconds,
        statement: await readStatement(prepared.resultFile),
        runnerSkipped: runnerSkipped(log),
      });
      const { note } = outcome;
      const known = Object.values(attempt.settings.laneEnv);
      // Notes are shown where logs are not, such as on pages.
      return note === null ? outcome : { ...outcome, note: maskSecrets(note, known) };
    } finally {
      lifeline?.letGo(process.identity.pid);
      stopWatching();
    }
  }

  async #prepare(
    attempt: Attempt,
    workspace: Workspace,
  ): Promise<Prepared | { readonly problem: string }> {
    const { lane, isolation, settings } = attempt;
    const { config, objectsDir } = this.#options;
    const cache = join(config.cacheDir, cacheName(lane.lane));
    await makeLaneCache(cache);
    const tmp = isolation === "bwrap" ? "/tmp" : workspace.tmp;
    const resultName = "forge-lane-result";
    const env = laneEnvironment(lane, {
      base: config.env,
      values: settings.laneEnv,
      cache,
      tmp,
      resultFile: join(tmp, resultName),
      tag: attempt.tag.value,
      branch: attempt.hooks.branch,
      target: config.target,
    });
    const [name = "", ...args] = argumentsOf(lane);
    const program = findProgram(name, workspace.tree, env.PATH ?? "");
    if ("problem" in program) return program;
    const common = { cwd: workspace.tree, env, resultFile: join(workspace.tmp, resultName) };
    if (isolation === "none") return { ...common, file: program.path, args };
    const hidden = hiddenFrom(config);
    const programDirs = (env.PATH ?? "").split(delimiter);
    const places = { ...workspace, cache, objectsDir, programDirs, hidden };
    const wrapped = sandboxArguments([program.path, ...args], places);
    const bubblewrap = bubblewrapOf(config.env);
    if (bubblewrap === undefined) return { problem: "bubblewrap is not in PATH any more" };
    return { ...common, file: bubblewrap, args: wrapped };
  }

  /** Waits for the lane's end, its time-out or its calling off, and leaves no process behind. */
  async #untilEnd(
    attempt: Attempt,
    process: LaneProcess,
    wanted: boolean,
  ): Promise<{ exit: LaneExit; timedOutAfterSeconds: number | null }> {
    const { timing } = this.#options;
    const tree: ProcessTree = {
      identity: process.identity,
      ended: process.ended,
      sandboxed: attempt.isolation === "bwrap",
      tag: attempt.tag,
    };
    const seconds = attempt.lane.timeoutSeconds ?? attempt.settings.laneTimeoutSeconds;
    const stopped = wanted
      ? await firstOf(process.ended, seconds * 1000, attempt.hooks.signal)
      : "called_off";
    if (stopped === "ended" && tree.sandboxed) {
      const exit = await process.ended;
      // Nothing of a sandbox outlives its keeper, so the machine need not be searched.
      const keeper = keeperOf(exit);
      if (keeper !== undefined && (await untilGone(keeper))) {
        return { exit, timedOutAfterSeconds: null };
      }
    }
    const grace = { ended: 0, called_off: timing.cancelGraceMs, timed_out: timing.timeoutGraceMs };
    const left = await endTree(tree, grace[stopped]);
    const exit = await exitOf(process);
    const keeper = keeperOf(exit);
    // What hides in a sandbox is not found by its tag, but keeps the keeper waiting.
    const kept = keeper !== undefined && !(await untilGone(keeper));
    if (left > 0 || kept) this.#linger(attempt, keeper);
    return { exit, timedOutAfterSeconds: stopped === "timed_out" ? seconds : null };
  }

  #linger({ lane, hooks, tag }: Attempt, keeper: Identity | undefined): void {
    this.#options.log.warn(
      { lane: lane.id },
      "processes of a lane cannot be ended; its slot stays taken until they are gone",
    );
    hooks.lingers?.(untilNoneLeft(tag, keeper));
  }

  /** Keeps the log's size in bounds and reads the runner's ids from its beginning. */
  #watch({ log, hooks }: Attempt): () => void {
    let readUpTo = 0;
    let started: LifecycleLine | undefined;
    const readIds = () => {
      while (started === undefined) {
        const end = Math.min(log.size, log.stableBytes, readUpTo + readAtOnce);
        const { lines, length } = wholeLines(log.read(readUpTo, Math.max(0, end - readUpTo)));
        // A line that fills a whole piece is nobody's word on a run.
        const passed = length === 0 && end - readUpTo === readAtOnce ? readAtOnce : length;
        if (passed === 0) return;
        readUpTo += passed;
        started = lifecycleLines(lines).find((line) => line.event === "run_started");
        if (started !== undefined) hooks.executorIds(started);
      }
    };
    const look = () => {
      try {
        readIds();
        log.trim();
      } catch (error) {
        this.#options.log.warn({ log: log.path, error: wordsOf(error) }, "a log is not kept");
      }
    };
    const timer = setInterval(look, this.#options.timing.logCheckMs);
    return () => {
      clearInterval(timer);
      look();
    };
  }
}

/** The command as it is run: a staged target's runner is told to report line by line. */
export function argumentsOf(lane: Pick<LaneRecord, "command" | "targetKey">): readonly string[] {
  if (lane.targetKey === null || lane.command.includes("--output")) return lane.command;
  return [...lane.command, "--output", "jsonl"];
}

function runnerSkipped(log: LaneLog): string | undefined {
  const { size } = log;
  const length = Math.min(size, lastWordsBytes);
  const words = log.read(size - length, length).toString("utf8");
  const last = lifecycleLines(words).findLast((line) => line.event === "run_finished");
  return last?.status === "skipped" ? (last.message ?? "") : undefined;
}

/** The lines that are complete, and how many bytes they take. */
function wholeLines(bytes: Buffer): { lines: string; length: number } {
  const length = bytes.lastIndexOf(10) + 1;
  return { lines: bytes.subarray(0, length).toString("utf8"), length };
}

/** How long an exit is waited for once its process is gone, or cannot be ended. */
const exitWaitMs = 1000;

async function firstOf(
  ended: Promise<unknown>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<"ended" | "timed_out" | "called_off"> {
  const first = Promise.withResolvers<"ended" | "timed_out" | "called_off">();
  const callOff = () => first.resolve("called_off");
  const forget = awakeTimer(timeoutMs, () => first.resolve("timed_out"));
  void ended.then(() => first.resolve("ended"));
  if (signal.aborted) callOff();
  else signal.addEventListener("abort", callOff, { once: true });
  const answer = await first.promise;
  forget();
  signal.removeEventListener("abort", callOff);
  return answer;
}

/** The process that keeps all others of a lane's sandbox, which is about to end. */
function keeperOf({ report }: LaneExit): Identity | undefined {
  const pid = keeperIn(report);
  return pid === undefined ? undefined : identityOf(pid);
}

/** What cannot be ended has no exit to wait for. */
async function exitOf(process: LaneProcess): Promise<LaneExit> {
  const patience = Promise.withResolvers<LaneExit>();
  const killed = { exitCode: null, signal: "SIGKILL", report: "" } as const;
  const timer = setTimeout(() => patience.resolve(killed), exitWaitMs);
  const exit = await Promise.race([process.ended, patience.promise]);
  clearTimeout(timer);
  return exit;
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
