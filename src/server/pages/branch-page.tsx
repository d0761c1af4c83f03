import { toneOf } from "../http/wire-labels.ts";
import { chip, layout } from "./layout.tsx";
import type { BranchPageView, TutorialView } from "./view.ts";

type PageRun = BranchPageView["runs"][number];

/** One branch: its state, its runs with their lanes, its tutorial. */
export function branchPage({ branch, runs, tutorial }: BranchPageView, prefix: string) {
  return layout({
    title: `#${branch.branch_id} ${branch.branch_name}`,
    prefix,
    children: (
      <>
        <h1>
          #{branch.branch_id} {branch.branch_name}
        </h1>
        <p>{branch.title}</p>
        <p>
          {chip(branch.branch_state, "neutral")}{" "}
          {chip(`ci: ${branch.ci_status}`, toneOf(branch.ci_status))}{" "}
          {chip(`tutorial: ${branch.tutorial_status}`, "neutral")}
        </p>
        <p class="quiet">
          {branch.repo} · onto {branch.target_branch} · head{" "}
          <span class="sha">{branch.head_sha}</span> · updated {branch.updated_at}
        </p>
        {branch.problem == null ? null : <p class="note">{branch.problem}</p>}
        {branch.merge_commit_sha == null ? null : (
          <p>
            Merged as <span class="sha">{branch.merge_commit_sha}</span>.
          </p>
        )}
        <h2>CI</h2>
        {runs.length === 0 ? <p class="quiet">No run yet.</p> : runs.map(runSection)}
        {tutorial === undefined ? null : tutorialSection(tutorial, branch.head_sha)}
      </>
    ),
  });
}

function runSection(run: PageRun) {
  return (
    <section>
      <h3>
        Run #{run.id} {chip(run.status, toneOf(run.status))}
      </h3>
      <p class="quiet">
        head <span class="sha">{run.source_head_sha.slice(0, 12)}</span> · {run.timing_summary}
        {run.rerun_of_run_id == null ? "" : ` · rerun of #${run.rerun_of_run_id}`}
        {run.partial === true ? " · decides nothing" : ""}
      </p>
      {run.reason == null && run.note == null ? null : (
        <pre>{[run.reason, run.note].filter((part) => part != null).join(": ")}</pre>
      )}
      <table>
        <tbody>
          {run.lanes.map((lane) => (
            <tr>
              <td>#{lane.id}</td>
              <td>
                {lane.title === "" ? lane.lane_id : lane.title}
                <br />
                <code>{lane.entrypoint}</code>
              </td>
              <td>{chip(lane.status, toneOf(lane.status))}</td>
              <td>{lane.failure_kind_label}</td>
              <td class="quiet">
                {lane.timing_summary}
                <br />
                {lane.note ?? lane.operator_hint}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function tutorialSection(tutorial: TutorialView, head: string) {
  return (
    <section>
      <h2>Tutorial</h2>
      {tutorial.head === head ? null : (
        <p class="note">
          It describes the earlier head <span class="sha">{tutorial.head.slice(0, 12)}</span>.
        </p>
      )}
      <pre>{tutorial.summary}</pre>
      <ol>
        {tutorial.steps.map((step) => (
          <li>
            <strong>{step.title}</strong>
            <p>{step.intent}</p>
            <ul>
              {step.files.map((file) => (
                <li>
                  <code>{file}</code>
                </li>
              ))}
            </ul>
            <pre>{step.body}</pre>
          </li>
        ))}
      </ol>
    </section>
  );
}
