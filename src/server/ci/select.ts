import type { LaneDefinition } from "../store/records.ts";
import { parseGlob, splitPath } from "./glob.ts";

/** Where a repository says what its CI is. */
export const manifestPath = "ci/forge-lanes.toml";

/** Beyond this many changed paths, looking at each would cost more than running everything. */
const maxPathsLookedAt = 20_000;

/** The same for globs: characters of all patterns multiplied by characters of all paths. */
const maxMatching = 1_000_000_000;

/**
 * The lanes that changed paths ask for, in the manifest's order. All of them where nothing changed,
 * where the manifest itself did, or where finding out would take too long. Renames count with both names. The globs have been read
 * before, with the manifest.
 */
export function selectLanes(
  lanes: readonly LaneDefinition[],
  changedPaths: readonly string[],
): readonly LaneDefinition[] {
  if (changedPaths.length === 0 || changedPaths.length > maxPathsLookedAt) return lanes;
  if (changedPaths.includes(manifestPath)) return lanes;
  const asked = lanes.map((lane) => ({ lane, globs: lane.paths.map(parseGlob) }));
  const cost = sum(asked.flatMap(({ globs }) => globs.map((glob) => glob.cost)));
  if (cost * sum(changedPaths.map((path) => path.length)) > maxMatching) return lanes;
  const paths = changedPaths.map(splitPath);
  return asked
    .filter(({ globs }) => {
      return globs.length === 0 || paths.some((path) => globs.some((glob) => glob.matches(path)));
    })
    .map(({ lane }) => lane);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
