import type { Git } from "../git/git.ts";
import { detectLanes } from "./detect.ts";
import type { OfferedLane } from "./lane.ts";
import { manifestPath, manifestText } from "./manifest-text.ts";
import { readCommit } from "./read-commit.ts";

/** What `land init` can offer for a commit. */
export type Offer =
  /** The commit has a manifest of its own. */
  | { readonly kind: "present" }
  /** Nothing was found that CI could run; `text` is a manifest to fill in. */
  | { readonly kind: "nothing_found"; readonly text: string }
  | { readonly kind: "offer"; readonly lanes: readonly OfferedLane[]; readonly text: string };

const example: OfferedLane = {
  id: "test",
  title: "test",
  entrypoint: "./run-tests",
  command: ["./run-tests"],
  paths: [],
};

/** Looks at a commit for what the repository already runs. Changes nothing. */
export async function offerManifest(
  git: Git,
  commit: string,
  signal?: AbortSignal,
): Promise<Offer> {
  const listing = await readCommit(git, commit, signal);
  if (listing.paths.includes(manifestPath)) return { kind: "present" };
  const lanes = detectLanes(listing);
  return lanes.length === 0
    ? { kind: "nothing_found", text: manifestText([example]) }
    : { kind: "offer", lanes, text: manifestText(lanes) };
}
