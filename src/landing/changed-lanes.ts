import type { ForgeBranch } from "../forges/forge.ts";
import { fitToShow } from "../text/untrusted.ts";

const namedLanes = 5;

/**
 * What to do about a green head that the forge refuses all the same, since it removes or changes
 * lanes and the owner has not agreed; undefined where nothing of that kind is in the way.
 */
export function lanesNeedOwner(
  branch: Pick<ForgeBranch, "id" | "changedLanes"> | undefined,
): string | undefined {
  const lanes = branch?.changedLanes ?? [];
  if (branch === undefined || lanes.length === 0) return undefined;
  const named = lanes.slice(0, namedLanes).map((lane) => fitToShow(lane).slice(0, 60));
  const more = lanes.length > named.length ? ` and ${lanes.length - named.length} more` : "";
  return `The head removes or changes CI lanes (${named.join(", ")}${more}), so the forge refuses it until the owner agrees: \`land merge ${branch.id} --force --reason WHY\`, at a terminal. Or put the lanes back.`;
}
