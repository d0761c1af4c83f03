import type { Capabilities, Forge } from "../forges/forge.ts";
import type { Obstacle } from "../git/obstacles.ts";

/** How a person settles a target that was moved outside the forge. */
export const ownersWay =
  "The owner decides at a terminal: `land target accept` keeps the new value, `land target restore` puts back what the forge left there.";

/**
 * Why landing stands still for everybody, after the forge looked at its refs anew; undefined where
 * it does not, or where the forge does not watch its target.
 */
export async function frozenNow(
  forge: Forge,
  capabilities: Pick<Capabilities, "recovery">,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!watchesTarget(capabilities)) return undefined;
  const nothingNamed = { branchId: undefined, lane: undefined, laneRun: undefined, run: undefined };
  await forge.recover({ action: "wake", ...nothingNamed, inPassing: true }, signal);
  return (await forge.queue({ limit: 0 }, signal)).frozen;
}

/** Whether a forge knows a target that was moved outside it from one that it moved itself. */
export function watchesTarget({ recovery }: Pick<Capabilities, "recovery">): boolean {
  return recovery.includes("reset_target");
}

/**
 * Work must not be rebased onto a target that may be put back: it would carry what was untested
 * there into the target all the same.
 */
export function frozenObstacle(frozen: string): Obstacle {
  return { code: "target_moved_outside", why: frozen, next: ownersWay };
}
