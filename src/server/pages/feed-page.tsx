import type { BranchView } from "../http/wire-branch.ts";
import { toneOf } from "../http/wire-labels.ts";
import type { NightlyLine } from "../http/wire-nightly.ts";
import type { FeedPlaces, FeedView, Listed, ScheduleView } from "./feed-view.ts";
import { chip, layout } from "./layout.tsx";
import { pushedBy } from "./pushed-by.ts";
import { queueSection } from "./queue-summary.tsx";

/** Open branches, ended ones, and nightlies, a page of each. */
export function feedPage(view: FeedView, prefix: string) {
  return layout({
    title: view.repo,
    prefix,
    children: (
      <>
        <h1>{view.repo}</h1>
        <p>
          Branches land on <code>{view.target}</code>.
        </p>
        {view.frozen === null ? null : <p class="note">Landing stands still: {view.frozen}</p>}
        {view.targetNote === null ? null : <p class="note">{view.targetNote}</p>}
        <h2>Open branches</h2>
        {branchTable(view.open, prefix, "No branch is open. Push one to begin.")}
        {older(view.open, prefix, "open")}
        {queueSection(view.queue)}
        <h2>Branch history</h2>
        {branchTable(view.ended, prefix, "Nothing was merged or closed yet.")}
        {older(view.ended, prefix, "history")}
        <h2>Nightly runs</h2>
        {scheduleWords(view.schedule, prefix)}
        {nightlyTable(view.nightlies, prefix)}
        {older(view.nightlies, prefix, "nightlies")}
      </>
    ),
  });
}

function branchTable(branches: Listed<BranchView>, prefix: string, empty: string) {
  if (branches.items.length === 0) return <p class="quiet">{empty}</p>;
  return (
    <table>
      <tbody>
        {branches.items.map((branch) => (
          <tr>
            <td>#{branch.branch_id}</td>
            <td>
              <a href={`${prefix}/branch/${branch.branch_id}`}>{branch.branch_name}</a>
              <br />
              {branch.title}
            </td>
            <td>
              {chip(`branch: ${branch.branch_state}`, "neutral")}{" "}
              {chip(`tutorial: ${branch.tutorial_status}`, "neutral")}{" "}
              {chip(`ci: ${branch.ci_status}`, toneOf(branch.ci_status))}
            </td>
            <td class="quiet">
              {branch.updated_at}
              {pushedBy(branch, (words) => (
                <>
                  <br />
                  {words}
                </>
              ))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function scheduleWords({ next, last }: ScheduleView, prefix: string) {
  return (
    <p>
      {next === null ? "No nightly is scheduled." : `The next one begins at ${next}.`}
      {last === undefined ? null : (
        <>
          {" "}
          Last: <a href={`${prefix}/nightly/${last.nightly_run_id}`}>#{last.nightly_run_id}</a>{" "}
          {chip(last.status, toneOf(last.status))}
        </>
      )}
    </p>
  );
}

function nightlyTable(nightlies: Listed<NightlyLine>, prefix: string) {
  if (nightlies.items.length === 0) return <p class="quiet">No nightly ran yet.</p>;
  return (
    <table>
      <tbody>
        {nightlies.items.map((nightly) => (
          <tr>
            <td>
              <a href={`${prefix}/nightly/${nightly.nightly_run_id}`}>#{nightly.nightly_run_id}</a>
            </td>
            <td>{nightly.scheduled_for}</td>
            <td>{chip(nightly.status, toneOf(nightly.status))}</td>
            <td>
              {nightly.summary ?? (
                <>
                  head <span class="sha">{nightly.source_head_sha.slice(0, 12)}</span> · created{" "}
                  {nightly.created_at}
                </>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function older({ next }: Listed<unknown>, prefix: string, list: keyof FeedPlaces) {
  if (next === undefined) return null;
  return (
    <p>
      <a href={`${prefix}?${new URLSearchParams({ [list]: next })}`}>Older</a>
    </p>
  );
}
