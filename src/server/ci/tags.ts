import type { Tag } from "../../process/tagged.ts";
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
