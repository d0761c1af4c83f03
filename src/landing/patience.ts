import { isLandError } from "../domain/errors.ts";
import type { Clock, Wakes } from "./wakes.ts";

/** How long a forge may be gone, while it restarts for instance, before that is told. */
const patienceMs = 30_000;
const maxTries = 8;

const longestPauseMs = 15_000;

/**
 * Asks a forge or remote again when it cannot be reached for a moment. Only for calls that are
 * safe to repeat. Any other error, and the last one, is thrown as it came.
 */
export async function patiently<T>(
  during: {
    readonly clock: Clock;
    readonly wakes: Wakes;
    readonly signal: AbortSignal;
    /** Of a long wait: its end, until which anything that may pass is asked again. */
    readonly until?: number | undefined;
  },
  attempt: () => Promise<T>,
): Promise<T> {
  const { until } = during;
  const giveUpAt = Math.max(during.clock.now() + patienceMs, until ?? 0);
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      const left = giveUpAt - during.clock.now();
      const again =
        until === undefined
          ? isLandError(error, "forge_unreachable") && tries < maxTries
          : mayPass(error);
      if (!again || left <= 0) throw error;
      const pause = Math.min(longestPauseMs, 250 * 2 ** Math.min(tries, maxTries));
      await during.wakes.next(during.signal, Math.min(left, pause));
    }
  }
}

/** Whether asking the same again may well be answered: nobody was there, or had a fault of its own. */
function mayPass(error: unknown): boolean {
  if (!isLandError(error)) return false;
  const { status } = error.facts;
  const ownFault = typeof status === "number" && (status === 429 || status >= 500);
  return error.code === "forge_unreachable" || error.code === "timed_out" || ownFault;
}
