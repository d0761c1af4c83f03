import type { LaneDefinition } from "../store/records.ts";
import { parseGlob, splitPath } from "./glob.ts";

/** Where a repository says what its CI is. */
export const manifestPath = "ci/forge-lanes.toml";

/** Beyond this many changed paths, looking at each would cost more than running everything. */
const maxPathsLookedAt = 20_000;

/**
 * The lanes that changed paths ask for, in the manifest's order. All of them where nothing changed
 * or where the manifest itself did. Renames count with both names. The globs have been read
 * before, with the manifest.
 */
export function selectLanes(
  lanes: readonly LaneDefinition[],
  changedPaths: readonly string[],
): readonly LaneDefinition[] {
  if (changedPaths.length === 0 || changedPaths.length > maxPathsLookedAt) return lanes;
  if (changedPaths.includes(manifestPath)) return lanes;
  const paths = changedPaths.map(splitPath);
  return lanes.filter((lane) => {
    if (lane.paths.length === 0) return true;
    const globs = lane.paths.map(parseGlob);
    return paths.some((path) => globs.some((glob) => glob.matches(path)));
  });
}
