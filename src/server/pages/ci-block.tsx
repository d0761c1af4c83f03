import { toneOf } from "../http/wire-labels.ts";
import type { LaneView } from "../http/wire-lane.ts";
import { chip } from "./layout.tsx";
import { laneSection, runSection, runWords } from "./runs.tsx";
import type { BranchCiView, NightlyPageView } from "./view.ts";

/** The newest run in short. */
export function ciSummary({ branch, runs, active }: BranchCiView) {
  const [run] = runs;
  return (
    <section data-branch-ci-active={String(active)}>
      <p>{chip(`ci: ${branch.ci_status}`, toneOf(branch.ci_status))}</p>
      {run === undefined ? (
        <p class="quiet">No run yet.</p>
      ) : (
        <>
          <p>
            Run #{run.id} {chip(run.status, toneOf(run.status))}{" "}
            <span class="quiet">
              {countsOf(run.lanes)} · {run.timing_summary}
            </span>
          </p>
          {runWords(run)}
          <p>
            {run.lanes.map((lane) => (
              <>{chip(lane.title === "" ? lane.lane_id : lane.title, toneOf(lane.status))} </>
            ))}
          </p>
          {laneWords(run.lanes)}
        </>
      )}
    </section>
  );
}

/** Lines on lanes shown in short. */
const mostWords = 5;

/** Why lanes wait or failed; of many the first, those that failed before those that wait. */
function laneWords(lanes: readonly LaneView[]) {
  const failed = lanes.filter((lane) => lane.status === "failed");
  const told = [...failed, ...lanes.filter((lane) => lane.status === "queued")];
  if (told.length === 0) return null;
  const more = told.length - mostWords;
  return (
    <ul>
      {told.slice(0, mostWords).map((lane) => (
        <li>
          {lane.lane_id}: {wordsOf(lane)}
        </li>
      ))}
      {more > 0 ? <li>and {more} more</li> : null}
    </ul>
  );
}

function wordsOf(lane: LaneView): string {
  const parts =
    lane.status === "failed"
      ? [lane.failure_kind_label ?? "failed", lane.note]
      : [
          lane.execution_reason_label,
          lane.waits_for,
          lane.waits_until && `until ${lane.waits_until}`,
        ];
  return parts.filter((part) => part != null && part !== "").join(" · ");
}

/** All shown runs with all of their lanes. */
export function ciFull({ branch, runs, active }: BranchCiView) {
  const failed = runs[0]?.lanes.filter((lane) => lane.status === "failed") ?? [];
  return (
    <section data-branch-ci-active={String(active)}>
      <p>
        {chip(`ci: ${branch.ci_status}`, toneOf(branch.ci_status))}{" "}
        {failed.length === 0 ? null : (
          <span class="note">
            Failed: {failed.map((lane) => lane.lane_id).join(", ")}. `land logs` shows why.
          </span>
        )}
      </p>
      {runs.length === 0 ? <p class="quiet">No run yet.</p> : runs.map(runSection)}
    </section>
  );
}

/** A nightly's status and lanes. */
export function nightlyBlock({ nightly, run, active }: NightlyPageView) {
  return (
    <section data-nightly-active={String(active)}>
      <p>
        {chip(nightly.status, toneOf(nightly.status))}{" "}
        <span class="quiet">
          {countsOf(run.lanes)} · {run.timing_summary}
        </span>
      </p>
      {nightly.summary == null ? null : <p>{nightly.summary}</p>}
      {runWords(run)}
      {run.lanes.map(laneSection)}
    </section>
  );
}

function countsOf(lanes: readonly LaneView[]): string {
  const count = (...statuses: string[]) =>
    lanes.filter((lane) => statuses.includes(lane.status)).length;
  const active = count("queued", "running");
  return `${count("success", "skipped")} passed · ${active} active · ${count("failed")} failed`;
}
