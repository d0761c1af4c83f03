import type { RecoveryAction } from "./forge.ts";
import { plainWords } from "./plain-words.ts";

/** ` already` where the forge says that nothing had to be done for it now. */
export function already(answer: { already?: boolean | undefined }): string {
  return answer.already === true ? " already" : "";
}

/** What became of a run that was to be cancelled. */
export function cancelledWords(answer: { cancelled_lane_count: number }, whose: string): string {
  const count = answer.cancelled_lane_count;
  if (count === 0) return `No lane of ${whose} waits or runs; all had ended already.`;
  return `${count === 1 ? "1 lane" : `${count} lanes`} of ${whose} ${count === 1 ? "was" : "were"} cancelled.`;
}

/** What became of a run that was to be recovered; the forge counts those that waited before too. */
export function recoveredWords(answer: { recovered_lane_count: number }, whose: string): string {
  const count = answer.recovered_lane_count;
  if (count === 0) return `No lane of ${whose} was stopped or lost; nothing was put back.`;
  return `${count === 1 ? "1 lane" : `${count} lanes`} of ${whose} ${count === 1 ? "waits" : "wait"} in the queue now.`;
}

/** What became of a lane; `which`: its name in a sentence. */
export function laneWords(
  answer: { lane_status: string; already?: boolean | undefined },
  which: string,
  action: RecoveryAction,
): string {
  const cancelled = action === "cancel" && answer.already !== true;
  if (cancelled && answer.lane_status === "failed") return `${which} is cancelled now.`;
  const done = `${which} is ${plainWords(answer.lane_status, 60)}${already(answer) || " now"}.`;
  const left = action === "requeue" && answer.already === true && answer.lane_status === "running";
  return left ? `${done} Its worker lives, so it goes on; cancel it first to begin it anew.` : done;
}
