import { isLandError } from "../domain/errors.ts";
import type { Clock, Wakes } from "./wakes.ts";

/** How long a forge may be gone, while it restarts for instance, before that is told. */
const patienceMs = 30_000;
const maxTries = 8;

/**
 * Asks a forge or remote again when it cannot be reached for a moment. Only for calls that are
 * safe to repeat. Any other error, and the last one, is thrown as it came.
 */
export async function patiently<T>(
  during: { readonly clock: Clock; readonly wakes: Wakes; readonly signal: AbortSignal },
  attempt: () => Promise<T>,
): Promise<T> {
  const giveUpAt = during.clock.now() + patienceMs;
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      const left = giveUpAt - during.clock.now();
      if (!isLandError(error, "forge_unreachable") || left <= 0 || tries >= maxTries) throw error;
      await during.wakes.next(during.signal, Math.min(left, 250 * 2 ** tries));
    }
  }
}
