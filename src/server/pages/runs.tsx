import { toneOf } from "../http/wire-labels.ts";
import type { LaneView } from "../http/wire-lane.ts";
import { chip } from "./layout.tsx";
import type { PageRun } from "./view.ts";

type Fact = readonly [label: string, value: string | null | undefined];

/** A run with its lanes and what an operator wants to know of each. */
export function runSection(run: PageRun) {
  return (
    <section>
      <h3>
        Run #{run.id} {chip(run.status, toneOf(run.status))}
      </h3>
      <p class="quiet">
        head <span class="sha">{run.source_head_sha}</span> · queued {run.created_at} ·{" "}
        {run.timing_summary} · {run.lane_count === 1 ? "1 lane" : `${run.lane_count} lanes`}
        {run.rerun_of_run_id == null ? "" : ` · rerun of run #${run.rerun_of_run_id}`}
        {run.partial === true ? " · decides nothing" : ""}
      </p>
      {runWords(run)}
      {run.lanes.map(laneSection)}
    </section>
  );
}

/** Why a run has the status it has, where its lanes do not say it. */
export function runWords(run: PageRun) {
  const words = [run.reason, run.note].filter((part) => part != null);
  return words.length === 0 ? null : <pre>{words.join(": ")}</pre>;
}

/** One lane; open where somebody may want to look. Its log is not here. */
export function laneSection(lane: LaneView) {
  const waits = lane.status === "queued" || lane.status === "running";
  return (
    <details id={`lane-${lane.id}`} open={lane.status === "failed" || lane.status === "running"}>
      <summary>
        {chip(lane.status, toneOf(lane.status))} {lane.title === "" ? lane.lane_id : lane.title}{" "}
        <span class="quiet">
          #{lane.id} · {lane.timing_summary}
        </span>
      </summary>
      <dl>
        {facts([
          ["lane", lane.lane_id],
          ["entrypoint", lane.entrypoint],
          ["reason", waits ? lane.execution_reason_label : null],
          ["waits for", lane.waits_for],
          ["until", lane.waits_until],
          ["failure", lane.failure_kind_label],
          ["end", lane.note],
          ["hint", lane.operator_hint],
          ["target", lane.ci_target_key],
          ["runner", [lane.pikaci_target_id, lane.pikaci_run_id].filter(Boolean).join(" ")],
          ["retries", lane.retry_count === 0 ? null : String(lane.retry_count)],
          ["rerun of lane", lane.rerun_of_lane_run_id?.toString()],
          ["isolation", lane.isolation],
          ["queued", lane.created_at],
          ["started", lane.started_at],
          ["finished", lane.finished_at],
          ["heartbeat", waits ? lane.last_heartbeat_at : null],
          ["lease", waits ? lane.lease_expires_at : null],
        ])}
      </dl>
    </details>
  );
}

/** Terms with their values; those without a value are left out. */
export function facts(all: readonly Fact[]) {
  return all
    .filter(([, value]) => value != null && value !== "")
    .map(([label, value]) => (
      <>
        <dt>{label}</dt>
        <dd>{value}</dd>
      </>
    ));
}
