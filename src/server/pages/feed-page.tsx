import type { BranchView } from "../http/wire-branch.ts";
import { toneOf } from "../http/wire-labels.ts";
import { chip, layout } from "./layout.tsx";
import type { FeedView } from "./view.ts";

/** All open branches and the newest ended ones. */
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
        <h2>Open branches</h2>
        {branchTable(view.open, prefix, "No branch is open. Push one to begin.")}
        <h2>Branch history</h2>
        {branchTable(view.ended, prefix, "Nothing was merged or closed yet.")}
      </>
    ),
  });
}

function branchTable(branches: readonly BranchView[], prefix: string, empty: string) {
  if (branches.length === 0) return <p class="quiet">{empty}</p>;
  return (
    <table>
      <tbody>
        {branches.map((branch) => (
          <tr>
            <td>#{branch.branch_id}</td>
            <td>
              <a href={`${prefix}/branch/${branch.branch_id}`}>{branch.branch_name}</a>
              <br />
              {branch.title}
            </td>
            <td>{chip(branch.branch_state, "neutral")}</td>
            <td>{chip(`ci: ${branch.ci_status}`, toneOf(branch.ci_status))}</td>
            <td class="quiet">{branch.updated_at}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
