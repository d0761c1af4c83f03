import { LandError } from "../domain/errors.ts";
import type { Forge } from "../forges/forge.ts";
import { obstacleError, obstacleIn } from "../git/obstacles.ts";
import type { WorkingCopy } from "../git/working-copy.ts";
import { lookAtRemote, overwriteOf, standingOf } from "./observe.ts";
import { onTarget, pushRefusal, targetMissing } from "./refusals.ts";

export interface PushAnswer {
  readonly state: "up_to_date" | "pushed";
  readonly branch: string;
  readonly head: string;
  /** What the branch on the forge was before; undefined where it is new. */
  readonly before: string | undefined;
  /** Whether the target has commits that the head has not. */
  readonly behindTarget: boolean;
}

/**
 * Pushes the checked-out branch as it is, under the landing's guards: never the target, never over
 * commits that were not ours, under a lease on the value just seen. Then tells the forge.
 */
export async function pushBranch(
  deps: { readonly copy: WorkingCopy; readonly forge: Forge; readonly remote: string },
  signal: AbortSignal,
): Promise<PushAnswer> {
  const { copy, forge, remote } = deps;
  const [{ target }, state] = await Promise.all([forge.capabilities(signal), copy.state(signal)]);
  const { branch, head } = state;
  const obstacle = obstacleIn(state) ?? (branch === target ? onTarget(target) : undefined);
  if (obstacle !== undefined) throw obstacleError(obstacle);
  if (branch === undefined || head === undefined) {
    throw new LandError("unsupported_repository", "This branch has no commits yet.", {
      next: "Commit something first.",
    });
  }
  const at = { copy, remote, target, branch, now: Date.now() };
  const { tip, targetTip } = await lookAtRemote(at, undefined, signal);
  if (targetTip === undefined) throw obstacleError(targetMissing(target));
  const [overwrite, standing] = await Promise.all([
    overwriteOf(copy, { branch, head, tip, targetTip }),
    standingOf(copy, head, targetTip),
  ]);
  const refusal = pushRefusal(branch, target, { overwrite, standing, tip });
  if (refusal !== undefined) throw obstacleError(refusal);
  if (overwrite !== "nothing") await copy.push({ remote, branch, head, lease: tip }, signal);
  await forge.ensureChange(branch, head, signal);
  const done = overwrite === "nothing" ? "up_to_date" : "pushed";
  return { state: done, branch, head, before: tip, behindTarget: standing === "behind" };
}
