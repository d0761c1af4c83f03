import type { Tag } from "../../process/tagged.ts";
import type { LaneRecord } from "../store/records.ts";
import { tagVariable } from "./lane-environment.ts";

/** The variable that every git carries which works in a workspace. */
export const workspaceVariable = "FORGE_WORKSPACE_GIT";

/**
 * What all processes carry that were started for lanes: by a forge, or by one start of it, as its
 * name says.
 */
export function tagsOf(name: string): readonly Tag[] {
  return [tagVariable, workspaceVariable].map((variable) => ({
    name: variable,
    value: `${name}-`,
    match: "prefix",
  }));
}

/** What all processes of one claim of a lane carry, run by that start of a forge. */
export function laneTag(start: string, claim: Pick<LaneRecord, "id" | "claimToken">): Tag {
  const value = `${start}-${claim.id}-${claim.claimToken}`;
  return { name: tagVariable, value, match: "exact" };
}

/** Which claim a lane's tag is of. Undefined for what is none. */
export function claimOf(value: string): Pick<LaneRecord, "id" | "claimToken"> | undefined {
  const [, id, claimToken] = /-(\d+)-(\d+)$/.exec(value) ?? [];
  return id === undefined ? undefined : { id: Number(id), claimToken: Number(claimToken) };
}
