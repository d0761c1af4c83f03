import { type Candidate, type Listing, type OfferedLane, tasks } from "./lane.ts";
import { languageCandidates } from "./languages.ts";
import { nodeCandidates } from "./node-packages.ts";
import { taskRunnerCandidates } from "./task-runners.ts";

/** More lanes than this are no longer an offer a person reads. */
export const mostLanes = 60;

/** What a repository already runs, as lanes: cheap ones first, each once. Pure. */
export function detectLanes(listing: Listing): OfferedLane[] {
  const all = [
    ...taskRunnerCandidates(listing),
    ...nodeCandidates(listing),
    ...languageCandidates(listing),
  ];
  const kept = withoutCovered(all).sort(byFolderThenTask);
  const few = kept.length <= mostLanes ? kept : kept.filter((one) => one.folder === "");
  return withIds(few.slice(0, mostLanes));
}

/** Drops a candidate that another one already runs, such as `npm test` below `make test`. */
function withoutCovered(all: readonly Candidate[]): Candidate[] {
  const covers = (one: Candidate, other: Candidate) =>
    one !== other && one.folder === "" && other.calledAs.test(one.body);
  const dropped = new Set<Candidate>();
  for (const other of all) {
    const by = all.find((one) => !dropped.has(one) && covers(one, other));
    if (by !== undefined) dropped.add(other);
  }
  return all.filter((one) => !dropped.has(one));
}

function byFolderThenTask(a: Candidate, b: Candidate): number {
  if (a.folder !== b.folder) return a.folder < b.folder ? -1 : 1;
  return taskPlace(a.task) - taskPlace(b.task);
}

function taskPlace(task: string): number {
  return (tasks as readonly string[]).indexOf(task);
}

/** Ids: the task, with its folder before it, and its tool where two would be the same. */
function withIds(kept: readonly Candidate[]): OfferedLane[] {
  const base = (one: Candidate) => slug([one.folder, one.task]);
  const taken = new Set<string>();
  return kept.map((one) => {
    const alone = kept.filter((other) => base(other) === base(one)).length === 1;
    const id = unused(alone ? base(one) : slug([one.folder, one.tool, one.task]), taken);
    taken.add(id);
    return {
      id,
      title: one.title,
      entrypoint: one.entrypoint,
      command: one.command,
      paths: one.paths,
    };
  });
}

function unused(id: string, taken: ReadonlySet<string>): string {
  for (let count = 1; ; count += 1) {
    const wanted = count === 1 ? id : `${id}-${count}`;
    if (!taken.has(wanted)) return wanted;
  }
}

function slug(parts: readonly string[]): string {
  const text = parts.filter((part) => part !== "").join("-");
  return (
    text
      .toLowerCase()
      .replaceAll(/[^a-z0-9_]+/g, "-")
      .replaceAll(/^-+|-+$/g, "") || "lane"
  );
}
