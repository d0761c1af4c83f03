import { decidingRun } from "../domain/checks.ts";
import type { LandingCall } from "./call.ts";

/** Whoever has no more lanes than this many per slot before its own is served soon. */
const soonPerSlot = 2;

/**
 * Whether the head's run waits behind many others. Rebasing it now would be for nothing: the target
 * moves on before it is served. Its turn comes all the same, and the forge refuses what fell behind.
 */
export async function isFarBack(call: LandingCall, head: string): Promise<boolean> {
  const { record } = call;
  if (record === undefined || call.forge.head === "compared") return false;
  if (decidingRun(head, record.runs)?.status !== "queued") return false;
  try {
    const wanted = { branchId: record.id, limit: 1 };
    const { lanes, limit } = await call.deps.forge.queue(wanted, call.deps.signal);
    const place = lanes[0]?.place;
    return place !== undefined && place > soonPerSlot * (limit ?? 1);
  } catch {
    // Then it is as for anybody; what keeps the forge from answering shows soon enough.
    return false;
  }
}
