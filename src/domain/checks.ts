import type { FailureKind, LaneStatus, RunReason, RunStatus } from "./status.ts";
import { isActive } from "./status.ts";

/** One job of a run, as far as judging and showing it needs. Ids are opaque. */
export interface Lane {
  readonly id: string;
  /** The lane's name in the manifest. */
  readonly lane: string;
  readonly title: string;
  readonly status: LaneStatus | (string & {});
  readonly reason: string | undefined;
  readonly failureKind: FailureKind | (string & {}) | undefined;
  /** One line on how it ended, where the forge has one. */
  readonly note?: string | undefined;
  /** Of a waiting lane: what it waits for, and until when at the latest (ISO). */
  readonly waitsFor?: string | undefined;
  readonly until?: string | undefined;
  readonly queuedAt: string;
  readonly startedAt: string | undefined;
  readonly finishedAt: string | undefined;
}

/** CI of one commit. `rerunOf` is set where it holds only a part of the head's lanes again. */
export interface Run {
  readonly id: string;
  readonly head: string;
  readonly status: RunStatus | (string & {});
  readonly reason: RunReason | undefined;
  /** What a person should know of it beside its lanes: a broken manifest's line, for instance. */
  readonly note: string | undefined;
  readonly partial: boolean;
  readonly lanes: readonly Lane[];
  readonly isolation: string | undefined;
}

/**
 * What CI says of exactly one head.
 * `none`: no run for it (yet). `superseded`: its run was given up for a newer head.
 * Only `green` allows landing.
 */
export type Verdict = "green" | "failed" | "pending" | "none" | "superseded";

/** The run that decides about a head: the newest whole run for it. Runs come newest first. */
export function decidingRun<R extends Pick<Run, "head" | "partial">>(
  head: string,
  runs: readonly R[],
): R | undefined {
  return runs.find((run) => run.head === head && !run.partial);
}

/** Judges a head by its deciding run. Partial reruns and runs of other heads never count. */
export function judgeHead(head: string, runs: readonly Run[]): Verdict {
  const run = decidingRun(head, runs);
  if (run === undefined) return "none";
  if (run.status === "success") return "green";
  if (isActive(run.status as RunStatus)) return "pending";
  if (run.reason === "superseded" || run.lanes.some((lane) => lane.failureKind === "superseded")) {
    return "superseded";
  }
  return run.status === "failed" || run.lanes.some((lane) => lane.status === "failed")
    ? "failed"
    : "pending";
}
