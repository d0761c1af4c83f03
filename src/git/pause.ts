import { setTimeout as pauseFor } from "node:timers/promises";
import { LandError } from "../domain/errors.ts";

/** Waits a moment for another git to be done; throws `cancelled` with the signal. */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await pauseFor(ms, undefined, signal === undefined ? {} : { signal }).catch(() => {
    throw new LandError("cancelled", "Waiting for another git command was cancelled.");
  });
}
