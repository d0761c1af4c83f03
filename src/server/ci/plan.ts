import { isDeepStrictEqual } from "node:util";
import type { Git } from "../../git/git.ts";
import type { OwnerSettings } from "../config.ts";
import type { LaneDefinition } from "../store/records.ts";
import { changedPaths } from "./changed-paths.ts";
import type { RunPlan } from "./ci.ts";
import { type Manifest, type ManifestAnswer, parseManifest, tooLong } from "./manifest.ts";
import { manifestPath, selectLanes } from "./select.ts";

/** The manifest of a commit: read, or why not. */
type ManifestAt = ManifestAnswer | "missing";

/** Reads the manifest at `head` and chooses lanes by what changed since `mergeBase`. */
export async function planRun(
  git: Git,
  settings: OwnerSettings,
  head: string,
  mergeBase: string | null,
): Promise<RunPlan> {
  const changes = changedPaths(git, mergeBase, head);
  // It fails where it is needed, below; a head without a manifest has its answer without it.
  changes.catch(() => undefined);
  const found = await manifestAt(git, head);
  if (found === "missing") return withoutManifest(settings);
  if (!found.ok) return without("failed", "manifest_broken", brokenNote(found));
  const paths = await changes;
  const lanes = selectLanes(found.manifest.branchLanes, paths);
  if (lanes.length === 0) {
    const note = `No lane of ${manifestPath} is for the ${paths.length} changed paths.`;
    return without("success", "nothing_selected", note);
  }
  return { lanes, status: "success", reason: null, note: null };
}

/** The nightly lanes of the manifest at `head`; their `paths` choose nothing. */
export async function planNightly(
  git: Git,
  settings: OwnerSettings,
  head: string,
): Promise<RunPlan> {
  const found = await manifestAt(git, head);
  if (found === "missing") return withoutManifest(settings);
  if (!found.ok) return without("failed", "manifest_broken", brokenNote(found));
  const lanes = found.manifest.nightlyLanes;
  if (lanes.length === 0) {
    return without("success", "nothing_selected", "No nightly lanes configured.");
  }
  return { lanes, status: "success", reason: null, note: null };
}

/**
 * Names of the lanes of the target's manifest that `head`'s manifest removes or changes. A target
 * without a readable manifest has none to lose; a head without one removes them all.
 */
export async function changedLanes(git: Git, head: string, target: string): Promise<string[]> {
  const [before, after] = await Promise.all([manifestAt(git, target), manifestAt(git, head)]);
  if (before === "missing" || !before.ok) return [];
  const kept = after === "missing" || !after.ok ? undefined : after.manifest;
  return lanesLost(before.manifest, kept);
}

/** The manifest of a commit. Throws what git throws where the commit is not there. */
export async function manifestAt(git: Git, commit: string): Promise<ManifestAt> {
  const answer = await git.run({
    args: ["cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)"],
    input: `${commit}^{commit}\n${commit}:${manifestPath}\n`,
  });
  const [commitLine = "", fileLine = ""] = answer.stdout.split("\n");
  // Let git itself say what is wrong with a commit that is not there.
  if (!commitLine.includes(" commit ")) await git.run({ args: ["cat-file", "-e", commit] });
  const [object, type, size] = fileLine.split(" ");
  if (object === undefined || type !== "blob") return "missing";
  const message = tooLong(Number(size));
  if (message !== undefined) return { ok: false, line: null, message };
  return parseManifest((await git.run({ args: ["cat-file", "blob", object] })).stdout);
}

function withoutManifest(settings: OwnerSettings): RunPlan {
  if (settings.ci === "none") {
    const note = `There is no ${manifestPath}; the owner chose to land untested.`;
    return without("success", "untested_by_choice", note);
  }
  const note = `There is no ${manifestPath} at this head, so nothing says how to test it.`;
  return without("failed", "manifest_missing", note);
}

function without(
  status: RunPlan["status"],
  reason: NonNullable<RunPlan["reason"]>,
  note: string,
): RunPlan {
  return { lanes: [], status, reason, note };
}

/** What is wrong with a manifest and where, in one line. */
export function brokenNote(broken: {
  readonly line: number | null;
  readonly message: string;
}): string {
  const place = broken.line === null ? manifestPath : `${manifestPath}:${broken.line}`;
  return `${place}: ${broken.message}`;
}

function lanesLost(before: Manifest, after: Manifest | undefined): string[] {
  return [
    ...lostOf(before.branchLanes, after?.branchLanes),
    ...lostOf(before.nightlyLanes, after?.nightlyLanes).map((name) => `${name} (nightly)`),
  ];
}

function lostOf(
  before: readonly LaneDefinition[],
  after: readonly LaneDefinition[] | undefined,
): string[] {
  const kept = new Map(after?.map((lane) => [lane.lane, whatRuns(lane)]));
  return before
    .filter((lane) => !isDeepStrictEqual(whatRuns(lane), kept.get(lane.lane)))
    .map((lane) => lane.lane);
}

/** All of a lane but the words shown to people. */
function whatRuns({ title, entrypoint, ...rest }: LaneDefinition): object {
  return rest;
}
