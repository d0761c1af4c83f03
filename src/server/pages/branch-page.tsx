import type { Child } from "hono/jsx";
import { ciFull, ciSummary } from "./ci-block.tsx";
import { chip, layout } from "./layout.tsx";
import { pushedBy } from "./pushed-by.ts";
import { facts } from "./runs.tsx";
import type { BranchCiView, BranchPageView, TutorialView } from "./view.ts";

/** The earlier revision's branch page holds all of CI, as its stream does; the later one's a part. */
export function branchBlock(ci: BranchCiView, prefix: string) {
  return prefix === "/news" ? ciFull(ci) : ciSummary(ci);
}

/** One branch: its state, its newest run in short, its tutorial. */
export function branchPage({ ci, tutorial }: BranchPageView, prefix: string) {
  const { branch } = ci;
  const path = `${prefix}/branch/${branch.branch_id}`;
  return frame(
    ci,
    prefix,
    <>
      <h2>CI</h2>
      <div data-live={`${path}/ci/stream`}>{branchBlock(ci, prefix)}</div>
      <p>
        <a href={`${path}/ci`}>All runs and lanes</a>
      </p>
      {tutorial === undefined ? null : tutorialSection(tutorial, branch.head_sha)}
    </>,
  );
}

/** All of a branch's CI. */
export function ciPage(ci: BranchCiView, prefix: string) {
  const { branch } = ci;
  const path = `${prefix}/branch/${branch.branch_id}`;
  return frame(
    ci,
    prefix,
    <>
      <h2>CI</h2>
      <p>
        <a href={path}>The branch</a>
      </p>
      <dl>
        {facts([
          ["head", branch.head_sha],
          ["merge base", branch.merge_base_sha],
        ])}
      </dl>
      <div data-live={`${path}/ci/stream/full`}>{ciFull(ci)}</div>
    </>,
  );
}

function frame({ branch }: BranchCiView, prefix: string, content: Child) {
  return layout({
    title: `#${branch.branch_id} ${branch.branch_name}`,
    prefix,
    live: true,
    children: (
      <>
        <h1>
          #{branch.branch_id} {branch.branch_name}
        </h1>
        <p>{branch.title}</p>
        <p>
          {chip(branch.branch_state, "neutral")}{" "}
          {chip(`tutorial: ${branch.tutorial_status}`, "neutral")}
        </p>
        <p class="quiet">
          {branch.repo} · onto {branch.target_branch} · head{" "}
          <span class="sha">{branch.head_sha}</span> · updated {branch.updated_at}
          {pushedBy(branch, (words) => ` · ${words}`)}
        </p>
        {branch.problem == null ? null : <p class="note">{branch.problem}</p>}
        {branch.merge_commit_sha == null ? null : (
          <p>
            Merged as <span class="sha">{branch.merge_commit_sha}</span>.
          </p>
        )}
        {content}
      </>
    ),
  });
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
