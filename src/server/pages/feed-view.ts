import { isActive, type RunStatus } from "../../domain/status.ts";
import { branchView } from "../http/branch-routes.ts";
import { readCursor, writeCursor } from "../http/cursor.ts";
import type { Parts } from "../http/parts.ts";
import type { BranchView } from "../http/wire-branch.ts";
import type { NightlyLine } from "../http/wire-nightly.ts";
import { targetNote } from "../repository/diverged.ts";
import type { BranchRecord } from "../store/records.ts";
import { type QueueSummary, queueSummary } from "./queue-summary.tsx";
import { nightlyLines } from "./view.ts";

const branchesShown = 50;
const nightliesShown = 12;

/** A list with what its next page begins after, where there is one. */
export interface Listed<T> {
  readonly items: readonly T[];
  readonly next: string | undefined;
}

export interface FeedView {
  readonly repo: string;
  readonly target: string;
  readonly frozen: string | null;
  /** What else to know of the target. */
  readonly targetNote: string | null;
  readonly open: Listed<BranchView>;
  readonly ended: Listed<BranchView>;
  readonly nightlies: Listed<NightlyLine>;
  readonly schedule: ScheduleView;
  readonly queue: QueueSummary;
}

/** When the next nightly begins by itself, and how the last whole one ended. */
export interface ScheduleView {
  readonly next: string | null;
  readonly last: NightlyLine | undefined;
}

/** Where each list goes on; undefined: at its beginning. Untrusted. */
export interface FeedPlaces {
  readonly open: string | undefined;
  readonly history: string | undefined;
  readonly nightlies: string | undefined;
}

/** Throws HttpFault 400 for a place that this forge never named. */
export function feedView(parts: Parts, places: FeedPlaces): FeedView {
  const nightlies = nightlyLines(parts, nightliesShown + 1, places.nightlies);
  return {
    repo: parts.config.repo,
    target: parts.config.target,
    frozen: parts.repository.frozen(),
    targetNote: targetNote(parts.store, parts.config),
    open: branchPage(parts, ["open"], places.open),
    ended: branchPage(parts, ["merged", "closed"], places.history),
    nightlies: {
      items: nightlies.slice(0, nightliesShown),
      next:
        nightlies.length > nightliesShown
          ? nightlies[nightliesShown - 1]?.scheduled_for
          : undefined,
    },
    schedule: scheduleView(parts),
    queue: queueSummary(parts),
  };
}

/** How far back a whole nightly that ended is looked for. */
const lastLookedAt = 30;

function scheduleView(parts: Parts): ScheduleView {
  const ended = (line: NightlyLine) =>
    line.rerun_of_run_id === null && !isActive(line.status as RunStatus);
  return {
    next: parts.nightlies.next(),
    last: nightlyLines(parts, lastLookedAt, undefined).find(ended),
  };
}

function branchPage(
  parts: Parts,
  states: readonly BranchRecord["state"][],
  place: string | undefined,
): Listed<BranchView> {
  const before = place === undefined ? undefined : readCursor(place);
  const found = states
    .flatMap((state) => parts.store.read.branches({ state, limit: branchesShown + 1, before }))
    .sort(newestFirst);
  const page = found.slice(0, branchesShown);
  const last = page.at(-1);
  return {
    items: page.map((branch) => branchView(parts, branch)),
    next: found.length > branchesShown && last !== undefined ? writeCursor(last) : undefined,
  };
}

function newestFirst(a: BranchRecord, b: BranchRecord): number {
  if (a.updatedAt !== b.updatedAt) return a.updatedAt < b.updatedAt ? 1 : -1;
  return b.id - a.id;
}
