import type { LaneRecord } from "../store/records.ts";
import { HttpFault } from "./fault.ts";
import type { Handlers } from "./handler.ts";
import { maxTextBytes, readLogRange } from "./lane-logs.ts";
import type { Parts } from "./parts.ts";
import { type RunnerFacts, runnerLogMetadataOf, runnerRunOf } from "./wire-runner.ts";

/**
 * Runs of external runners, by the id that a lane's runner named. The id only finds a lane in the
 * store; it never becomes part of a path.
 */
export const runnerHandlers: Pick<Handlers, "runnerRun" | "runnerLogs" | "runnerPreparedOutputs"> =
  {
    runnerRun({ parts, text }) {
      const runId = text("executor_run");
      const lane = requireLane(parts, runId);
      return runnerRunOf(lane, runId, runnerFacts(parts, lane));
    },

    async runnerLogs({ parts, text, query }) {
      const runId = text("executor_run");
      const lane = requireLane(parts, runId);
      if (query.job !== undefined && query.job !== lane.lane) {
        throw missing(`no job \`${query.job}\` in run \`${runId}\``);
      }
      const wantsHost = query.kind !== "guest";
      const log = wantsHost
        ? await readLogRange(parts.config, lane, { offset: undefined, maxBytes: maxTextBytes })
        : undefined;
      return { run_id: runId, job: query.job ?? null, host: log?.text ?? null, guest: null };
    },

    runnerPreparedOutputs({ parts, text }) {
      const runId = text("executor_run");
      requireLane(parts, runId);
      throw missing(`prepared outputs not found for run \`${runId}\``);
    },
  };

/** What a logs answer says of the runner that a lane used; nulls where it used none. */
export function runnerPartOf(parts: Parts, lane: LaneRecord, logBytes: number) {
  const runId = lane.executorRunId;
  return {
    pikaci_run: runId === null ? null : runnerRunOf(lane, runId, runnerFacts(parts, lane)),
    pikaci_log_metadata: runId === null ? null : runnerLogMetadataOf(lane, runId, logBytes),
    pikaci_prepared_outputs: null,
  };
}

function runnerFacts({ config }: Parts, lane: LaneRecord): RunnerFacts {
  return { timeoutSeconds: lane.timeoutSeconds ?? config.settings().laneTimeoutSeconds };
}

function requireLane({ store }: Parts, runId: string): LaneRecord {
  const lane = store.read.laneOfExecutor(runId);
  if (lane === undefined) throw missing(`run \`${runId}\` not found`);
  return lane;
}

/** The words carry back what was asked for, in JSON and no longer than an id may be. */
function missing(words: string): HttpFault {
  return new HttpFault(404, { error: words.slice(0, 500) });
}
