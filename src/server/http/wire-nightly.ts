import type { z } from "zod";
import type { nightlyAnswer, nightlyListAnswer } from "../../contract/nightly.ts";
import type { LaneRecord, NightlyRecord, RunRecord } from "../store/records.ts";
import type { LaneWait } from "./lane-waits.ts";
import { type LaneView, type LogView, laneOnWire } from "./wire-lane.ts";

export type NightlyView = z.input<typeof nightlyAnswer>;
export type NightlyLine = z.input<typeof nightlyListAnswer>["nightlies"][number];

const badges: ReadonlySet<string> = new Set(["failed", "success", "running", "queued", "skipped"]);

/** A lane of a nightly as it travels: with a badge instead of a tone. Pure. */
export function nightlyLaneOnWire(
  lane: LaneRecord,
  log: LogView,
  now: Date,
  wait?: LaneWait,
): LaneView {
  return {
    ...laneOnWire(lane, log, now, wait),
    status_tone: null,
    status_badge_class: `status-${badges.has(lane.status) ? lane.status : "neutral"}`,
    is_failed: lane.status === "failed",
    timing_summary: null,
  };
}

/** A nightly without its lanes. Pure. */
export function nightlyFacts(repo: string, nightly: NightlyRecord, run: RunRecord) {
  return {
    nightly_run_id: run.id,
    repo,
    scheduled_for: nightly.scheduledFor,
    created_at: run.createdAt,
    source_ref: nightly.sourceRef,
    source_head_sha: run.head,
    status: run.status,
    summary: nightly.summary,
    rerun_of_run_id: run.rerunOf,
    started_at: run.startedAt,
    finished_at: run.finishedAt,
    reason: run.reason,
    note: run.note,
  };
}
