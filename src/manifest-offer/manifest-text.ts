import { stringify } from "smol-toml";
import type { OfferedLane } from "./lane.ts";

/** Where a forge reads a repository's lanes. */
export const manifestPath = "ci/forge-lanes.toml";

const heading = `# The lanes that CI runs for each branch before it may land.
# paths: globs of changed paths that choose the lane; none = always.
# Further keys of a lane: timeout_seconds, concurrency_group, inputs, env (names of values that the
# owner sets with \`land env set NAME\`).
`;

/** The text of a manifest with these lanes. */
export function manifestText(lanes: readonly OfferedLane[]): string {
  const document = {
    version: 1,
    nightly_schedule_utc: "03:00",
    branch: {
      lanes: lanes.map((lane) => ({
        id: lane.id,
        title: lane.title,
        entrypoint: lane.entrypoint,
        command: [...lane.command],
        ...(lane.paths.length === 0 ? {} : { paths: [...lane.paths] }),
      })),
    },
  };
  return `${heading}\n${stringify(document)}`;
}
