import { forgeStatusAnswer, type MirrorRun, mirrorSyncAnswer } from "../contract/admin.ts";
import { paths } from "../contract/paths.ts";
import { isLandError, LandError } from "../domain/errors.ts";
import type { ForgeMirror, MirrorAttempt } from "./forge-mirror.ts";
import { isoTime } from "./pika-shapes.ts";
import type { PikaWire } from "./pika-wire.ts";
import { plainWords } from "./plain-words.ts";

/** The forge itself ends a push that hangs. */
const syncDeadlineMs = 15 * 60_000;

const attemptsShown = 12;

function attemptOf(run: MirrorRun): MirrorAttempt {
  const failed = run.status !== "success";
  return {
    startedAt: isoTime(run.created_at),
    finishedAt: isoTime(run.finished_at),
    trigger: plainWords(run.trigger_source, 40),
    end: plainWords(failed ? (run.failure_kind ?? run.status) : run.status, 40),
    lagging: run.lagging_ref_count ?? undefined,
  };
}

/** The contract's words: it has no code for this. */
function isBusy(error: unknown): boolean {
  return isLandError(error, "forge_error") && /mirror sync already running/.test(error.message);
}

function busy(cause: unknown): LandError {
  return new LandError("forge_error", "A push to the mirror is under way already.", {
    state: "Nothing was changed, and that push goes on.",
    next: "Ask again when it has ended; `land mirror status` shows it, and its time-out ends it.",
    facts: { status: 409 },
    cause,
  });
}

/** The mirror of a forge of the pika contract. */
export function pikaMirror(wire: PikaWire): ForgeMirror {
  return {
    async status(signal) {
      const answer = await wire.get(paths.forgeStatus(), forgeStatusAnswer, signal);
      const { mirror_runtime: runtime, mirror_status: status } = answer;
      const last = status?.last_attempt ?? undefined;
      return {
        remote: runtime.configured ? plainWords(runtime.remote_name ?? "", 500) : undefined,
        state: answer.forge_health.mirror.state,
        lagging: status?.current_lagging_ref_count ?? undefined,
        laggingRefs: (last?.lagging_refs ?? []).map((ref) => plainWords(ref, 200)),
        lastSuccessAt: status?.last_success_at ?? undefined,
        failures: status?.consecutive_failure_count ?? 0,
        problem:
          last?.status !== "failed"
            ? undefined
            : {
                kind: status?.current_failure_kind ?? "transient",
                words: plainWords(last.error_text ?? "", 2000),
              },
        history: answer.mirror_history.slice(0, attemptsShown).map(attemptOf),
      };
    },
    async sync(signal) {
      const how = { deadlineMs: syncDeadlineMs };
      try {
        return (await wire.post(paths.syncMirror(), mirrorSyncAnswer, how, signal)).status;
      } catch (error) {
        throw isBusy(error) ? busy(error) : error;
      }
    },
  };
}
